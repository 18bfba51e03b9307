"""Rows from folders and from data sets as the Hub keeps them, and the fixed draw of examples from them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from composer.errors import TaskError
from composer.tasks import TASKS
from composer.tasks.files import NESTED
from composer.tasks.sampling import draw_examples
from composer.tasks.sources import HubSource, open_source

CASES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "invented_rows.json").read_text())
NESTED_TASKS = ("commonsense_qa", "hellaswag", "squad", "record")


def opinion(number: int, label: object = 1) -> dict[str, Any]:
    return {"sentence": f"a fine film, number {number}", "label": label}


def write_jsonl(folder: Path, task: str, rows: Sequence[object], split: str = "train") -> Path:
    path = folder / task / f"{split}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_csv(folder: Path, task: str, rows: Sequence[dict[str, Any]]) -> Path:
    path = folder / task / "train.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(json.dumps(value) if name in NESTED else value for name, value in row.items())
    return path


def write_parquet(folder: Path, task: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / task / "train.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def drawn(folder: Path, task: str = "sst2", **options: Any):
    return draw_examples(open_source([str(folder)]), task, **options)


@pytest.mark.parametrize("task", list(TASKS))
def test_a_row_is_the_same_example_from_each_of_the_three_formats(tmp_path: Path, task: str):
    rows = [CASES[task]["row"]]
    found = []
    for write in (write_jsonl, write_csv, write_parquet):
        write(tmp_path / write.__name__, task, rows)
        found.append(drawn(tmp_path / write.__name__, task).examples)
    assert found[0] == found[1] == found[2]
    assert (found[0][0].question, found[0][0].row_id) == (CASES[task]["question"], f"{task}-train-0")


def test_the_draw_is_fixed_by_the_seed_and_bounded_and_in_the_order_of_the_rows(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(number) for number in range(500)])
    ids = [[e.row_id for e in drawn(tmp_path, count=40, seed=seed).examples] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert len(set(ids[0])) == 40
    numbers = [int(row_id.rsplit("-", 1)[1]) for row_id in ids[0]]
    assert numbers == sorted(numbers)
    # not the first ones, nor the last
    assert 150 < sum(numbers) / 40 < 350


def test_a_small_task_is_taken_whole(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(number) for number in range(7)])
    assert [e.question for e in drawn(tmp_path).examples] == [f"Review: a fine film, number {n}" for n in range(7)]


def test_a_bad_row_takes_no_place_in_the_draw(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(number, label=number % 2 * 2 - 1) for number in range(100)])
    found = drawn(tmp_path, count=30)
    assert len(found.examples) == 30
    assert all("column 'label' is -1" in sentence for sentence in found.skipped)
    assert found.rows == 100


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (opinion(2, label=7), "column 'label' is 7; it must be from 0 to 1"),
        ({"label": 1}, "column 'sentence' is missing; the row has label"),
        ("{half\n", "it is not JSON"),
        ("[1, 2]\n", "it is a list and not an object"),
    ],
)
def test_a_bad_row_is_named_by_file_line_and_column(tmp_path: Path, row: object, words: str):
    write_jsonl(tmp_path, "sst2", [opinion(0), "\n", row, opinion(3)])
    found = drawn(tmp_path)
    assert [e.row_id for e in found.examples] == ["sst2-train-0", "sst2-train-2"]
    assert len(found.skipped) == 1
    assert found.skipped[0].startswith(f"sst2/train.jsonl, line 3: {words}")
    with pytest.raises(TaskError, match="sst2/train.jsonl, line 3: .*--bad-rows skip"):
        drawn(tmp_path, bad_rows="refuse")


def test_a_byte_that_is_no_utf_8_makes_one_bad_row(tmp_path: Path):
    path = write_jsonl(tmp_path, "sst2", [opinion(0), opinion(1)])
    path.write_bytes(path.read_bytes().replace(b"number 1", b"number \xff"))
    assert "line 2: it is not JSON" in drawn(tmp_path).skipped[0]
    path.unlink()
    (tmp_path / "sst2" / "train.csv").write_bytes(b"sentence,label\nfine,1\nna\xefve,0\n")
    assert drawn(tmp_path).skipped[0].startswith("sst2/train.csv, line 3: the question holds half of a surrogate")


def test_lines_of_a_csv_file_are_counted_as_an_editor_does(tmp_path: Path):
    (tmp_path / "sst2").mkdir()
    lines = ["\ufeffsentence,label", '"two', 'lines",1', "", "one,more,cell", '"quo"te",1', "fine,0", '"never closed,1']
    (tmp_path / "sst2" / "train.csv").write_text("\n".join(lines), encoding="utf-8")
    found = drawn(tmp_path)
    assert [(e.row_id, e.question) for e in found.examples] == [
        ("sst2-train-0", "Review: two lines"),
        ("sst2-train-3", "Review: fine"),
    ]
    assert [sentence.split(": ")[0].split("line ")[1] for sentence in found.skipped] == ["5", "6", "8"]
    assert "it has 3 cells and the header names 2" in found.skipped[0]
    assert "it is not CSV" in found.skipped[1]


def test_a_csv_cell_that_should_hold_a_list_is_named(tmp_path: Path):
    (tmp_path / "hellaswag").mkdir()
    (tmp_path / "hellaswag" / "train.csv").write_text("ctx,endings,label\nHe sits,up and down,0\n")
    with pytest.raises(TaskError, match="line 2: column 'endings' is 'up and down'; in a CSV file it must hold JSON"):
        drawn(tmp_path, "hellaswag")


def test_where_no_row_is_usable_the_first_says_why(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(0, label=-1), opinion(1, label=-1)])
    with pytest.raises(TaskError, match="no usable row of sst2. sst2/train.jsonl, line 1: column 'label' is -1"):
        drawn(tmp_path)
    write_jsonl(tmp_path, "cb", [])
    with pytest.raises(TaskError, match="no usable row of cb. It is empty"):
        drawn(tmp_path, "cb")


def test_a_damaged_parquet_file_is_refused_by_name(tmp_path: Path):
    path = write_parquet(tmp_path, "sst2", [opinion(number) for number in range(50)])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(TaskError, match="sst2/train.parquet cannot be read"):
        drawn(tmp_path)


def test_a_missing_folder_or_file_or_two_files_say_what_is_needed(tmp_path: Path):
    with pytest.raises(TaskError, match="there is no folder .*nowhere.*<task>/train.jsonl"):
        open_source([str(tmp_path / "nowhere")])
    with pytest.raises(TaskError, match="holds neither train.jsonl nor .csv nor .parquet"):
        drawn(tmp_path)
    write_jsonl(tmp_path, "sst2", [opinion(0)])
    write_csv(tmp_path, "sst2", [opinion(0)])
    with pytest.raises(TaskError, match="holds train.jsonl and train.csv; exactly one"):
        drawn(tmp_path)


def test_settings_of_a_draw_are_checked(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(0)])
    with pytest.raises(TaskError, match="did you mean|Known: refuse, skip"):
        drawn(tmp_path, bad_rows="drop")
    with pytest.raises(TaskError, match="0 rows a task"):
        drawn(tmp_path, count=0)


def test_each_task_comes_from_the_first_source_that_has_it(tmp_path: Path):
    write_jsonl(tmp_path / "a", "sst2", [opinion(1)])
    write_jsonl(tmp_path / "b", "sst2", [opinion(2)])
    write_jsonl(tmp_path / "b", "cb", [CASES["cb"]["row"]])
    both = open_source([str(tmp_path / "a"), str(tmp_path / "b")])
    assert both.tasks() == ("cb", "sst2")
    assert draw_examples(both, "sst2").examples[0].question.endswith("number 1")
    assert len(draw_examples(both, "cb").examples) == 1
    assert open_source([str(tmp_path / "a"), "hub"]).tasks() == tuple(TASKS)


def test_folders_that_are_no_task_are_listed(tmp_path: Path):
    write_jsonl(tmp_path, "sst2", [opinion(1)])
    write_jsonl(tmp_path, "comonsense_qa", [opinion(1)])
    (tmp_path / "notes").mkdir()
    for names in ([str(tmp_path)], ["hub", str(tmp_path)]):
        assert open_source(names).unknown() == ("comonsense_qa",)


# The data sets of the Hub: a folder with a data set's id for its name, below the working folder, is loaded by the
# `datasets` library as the Hub's own would be, and nothing is downloaded.


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def publish(hub: Path, task: str, rows: list[dict[str, Any]]) -> Path:
    """A data set with the task's id, configuration and splits."""
    source = TASKS[task].source
    folder = hub / source.hub_id
    data = folder / "data"
    data.mkdir(parents=True)
    name = source.config or "default"
    pq.write_table(pa.Table.from_pylist(rows), data / f"{source.train_split}.parquet")
    pq.write_table(pa.Table.from_pylist(rows[:1]), data / f"{source.test_split}.parquet")
    files = "".join(
        f"  - split: {split}\n    path: data/{split}.parquet\n" for split in (source.train_split, source.test_split)
    )
    card = f"---\nconfigs:\n- config_name: '{name}'\n  data_files:\n{files}---\n"
    (folder / "README.md").write_text(card)
    return folder


@pytest.mark.parametrize("task", ["cb", "anli_r3", "openbookqa", "story_cloze", *NESTED_TASKS])
def test_a_data_set_of_the_hub_gives_the_same_examples_as_its_rows_in_a_folder(hub: Path, task: str):
    row = {column: CASES[task]["row"][column] for column in TASKS[task].source.columns}
    rows = [row, row, row]
    publish(hub, task, [{**row, "more": "x"} for row in rows])
    write_jsonl(hub / "files", task, rows)
    assert draw_examples(HubSource(), task).examples == drawn(hub / "files", task).examples
    assert len(draw_examples(HubSource(), task, split="test").examples) == 1


def test_a_bad_row_of_the_hub_is_named_by_data_set_and_row(hub: Path):
    publish(hub, "cb", [CASES["cb"]["row"], {**CASES["cb"]["row"], "label": -1}])
    assert draw_examples(HubSource(), "cb").skipped[0].startswith("aps/super_glue (cb), row 2: column 'label' is -1")


def test_a_data_set_that_lost_a_column_is_refused_by_name(hub: Path):
    publish(hub, "sst2", [{"text": "fine", "label": 1}])
    with pytest.raises(TaskError, match=r"nyu-mll/glue \(sst2\) has no column 'sentence' any more; it has text, label"):
        draw_examples(HubSource(), "sst2")


def test_a_data_set_that_cannot_be_fetched_is_one_sentence_with_the_remedy(hub: Path):
    with pytest.raises(TaskError, match="rows of wic could not be fetched: aps/super_glue.*--source FOLDER") as refused:
        draw_examples(HubSource(), "wic")
    assert "\n" not in str(refused.value)


def test_a_data_set_made_by_a_script_is_read_from_the_export_and_the_script_never_runs(
    hub: Path, monkeypatch: pytest.MonkeyPatch
):
    import datasets

    row = CASES["piqa"]["row"]
    folder = hub / "ybisk" / "piqa"
    write_parquet(hub / "export" / "default", "train", [row])
    folder.mkdir(parents=True)
    (folder / "piqa.py").write_text("raise SystemExit('the script ran')")
    load, asked = datasets.load_dataset, []

    def fetch(path: str, name: str | None = None, **options: Any):
        asked.append((path, name, options))
        # What a revision names is a folder here.
        here = str(hub / "export") if options.pop("revision", None) else path
        return load(here, name, **options)

    monkeypatch.setattr(datasets, "load_dataset", fetch)
    assert draw_examples(HubSource(), "piqa").examples[0].question == CASES["piqa"]["question"]
    assert [(path, name) for path, name, _ in asked] == [("ybisk/piqa", None)] * 2
