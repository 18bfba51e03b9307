"""The Spacefile and its faults, told with their place."""

from __future__ import annotations

import pytest

from composer.errors import SpaceError
from composer.space.spacefile import parse_spacefile
from tests.space.conftest import SPACEFILE


def test_a_profile_is_the_common_part_with_its_own():
    spacefile = parse_spacefile(SPACEFILE)
    free, paid = spacefile.profiles
    assert spacefile.default is free
    assert (dict(free.card)["title"], dict(paid.card)["title"]) == ("Small", "Large")
    assert dict(paid.card).items() >= {"emoji": "🧪", "suggested_hardware": "t4-small"}.items()
    assert (free.sleep_time, paid.sleep_time) == (None, 600)
    assert paid.ignore == (".*", "__pycache__", "/tests", "/assets/only-free.txt")
    assert (free.zero_gpu, paid.zero_gpu) == (True, False)
    assert spacefile.variables == {"COMPOSER_BANK", "COMPOSER_DEVICE"}


def test_an_unknown_profile_is_told_with_the_nearest():
    with pytest.raises(SpaceError, match="unknown profile 'pay'. Did you mean 'paid'"):
        parse_spacefile(SPACEFILE).profile("pay")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("v: 1", "v: 2", "has v: 2, and this program reads v: 1"),
        ("deploy:", "deplot:", "unknown key in Spacefile: 'deplot'. Did you mean 'deploy'"),
        ("  title: Small", "  titel: Small", "unknown key in card: 'titel'. Did you mean 'title'"),
        ("hardware: zero-a10g", "hardwear: zero-a10g", r"deploy.profiles.free: 'hardwear'. Did you mean 'hardware'"),
        ("title: Large", "tags: lora", r"deploy.profiles.paid.card.tags is 'lora'; it must be a list of texts"),
        ("  emoji: 🧪\n", "", "card has no 'emoji'"),
        ("python_version: 3.12.12", "python_version: 3.12", "python_version is 3.12; .* Put it in quotes"),
        ("colorFrom: red", "colorFrom: redd", "color in card.colorFrom: 'redd'. Did you mean 'red'"),
        ("sdk: gradio", "sdk: docker", "the app is made with gradio"),
        ("app_file: app.py", f"app_file: app.py\n  short_description: {'x' * 61}", "61 characters; the Hub takes 60"),
        ("torch: 2.11.0", "torch: 2.11", "requirements.torch is 2.11; it must be text. Put it in quotes"),
        ("COMPOSER_DEVICE: cpu", "COMPOSER_QUEUE: 8", "COMPOSER_QUEUE is 8; it must be text"),
        ("secrets: [HF_TOKEN]", "secrets: {HF_TOKEN: hf_x}", "a value has no place in this file"),
        ("sleep_time: 600", "sleep_time: soon", "sleep_time is 'soon'; it must be a whole number"),
        ("sleep_time: 600", "sleep_time: 0", "it must be 1 or more"),
        ("file_limit_mb: 10", "file_limit_mb: true", "it must be a whole number"),
        ("  name: small", "  name: small\n  name: large", "the key 'name' stands twice"),
        ("v: 1", "v: [1", "not valid YAML: line"),
        ("ignore: [/assets/only-free.txt]", "ignore: /assets", "it must be a list of texts"),
        (SPACEFILE, "- a list", "it must be a table"),
        (SPACEFILE[SPACEFILE.index("  profiles:") :], "  profiles: {}", "deploy.profiles is empty"),
        (SPACEFILE[SPACEFILE.index("    free:") :], "    free: [1]", "deploy.profiles.free is .* must be a table"),
    ],
)
def test_a_fault_is_told_with_its_place_and_remedy(old: str, new: str, words: str):
    assert old in SPACEFILE
    with pytest.raises(SpaceError, match=words):
        parse_spacefile(SPACEFILE.replace(old, new, 1))
