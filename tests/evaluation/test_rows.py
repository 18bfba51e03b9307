"""Which rows are asked, and what is refused before a model is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rows import INDEXED, ROWS

from composer.bank.examples import read_examples
from composer.bank.manifest import Bank, load_bank
from composer.errors import BankError, SettingsError, TaskError
from composer.evaluation.rows import check_limit, rows_of_bank, rows_of_source
from composer.tasks import HELD_OUT, TASKS, TRAINED
from composer.tasks.sources import FolderSource, open_source


@pytest.fixture(scope="module")
def bank(tiny_bank: Path) -> Bank:
    return load_bank(tiny_bank)


def test_a_banks_own_rows_are_all_of_its_test_rows_held_out_tasks_last(bank: Bank):
    rows = rows_of_bank(bank, None, None)
    assert set(one.task for one in rows[:-2]) == set(TRAINED)
    assert tuple(one.task for one in rows[-2:]) == HELD_OUT
    assert [len(one.ids) for one in rows] == [len(ROWS[one.task]) - INDEXED * (one.task in TRAINED) for one in rows]
    assert all(query.hint == TASKS[one.task].hint for one in rows for query in one.queries)
    assert len({row_id for one in rows for row_id in one.ids}) == sum(len(one.ids) for one in rows)


def test_a_limit_takes_the_first_and_names_choose_tasks(bank: Bank):
    (copa, imdb) = rows_of_bank(bank, ("imdb", "copa"), 1)
    assert (copa.task, imdb.task) == ("copa", "imdb")
    whole = rows_of_bank(bank, ("copa",), None)[0]
    assert (copa.ids, copa.queries) == (whole.ids[:1], whole.queries[:1])
    assert copa.keys == whole.keys[:1]


def test_a_row_is_known_by_what_it_says_however_many_are_asked_with_it(bank: Bank):
    whole = rows_of_bank(bank, ("copa",), 2)[0]
    changed = replace(whole.queries[0], gold=1 - int(whole.queries[0].gold or 0))
    other = replace(whole, queries=(changed, *whole.queries[1:]))
    assert other.keys[0] != whole.keys[0]
    assert other.keys[1:] == whole.keys[1:]


def test_a_folders_rows_are_read_from_the_split_that_is_named(bank: Bank, folder_of_rows: Path):
    source = open_source([str(folder_of_rows)])
    rows = rows_of_source(source, "test", bank, None, None)
    assert [one.task for one in rows] == ["copa", "cb", "imdb"]
    assert rows[0].queries == rows_of_bank(bank, ("copa",), None)[0].queries
    (dev,) = rows_of_source(source, "dev", bank, None, None)
    assert (dev.task, len(dev.ids)) == ("copa", len(rows[0].ids))


def test_a_row_that_cannot_be_asked_is_left_out_by_name(bank: Bank, folder_of_rows: Path):
    (dev,) = rows_of_source(FolderSource(folder_of_rows), "dev", bank, ("copa",), None)
    assert len(dev.skipped) == 1
    assert dev.skipped[0].startswith("copa/dev.jsonl, line 3: column 'question' is missing")


@pytest.mark.parametrize(
    ("tasks", "words"),
    [(("copaa",), "unknown task 'copaa'. Did you mean 'copa'"), ((), "no task was chosen. Choose at least one of")],
)
def test_a_task_that_is_not_there_is_refused(bank: Bank, folder_of_rows: Path, tasks: tuple[str, ...], words: str):
    with pytest.raises(TaskError, match=words):
        rows_of_bank(bank, tasks, None)
    with pytest.raises(TaskError, match=words):
        rows_of_source(FolderSource(folder_of_rows), "test", bank, tasks, None)


def test_a_split_without_rows_is_refused(bank: Bank, folder_of_rows: Path, tmp_path: Path):
    with pytest.raises(TaskError, match="has no rows of any task for the split 'valid'. Correct --source or --split"):
        rows_of_source(FolderSource(folder_of_rows), "valid", bank, None, None)
    (tmp_path / "copa").mkdir()
    (tmp_path / "copa" / "test.jsonl").write_text('{"premise": 3}\n')
    with pytest.raises(TaskError, match="no usable row of copa. copa/test.jsonl, line 1: column"):
        rows_of_source(FolderSource(tmp_path), "test", bank, None, None)


def test_a_bank_without_test_rows_says_where_some_may_come_from(bank: Bank):
    with pytest.raises(BankError, match="no test rows of its own. Name some: --source FOLDER or hub"):
        rows_of_bank(replace(bank, evaluation=None), None, None)


def test_rows_without_a_right_answer_are_not_asked(bank: Bank, monkeypatch: pytest.MonkeyPatch):
    assert bank.evaluation is not None
    examples = read_examples(bank.evaluation.path)
    first = examples.rows_of("copa")[0]
    golds = tuple(None if row == first else gold for row, gold in enumerate(examples.golds))
    monkeypatch.setattr("composer.evaluation.rows.read_examples", lambda path: replace(examples, golds=golds))
    assert rows_of_bank(bank, ("copa",), None)[0].ids == (examples.row_ids[first + 1],)
    without = tuple(None for _ in examples.golds)
    monkeypatch.setattr("composer.evaluation.rows.read_examples", lambda path: replace(examples, golds=without))
    with pytest.raises(BankError, match="no test row of copa .* has a right answer"):
        rows_of_bank(bank, ("copa",), None)


def test_a_limit_of_no_rows_is_refused():
    check_limit(None)
    check_limit(1)
    with pytest.raises(SettingsError, match="limit is 0; at least 1"):
        check_limit(0)
