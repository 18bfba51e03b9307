"""Front matter: generated from the card, with the README's body to the byte."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.config import ROOT
from composer.errors import SpaceError
from composer.space.card import KEYS, front_matter, split, synced
from composer.space.spacefile import read_spacefile

CARD = {"title": "A: b", "emoji": "🧪", "python_version": "3.12", "pinned": False, "tags": ["no", "lora"]}


def test_what_is_written_is_read_back_as_it_was():
    assert yaml.safe_load(front_matter(CARD).split(b"---\n")[1]) == CARD
    assert list(yaml.safe_load(front_matter(CARD).split(b"---\n")[1])) == list(CARD)


@settings(deadline=None)
@given(st.binary(), st.booleans())
def test_the_body_stays_to_the_byte(body: bytes, had_a_card: bool):
    readme = front_matter({"title": "old"}) + body if had_a_card else b"# Title\n" + body
    rest = body if had_a_card else readme
    assert synced(readme, CARD) == front_matter(CARD) + rest
    assert split(synced(readme, CARD)) == (front_matter(CARD), rest)
    assert synced(synced(readme, CARD), CARD) == synced(readme, CARD)


def test_front_matter_with_the_line_ends_of_windows_is_found():
    assert split(b"---\r\ntitle: a\r\n---\r\nbody\r\n") == (b"---\r\ntitle: a\r\n---\r\n", b"body\r\n")


@pytest.mark.parametrize("readme", [b"---\ntitle: a\n", b"---\njust prose\n---\nmore\n", b"---\na: [\n---\n"])
def test_a_ruled_line_is_not_taken_for_a_fence(readme: bytes):
    with pytest.raises(SpaceError, match="README.md"):
        synced(readme, CARD)


def test_the_readme_of_this_project_is_in_sync():
    readme = (ROOT / "README.md").read_bytes()
    spacefile = read_spacefile(ROOT)
    assert synced(readme, dict(spacefile.default.card)) == readme
    assert yaml.safe_load(split(readme)[0].split(b"---\n")[1]).keys() <= KEYS.keys()
