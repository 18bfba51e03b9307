"""An index on a disk that is really full, by Chroma's own doing."""

from __future__ import annotations

from pathlib import Path

import pytest
from index_rows import ENCODER, SOURCE, build, made_rows

from composer.errors import SearchIndexError
from composer.files import free_bytes
from composer.retrieval import build as building
from composer.retrieval.index import SearchIndex
from composer.retrieval.manifest import CHROMA_FOLDER

ROWS = made_rows(1_200)


def fill(disk: Path, leave: int) -> Path:
    filler = disk / "filler"
    filler.write_bytes(bytes(free_bytes(disk) - leave))
    return filler


@pytest.mark.parametrize("force", [False, True])
def test_a_disk_that_is_too_small_is_named_before_anything_is_written(small_disk: Path, force: bool):
    with pytest.raises(SearchIndexError, match=rf"no space is left.*on the disk {small_disk} \(8 MB of 8 MB free\)"):
        build(small_disk / "index", ROWS, force=force)
    assert free_bytes(small_disk) > 8_000_000


@pytest.mark.parametrize("leave", [500_000, 2_000_000, 4_500_000, 5_500_000, 6_200_000])
def test_a_disk_that_fills_up_meanwhile_is_no_damage_and_leaves_no_half_index(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, leave: int
):
    filler = fill(small_disk, leave)
    monkeypatch.setattr(building, "_check_space", lambda *_: None)
    try:
        build(small_disk / "index", ROWS)
    except SearchIndexError as error:
        assert "no space is left" in str(error) and str(small_disk) in str(error)
        # Chroma holds some of its deleted files open until the process ends
        assert not (small_disk / "index" / CHROMA_FOLDER).exists()
    else:
        SearchIndex.open(small_disk / "index", ENCODER).close()
        return
    filler.unlink()
    build(small_disk / "index", made_rows(300))
    SearchIndex.open(small_disk / "index", ENCODER, SOURCE).close()


def test_a_finished_index_is_never_weighed_again(small_disk: Path):
    build(small_disk / "index", made_rows(300))
    fill(small_disk, 100_000)
    assert build(small_disk / "index", made_rows(300)).total == 300
