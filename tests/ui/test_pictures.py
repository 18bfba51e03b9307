from __future__ import annotations

from composer.config import ROOT


def test_the_readme_shows_the_page_in_both_themes_and_small_enough():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in ("page-light", "page-dark"):
        assert f"docs/images/{name}.png" in readme
        assert (ROOT / "docs" / "images" / f"{name}.png").stat().st_size < 1024**2


def test_a_command_takes_the_pictures():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "docs/screenshots.py" in makefile.partition("\nscreenshots:")[2].partition("\n\n")[0]
