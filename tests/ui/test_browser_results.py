"""The results in a browser: another view, an order, cell by cell with the keyboard, on a narrow screen too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from composer import Composer
from composer.ui.measured import Measured

from .conftest import Visit, served
from .made_results import evaluation

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def measured_site(composer: Composer, cache_dir: Path) -> Iterator[str]:
    """A page whose bank has been measured."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("composer.ui.page.read_measured", lambda bank: Measured(evaluation()))
        with served(composer, cache_dir) as address:
            yield address


def test_a_view_and_an_order_are_a_click_away_and_the_focus_stays(visit: Visit, measured_site: str):
    visitor = visit(at=measured_site)
    page = visitor.page
    tasks = page.locator("#ac-results tbody th[scope=row]")
    assert tasks.all_inner_texts() == ["Mean of 3 tasks", "commonsense_qa", "rte", "sst2", "imdb"]
    page.locator("#ac-by-own").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#ac-results th[aria-sort=descending] #ac-by-own")
    assert tasks.all_inner_texts() == ["Mean of 3 tasks", "sst2", "commonsense_qa", "rte", "imdb"]
    page.wait_for_function("document.activeElement.id === 'ac-by-own'")
    page.locator("#ac-more").click()
    page.wait_for_selector("#ac-by-soup")
    page.locator("#ac-view-unseen").click()
    page.wait_for_selector("#ac-view-unseen[aria-pressed=true]")
    assert page.locator("#ac-by-soup").count() == 0
    assert visitor.complaints == []


def test_arrow_keys_go_from_cell_to_cell_and_what_is_known_of_it_is_read_out(visit: Visit, measured_site: str):
    visitor = visit(at=measured_site)
    page = visitor.page
    page.wait_for_selector("#ac-results td[tabindex='0']")
    assert page.locator("#ac-results td[tabindex='0']").count() == 1
    page.locator("#ac-results td[tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "ac-hint"
    assert page.locator("#ac-hint").inner_text().startswith("Own adapter on commonsense_qa: 75")
    assert page.locator("#ac-results td[tabindex='0']").count() == 1
    assert visitor.complaints == []


def test_on_a_phone_only_the_table_scrolls_and_the_tasks_stay(visit: Visit, measured_site: str):
    visitor = visit(at=measured_site, width=390, dark=True)
    page = visitor.page
    page.locator("#ac-results .ac-scroll").evaluate("box => { box.scrollLeft = 150 }")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box, task = (page.locator(f"#ac-results {what}").first.bounding_box() for what in (".ac-scroll", "tbody th"))
    assert abs(box["x"] - task["x"]) < 4
    assert visitor.complaints == []


def test_a_bank_that_nobody_measured_has_no_such_section(visit: Visit):
    page = visit().page
    assert page.locator("#ac-results, .ac-accuracy").count() == 0
