"""The page as a visitor meets it. One test does several things where a visitor would: starting a visit is slow."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from composer.config import DEFAULT_METHODS
from composer.errors import MergeError
from composer.types import MAX_OPTION_CHARS, MAX_QUESTION_CHARS
from composer.ui.cases import load_cases

from .conftest import Visit, served_by_a_process
from .sample import HOSTILE

pytestmark = pytest.mark.browser

LANTERN = "Where would you go to buy a lantern?"
BIRDS = "How many birds will sit on my roof tomorrow at noon?"
"""Resembles nothing in particular, so several tasks share the weight."""
CASE = next(case for case in load_cases()[1:] if case.context)
SHOPS = ("a bakery", "a camping store", "a shoe store")


def test_a_question_gets_neighbours_weights_and_four_answers(visit: Visit):
    visitor = visit()
    visitor.ask(LANTERN, *SHOPS)
    trace = visitor.answered(LANTERN)
    assert len(trace["neighbours"]) == 100 == visitor.page.locator(".ac-neighbours > li").count()
    answers = {**trace["predictions"], **trace["references"]}
    chosen = {name: answer["chosen_index"] for name, answer in answers.items()}
    assert visitor.chosen_in_grid() == chosen
    heads = visitor.page.locator(".ac-grid thead th[data-candidate]").all()
    assert [head.get_attribute("data-candidate") for head in heads] == ["base", "top1", "uniform", *DEFAULT_METHODS]
    minis = visitor.page.locator(".ac-mini").all()
    assert {mini.get_attribute("data-candidate"): int(mini.get_attribute("data-chosen") or -1) for mini in minis} == {
        name: index for name, index in chosen.items() if name != "uniform"
    }
    assert visitor.page.locator(".ac-finding h2").inner_text().startswith(f"Base: “{SHOPS[chosen['base']]}”.")
    shown = visitor.page.locator(".ac-weights .ac-weight").all_inner_texts()
    assert len(shown) == len(trace["weights"]["kept"])
    assert abs(sum(float(re.sub(r"[^\d.]", "", text)) for text in shown) - 100) <= 0.1
    assert visitor.complaints == []


def test_bad_input_gets_one_sentence_and_the_last_result_stays(visit: Visit):
    visitor = visit()
    visitor.ask(LANTERN, *SHOPS)
    before = visitor.answered(LANTERN)
    bad = [
        ("", SHOPS, "question is empty"),
        ("   ", SHOPS, "question is empty"),
        (LANTERN, (), "0 answer options"),
        (LANTERN, ("one",), "1 answer options"),
        (LANTERN, tuple("abcdefghi"), "9 answer options"),
        (LANTERN, ("same", "same"), "are the same"),
        (LANTERN, ("short", "x" * (MAX_OPTION_CHARS + 1)), "characters"),
    ]
    for question, options, words in bad:
        visitor.ask(question, *options)
        visitor.page.locator("#ac-error", has_text=words).wait_for()
        assert "Traceback" not in visitor.error()
        assert visitor.trace() == before
    visitor.page.evaluate("document.querySelector('#ac-question textarea').removeAttribute('maxlength')")
    visitor.ask("y" * (MAX_QUESTION_CHARS + 1), *SHOPS)
    visitor.page.locator("#ac-error", has_text="4,001 characters").wait_for()
    assert visitor.trace() == before
    visitor.ask("שלום 😀 which shop?", *SHOPS)
    visitor.answered("שלום 😀 which shop?")
    assert visitor.page.locator("#ac-error .ac-error").count() == 0
    assert visitor.complaints == []


def test_hostile_text_is_shown_as_it_was_typed(visit: Visit):
    visitor = visit()
    visitor.ask(HOSTILE, HOSTILE, "harmless")
    visitor.answered(HOSTILE)
    options = visitor.page.locator(".ac-grid .ac-option").all_text_contents()
    assert options == [HOSTILE, "harmless"]
    assert visitor.page.locator(".ac-question").text_content() == HOSTILE
    assert visitor.page.locator("#ac-story img").count() == 0
    assert visitor.complaints == []


def test_a_changed_setting_marks_the_answers_stale_and_reweighs_without_the_encoder(
    visit: Visit, composer, monkeypatch
):
    visitor = visit()
    visitor.ask(BIRDS, "three", "eleven", "none")
    before = visitor.answered(BIRDS)
    encoded = []
    original = type(composer.encoder).encode
    monkeypatch.setattr(
        type(composer.encoder), "encode", lambda self, texts: encoded.append(texts) or original(self, texts)
    )
    number = visitor.page.locator("#ac-top-p input[type=number]")
    number.fill("0.05")
    number.press("Enter")
    visitor.page.locator(".ac-cut", has_text="top-p 0.05").wait_for()
    visitor.page.wait_for_selector(".ac-answers.ac-stale")
    assert visitor.page.locator(".ac-finding.ac-stale").count() == visitor.page.locator(".ac-stale-bar").count() == 1
    assert visitor.trace() == before
    assert encoded == []
    visitor.page.locator(".ac-stale-bar button").click()
    visitor.page.wait_for_function(
        "JSON.parse(document.querySelector('#ac-answers .ac-answers').dataset.trace || '{}').weights?.top_p === 0.05"
    )
    assert visitor.page.locator(".ac-stale").count() == 0
    assert len(visitor.trace()["weights"]["kept"]) == 1 < len(before["weights"]["kept"])


def test_neighbours_ribbon_and_answers_are_of_one_question_after_a_case_has_reset_the_settings(visit: Visit):
    visitor = visit()
    number = visitor.page.locator("#ac-top-p input[type=number]")
    number.fill("0.5")
    number.press("Enter")
    visitor.page.locator(".ac-cut", has_text="top-p 0.50").wait_for()
    visitor.page.locator(f'#ac-chips [data-case="{CASE.slug}"]').click()
    trace = visitor.answered(CASE.query)
    assert number.input_value() == "0.9"
    visitor.page.wait_for_timeout(2_000)  # the changed settings re-weigh, too
    rows = visitor.page.evaluate("[...document.querySelectorAll('.ac-neighbours > li')].map(row => row.dataset.row)")
    assert rows == [neighbour["row_id"] for neighbour in trace["neighbours"]]
    tasks = visitor.page.locator(".ac-weights li:not(.ac-dropped)").all()
    assert [row.get_attribute("data-task") for row in tasks] == list(trace["weights"]["kept"])
    assert visitor.page.locator(".ac-stale").count() == 0


def test_a_copied_link_reproduces_the_run_for_someone_else_after_a_restart(
    visit: Visit, tiny_bank, cache_dir, tmp_path
):
    first = visit()
    number = first.page.locator("#ac-top-p input[type=number]")
    number.fill("0.55")
    number.press("Enter")
    first.ask(BIRDS, "three", "eleven")
    made = first.answered(BIRDS)
    first.page.locator("#ac-copy").click()
    first.page.locator("#ac-copy", has_text="Copied").wait_for()
    link = first.page.evaluate("navigator.clipboard.readText()")
    with served_by_a_process(tiny_bank, tmp_path, cache_dir) as restarted:
        second = visit("?" + link.partition("?")[2], at=restarted)
        again = second.answered(BIRDS)
        assert second.inputs_on_show() == first.inputs_on_show()
        assert second.page.locator("#ac-question textarea").input_value() == BIRDS
        assert second.page.locator("#ac-options textarea").input_value() == "three\neleven"
        assert second.page.locator("#ac-top-p input[type=number]").input_value() == "0.55"
        assert second.page.locator(".ac-stale").count() == 0
    assert [(n["row_id"], n["task"]) for n in again["neighbours"]] == [
        (n["row_id"], n["task"]) for n in made["neighbours"]
    ]
    # another process rounds the last bit of a float as it likes
    assert again["weights"]["kept"] == pytest.approx(made["weights"]["kept"], abs=1e-6)
    assert again["weights"]["dropped"] == pytest.approx(made["weights"]["dropped"], abs=1e-6)
    # and computes in bf16 where the machine multiplies it
    for method, prediction in made["predictions"].items():
        assert again["predictions"][method]["probabilities"] == pytest.approx(prediction["probabilities"], abs=0.02)


def test_a_hostile_link_runs_nothing(visit: Visit):
    visitor = visit("?q=%24%7Balert(1)%7D%3Cimg%20src%3Dx%20onerror%3Dalert(2)%3E&o=%7B%7Bvalue%7D%7D&o=b&p=0.9")
    visitor.answered("${alert(1)}<img src=x onerror=alert(2)>")
    assert visitor.complaints == []


def test_a_case_study_is_asked_with_a_click(visit: Visit):
    visitor = visit()
    visitor.page.locator(f'#ac-chips [data-case="{CASE.slug}"]').click()
    assert visitor.answered(CASE.query)["context"] == CASE.context
    assert visitor.page.locator("#ac-note", has_text=CASE.look_for).count() == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            MergeError("the ranks differ: 8 and 16. Only cat mixes ranks."),
            "The ranks differ: 8 and 16. Only cat mixes ranks.",
        ),
        (
            RuntimeError("lost /composer/secret.py"),
            "TIES failed in an unexpected way; the server's log has the details.",
        ),
    ],
    ids=["foreseen", "unforeseen"],
)
def test_a_method_that_fails_says_why_and_harms_no_other(visit: Visit, site: str, monkeypatch, error, words):
    from composer.merging import METHODS

    def broken(*_: object) -> None:
        raise error

    monkeypatch.setitem(METHODS, "ties", replace(METHODS["ties"], merge=broken))
    question = f"{LANTERN} {type(error).__name__}"
    visitor = visit()
    visitor.ask(question, *SHOPS)
    visitor.answered(question)
    assert visitor.page.locator(".ac-failure").all_inner_texts() == [f"TIES: no answer. {words}"]
    assert visitor.page.locator(".ac-mini.ac-failed").get_attribute("data-candidate") == "ties"
    assert visitor.page.locator(".ac-finding h2", has_text="; TIES failed").count() == 1
    assert set(visitor.chosen_in_grid()) == {"base", "top1", "uniform", "linear", "cat", "magnitude_prune"}
    told = json.dumps(Client(site, verbose=False).predict(question=question, options=list(SHOPS), api_name="/compare"))
    for place in (visitor.page.content(), told):
        assert "Traceback" not in place and "/composer/" not in place
    assert "ties" in json.loads(told)["failures"]


def test_the_list_filters_by_task_and_opens_by_keyboard(visit: Visit):
    visitor = visit()
    chip = visitor.page.locator(".ac-filter [data-filter]").nth(1)
    task = chip.get_attribute("data-filter")
    chip.focus()
    visitor.page.keyboard.press("Enter")
    shown = visitor.page.locator(".ac-neighbours > li:not([hidden])")
    assert {row.get_attribute("data-task") for row in shown.all()} == {task}
    shown.first.locator("summary").focus()
    visitor.page.keyboard.press("Enter")
    assert shown.first.locator(".ac-whole").is_visible()


def test_a_click_on_the_map_shows_the_example(visit: Visit):
    visitor = visit()
    visitor.page.wait_for_selector(".ac-map[data-ready]")
    texts = visitor.page.locator(".ac-neighbours .ac-whole").all_text_contents()
    assert visitor.page.locator(".ac-reading-text").text_content() == texts[0]
    place = visitor.place_on_map(len(texts) - 1)
    visitor.page.locator(".ac-map canvas").click(position=place)
    visitor.page.locator("#ac-reading h3", has_text="The example you clicked").wait_for()
    tip = visitor.page.locator(".ac-tip").inner_text()  # of the point under the pointer, which was clicked
    read = visitor.page.locator(".ac-reading-text").text_content()
    assert read in texts[1:]
    previews = visitor.page.locator(".ac-neighbours .ac-preview").all_text_contents()
    assert previews[texts.index(read)] in tip
    assert visitor.complaints == []


def test_every_explained_word_explains_itself_to_mouse_and_keyboard(visit: Visit):
    visitor = visit()
    hint = visitor.page.locator("#ac-hint")
    words = visitor.page.locator(".ac-term:visible")
    assert words.count() > 8
    for word in words.all():
        word.hover()
        visitor.page.wait_for_function(
            "words => { const hint = document.getElementById('ac-hint');"
            " return hint && !hint.hidden && hint.textContent === words }",
            arg=word.get_attribute("data-hint"),
        )
    visitor.page.keyboard.press("Escape")
    assert hint.is_hidden()
    stop = visitor.page.locator("#ac-nucleus .ac-term[tabindex]").first
    stop.focus()
    assert hint.inner_text() == stop.get_attribute("data-hint")
    assert stop.get_attribute("aria-describedby") == hint.get_attribute("id")
    assert visitor.complaints == []


def test_methods_are_chosen_under_advanced_and_flow_into_the_same_grid(visit: Visit):
    from composer.merging import METHODS

    visitor = visit()
    visitor.page.locator("#ac-advanced button").first.click()
    boxes = visitor.page.locator("#ac-advanced input[type=checkbox][name]")
    boxes.first.wait_for()
    assert [box.get_attribute("name") for box in boxes.all() if box.is_checked()] == list(METHODS)[:4]
    visitor.page.get_by_label("Linear", exact=True).uncheck()
    for method in list(METHODS)[4:]:
        visitor.page.get_by_label(METHODS[method].title, exact=True).check()
    visitor.page.wait_for_selector(".ac-answers.ac-stale")
    visitor.ask(LANTERN, *SHOPS)
    visitor.answered(LANTERN)
    assert set(visitor.chosen_in_grid()) == {"base", "top1", "uniform", *list(METHODS)[1:]}
    assert visitor.page.locator(".ac-heat thead th").count() == len(METHODS) + 1
    assert visitor.complaints == []


def test_the_map_follows_the_theme(visit: Visit):
    visitor = visit()
    visitor.page.wait_for_selector(".ac-map[data-ready]")
    painted = "document.querySelector('.ac-map canvas').toDataURL()"
    visitor.page.wait_for_timeout(500)
    light = visitor.page.evaluate(painted)
    visitor.page.locator("[data-theme-toggle]").click()
    visitor.page.wait_for_function(f"before => {painted} !== before", arg=light)
    assert visitor.page.evaluate("document.body.classList.contains('dark')")


def test_two_visitors_do_not_see_each_others_runs(visit: Visit):
    one, other = visit(), visit(dark=True)
    one.ask(LANTERN, *SHOPS)
    one.answered(LANTERN)
    assert other.trace()["query"] != LANTERN
    number = other.page.locator("#ac-top-p input[type=number]")
    number.fill("0.5")
    number.press("Enter")
    other.page.locator(".ac-cut", has_text="top-p 0.50").wait_for()
    assert other.page.locator(".ac-whole").first.text_content() != one.page.locator(".ac-whole").first.text_content()
    assert other.complaints == []


def test_the_endpoint_says_what_the_page_shows(visit: Visit, site: str):
    visitor = visit()
    visitor.ask(LANTERN, *SHOPS)
    shown = visitor.answered(LANTERN)
    client = Client(site, verbose=False)
    got = client.predict(question=LANTERN, options=list(SHOPS), api_name="/compare")
    for part in ("query", "options", "neighbours", "weights", "contributions", "failures", "notes"):
        assert got[part] == shown[part], part
    assert {m: p["probabilities"] for m, p in got["predictions"].items()} == {
        m: p["probabilities"] for m, p in shown["predictions"].items()
    }
    with pytest.raises(AppError, match="1 answer options"):
        client.predict(question=LANTERN, options=["one"], api_name="/compare")
    public = client.view_api(return_format="dict")["named_endpoints"]
    assert list(public) == ["/compare"]
    types = {one["parameter_name"]: one["python_type"]["type"] for one in public["/compare"]["parameters"]}
    assert (types["question"], types["options"], types["top_k"]) == ("str", "list[str]", "int")
