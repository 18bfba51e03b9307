"""Number fields: a bad value is one sentence beside it, and nothing else happens."""

from __future__ import annotations

import logging

import pytest

from .conftest import Visit

pytestmark = pytest.mark.browser

FIELDS = {"#ac-top-p": ("0.9", "7", "0.5"), "#ac-top-k": ("100", "2.5", "50"), "#ac-density": ("0.7", "-1", "0.5")}
"""(value before, a bad one, a good one)"""


def test_a_bad_number_is_one_sentence_at_its_field_and_knob_and_field_agree(
    visit: Visit, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    visitor = visit()
    page = visitor.page
    page.locator("#ac-advanced > button").click()
    for place, (before, bad, good) in FIELDS.items():
        number, knob = (page.locator(f"{place} input[type={kind}]") for kind in ("number", "range"))
        error = page.locator(f"{place} .ac-field-error")
        for typed in (bad, ""):
            number.fill(typed)
            number.blur()
            error.filter(has_text=f"It stays at {before}.").wait_for()
            assert error.inner_text().startswith(f"{typed} cannot be used" if typed else "A number is needed")
            assert number.input_value() == knob.input_value() == before
            assert number.get_attribute("aria-invalid") == "true"
            assert number.get_attribute("aria-describedby") == error.get_attribute("id")
        number.fill(good)
        number.press("Enter")
        page.wait_for_selector(".ac-answers.ac-stale")
        assert (number.input_value(), knob.input_value(), error.text_content()) == (good, good, "")
        assert number.get_attribute("aria-invalid") is None
    assert page.locator("#ac-error .ac-error, .toast-body").count() == 0
    assert "Traceback" not in capfd.readouterr().err
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert visitor.complaints == []


def test_a_value_that_reaches_the_server_all_the_same_is_a_sentence_too(
    visit: Visit, capfd: pytest.CaptureFixture[str]
):
    visitor = visit()
    page = visitor.page

    def forged(route):
        route.continue_(post_data=route.request.post_data.replace(",0.9,100,", ",9,100,"))

    page.route("**/queue/join*", forged)
    page.locator("#ac-compare").click()
    assert visitor.error() == "Top-p is 9.0; it must be above 0 and at most 1."
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("link", ["?q=Where%3F&o=here&o=there&p=9", "?q=Where%3F&o=here&o=there&kernel=none"])
def test_a_link_that_cannot_be_asked_is_one_sentence_and_its_question_is_kept(visit: Visit, link: str):
    visitor = visit(link)
    assert visitor.error().startswith("In the link, ")
    page = visitor.page
    page.wait_for_selector(".ac-answers.ac-stale")  # they are of the first case
    assert page.locator("#ac-question textarea").input_value() == "Where?"
    assert page.locator(".ac-error:visible, .ac-field-error:visible").count() == 1
    page.locator("#ac-compare").click()
    visitor.answered("Where?")
    assert page.locator(".ac-error:visible").count() == 0
    assert visitor.complaints == []


def test_a_link_with_many_neighbours_can_be_asked_again(visit: Visit):
    visitor = visit("?q=Where%3F&o=here&o=there&k=1000")
    visitor.answered("Where?")
    page = visitor.page
    page.locator("#ac-advanced > button").click()
    assert page.locator("#ac-top-k input[type=number]").input_value() == "1000"
    visitor.ask("When?", "now", "then")
    visitor.answered("When?")
    assert visitor.inputs_on_show()["top_k"] == 1000
    assert page.locator(".ac-error:visible").count() == 0
