"""A bank, its examples and a case study full of code: all of it stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from .conftest import Visit, served
from .sample import HOSTILE

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hostile_site(composer, cache_dir) -> Iterator[str]:
    from composer.ui import cases
    from composer.ui.charts.neighbour_map import ExampleMap

    case = cases.Case("hostile", HOSTILE, "reading", HOSTILE, (HOSTILE, "b"), HOSTILE, context=HOSTILE)
    whole, retrieve = ExampleMap.of(composer.bank), type(composer).retrieve

    def hostile(self, *given):
        return tuple(replace(neighbour, text=f"hint\n{HOSTILE}") for neighbour in retrieve(self, *given))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases, "load_cases", lambda: (case,))
        patch.setattr(ExampleMap, "of", lambda bank: replace(whole, texts=(HOSTILE,) * len(whole.texts)))
        patch.setattr(type(composer), "retrieve", hostile)
        bank = replace(composer.bank, title=HOSTILE, description=HOSTILE)
        with served(replace(composer, bank=bank), cache_dir) as address:
            yield address


def test_code_in_a_bank_or_a_case_is_only_text(visit: Visit, hostile_site: str):
    visitor = visit(at=hostile_site)
    page = visitor.page
    page.wait_for_selector(".ac-map[data-ready]")
    assert page.locator(".ac-pill b").text_content() == HOSTILE
    assert page.locator("#ac-note strong").text_content() == f"{HOSTILE}."
    assert page.locator("#ac-gallery b").text_content() == HOSTILE
    assert page.locator(".ac-limits li").first.text_content() == HOSTILE
    assert page.locator(".ac-neighbours .ac-whole").first.text_content() == f"hint\n{HOSTILE}"
    page.locator("#ac-gallery button").click()
    page.wait_for_function("!document.querySelector('#ac-answers [aria-busy]')")
    page.locator(".ac-neighbours summary").first.click()
    assert page.locator(".ac-reading-text").text_content() == f"hint\n{HOSTILE}"
    page.locator(".ac-map canvas").click(position=visitor.place_on_map(0))
    page.locator("#ac-reading h3", has_text="The example you clicked").wait_for()
    assert page.locator(".ac-reading-text").text_content() == HOSTILE
    assert page.locator("#ac-story img, #ac-rail img").count() == 0
    assert visitor.complaints == []
