"""A bank's own examples: made of rows that people wrote, each one thing said once and in nobody else's words."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hash_encoder import HashEncoder
from tiny_bank import rows_of

from composer.bank.examples import read_examples
from composer.bank.manifest import BANK_FILE, Bank, load_bank
from composer.errors import BankError, TaskError
from composer.retrieval.bank_examples import check_original, make_examples, read_rows
from composer.retrieval.projection import MAP_FILE, read_map

TASKS = ("copa", "cb")


def write_rows(folder: Path, rows: dict[str, list[dict]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for task, lines in rows.items():
        (folder / f"{task}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows", {task: list(rows_of(task, "train")) for task in TASKS})


@pytest.fixture
def bank(small_bank: Path, tmp_path: Path) -> Bank:
    """Without examples of its own yet."""
    folder = Path(shutil.copytree(small_bank, tmp_path / "bank"))
    text = (folder / BANK_FILE).read_text()
    start, end = text.index("[examples]"), text.index("[evaluation]")
    files = text[text.index("[files]") : text.index("[adapters.")]
    (folder / BANK_FILE).write_text(
        "# By hand.\n"
        + text[:start].replace(files, "")
        + "[examples]\ndatasets = true\n\n"
        + text[end:].replace(files, "")
    )
    for name in ("examples.parquet", MAP_FILE):
        (folder / name).unlink()
    return load_bank(folder)


def quiet(done: int, total: int) -> None:
    pass


def test_rows_become_examples_with_vectors_a_map_and_their_sha256(bank: Bank, rows: Path):
    steps: list[tuple[int, int]] = []
    made = make_examples(bank, rows, HashEncoder(), progress=lambda *step: steps.append(step))
    assert (made.rows, made.tasks) == (12, (("copa", 6), ("cb", 6)))
    assert 0 < made.closest < 0.93
    assert steps[-1] == (12, 12)
    again = load_bank(bank.folder)
    assert again.examples is not None and again.unpinned == ()
    assert [shipped.path.name for shipped in again.files] == [MAP_FILE]
    examples = read_examples(again.examples.path)
    assert Counter(examples.tasks) == {"copa": 6, "cb": 6}
    assert examples.vectors is not None and examples.vectors.shape == (12, 384)
    assert read_map(bank.folder / MAP_FILE).row_ids == examples.row_ids
    assert (bank.folder / BANK_FILE).read_text().startswith("# By hand.\n")
    assert all(examples.query(row).gold is not None for row in range(12))


def test_the_same_rows_make_the_same_files(bank: Bank, rows: Path):
    contents = []
    for _ in range(2):
        make_examples(load_bank(bank.folder), rows, HashEncoder(), progress=quiet)
        contents.append([(bank.folder / name).read_bytes() for name in ("examples.parquet", BANK_FILE)])
    assert contents[0] == contents[1]


def test_two_rows_that_are_nearly_alike_are_refused_by_name_and_nothing_is_written(bank: Bank, rows: Path):
    class Blind(HashEncoder):
        """Tells rows of cb apart, and none of copa."""

        def encode(self, texts):
            vectors = super().encode(texts)
            for place, text in enumerate(texts):
                if "What" in text:
                    vectors[place] = np.eye(384, dtype=np.float32)[0]
            return vectors

    before = (bank.folder / BANK_FILE).read_text()
    with pytest.raises(TaskError, match=r"copa-\d and copa-\d are nearly alike .cosine 1.00.. Change one of them"):
        make_examples(bank, rows, Blind(), progress=quiet)
    assert (bank.folder / BANK_FILE).read_text() == before
    assert not (bank.folder / "examples.parquet").exists()


def test_eight_words_in_a_row_of_someone_elses_are_refused(rows: Path, tmp_path: Path):
    theirs = write_rows(
        tmp_path / "theirs" / "cb", {"train": [{"premise": "Well, SHE did not believe: that the letter was real!"}]}
    )
    with pytest.raises(TaskError, match=r"cb.jsonl, line 2 shares 'she did not believe that the letter was' with"):
        check_original(rows, theirs.parent)
    longer = {"premise": "Nine words of which none is in our rows."}
    seven = write_rows(
        tmp_path / "seven" / "cb", {"train": [{"premise": "She did not believe that the letter"}, longer]}
    )
    check_original(rows, seven.parent)
    nested = write_rows(
        tmp_path / "nested" / "x", {"train": [{"a": {"b": ["one two three four five six seven eight"]}}]}
    )
    check_original(rows, nested.parent)
    mine = write_rows(
        tmp_path / "mine",
        {"cb": [{"premise": "One two three four five six seven eight.", "hypothesis": "h", "label": 0}]},
    )
    with pytest.raises(TaskError, match="line 1 shares 'one two three four five six seven eight'"):
        check_original(mine, nested.parent)


def test_a_comparison_with_nothing_is_refused(rows: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(TaskError, match="holds no rows in .jsonl files to be held apart from. Correct --apart-from"):
        check_original(rows, tmp_path / "empty")


def test_a_row_that_cannot_be_used_is_named_by_its_place(rows: Path):
    with (rows / "cb.jsonl").open("a") as file:
        file.write('{"premise": "a", "hypothesis": "b", "label": 7}\n')
    with pytest.raises(TaskError, match=r"cb.jsonl, line 7: column 'label' is 7"):
        read_rows(rows)


def test_a_folder_without_rows_says_what_is_wanted(tmp_path: Path):
    with pytest.raises(TaskError, match="holds no rows. Write some as <task>.jsonl"):
        read_rows(tmp_path)


def test_a_bank_that_cannot_be_written_is_one_sentence(bank: Bank, rows: Path):
    (bank.folder / "examples.parquet").mkdir()
    with pytest.raises(BankError, match="nothing can be written to"):
        make_examples(bank, rows, HashEncoder(), progress=quiet)


def test_the_command_says_what_it_made(cli, bank: Bank, rows: Path):
    ended = cli("bank", "examples", "--bank", bank.folder, "--rows", rows, "--json")
    made = json.loads(ended.out)
    assert (made["rows"], made["tasks"], ended.status) == (12, {"copa": 6, "cb": 6}, 0)
    assert "Embedding, rows: 12 of 12" in ended.err
    assert cli("index", "build", "--bank", bank.folder, "--output", bank.folder.parent / "i").status == 0


def test_the_command_refuses_in_one_sentence(cli, refused, bank: Bank, rows: Path, tmp_path: Path):
    theirs = write_rows(tmp_path / "theirs", {"copa": list(rows_of("cb", "train"))})
    command = ("bank", "examples", "--bank", bank.folder)
    refused(cli(*command, "--rows", rows, "--apart-from", theirs), "in other words")
    refused(cli(*command), "examples holds no rows")
    refused(cli(*command, "--rows", tmp_path / "none"), "none holds no rows")
