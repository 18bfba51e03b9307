"""Deployments to a Hub on loopback, through huggingface_hub, with what goes wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from composer.errors import SpaceError
from composer.space.card import split
from composer.space.deploy import Deployed, deploy
from composer.space.hub import ATTEMPTS, Hub
from composer.space.plan import SpacePlan, make_plan
from composer.space.spacefile import read_spacefile
from tests.space.conftest import FILES, Heard
from tests.space.fake_hub import FakeHub, FakeSpace, Fault

# huggingface_hub gives httpx2 the file in a way that it calls old
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=")

SPACE = "ada/small"
SECRETS = {"HF_TOKEN": "hf_value_of_a_secret"}
STEPS = (
    r"GET /api/spaces/ada/small$",
    r"/repos/create",
    r"GET .*/secrets",
    r"POST .*/secrets",
    r"GET .*/variables",
    r"POST .*/variables",
    r"GET .*/runtime",
    r"GET .*/tree/",
    r"/validate-yaml",
    r"/preupload/",
    r"/objects/batch",
    r"PUT /store/",
    r"/store/verify",
    r"/commit/",
)


def plan_of(project: Path, profile: str = "free", space: str = SPACE) -> SpacePlan:
    spacefile = read_spacefile(project)
    return make_plan(project, spacefile, spacefile.profile(profile), space)


def run(hub: Hub, plan: SpacePlan, secrets: Mapping[str, str] = SECRETS, timeout: float = 100) -> Deployed:
    ticks = iter(range(10_000))
    return deploy(hub, plan, secrets, timeout=timeout, poll=1, clock=lambda: next(ticks))


def assert_whole(fake_hub: FakeHub, plan: SpacePlan) -> FakeSpace:
    """The Space holds what the plan says, to the byte, and nothing else; and it runs."""
    space = fake_hub.spaces[plan.space]
    expected = {file.path: file.content() for file in plan.files}
    assert {path: content for path, content in space.files.items() if path != ".gitattributes"} == expected
    assert space.variables == dict(plan.profile.variables)
    assert (space.hardware, space.sleep_time) == (plan.profile.hardware, plan.profile.sleep_time)
    assert set(space.secrets) == set(plan.profile.secrets)
    assert space.stage == "RUNNING"
    return space


def test_a_first_deployment_makes_the_space_in_one_commit(hub: Hub, fake_hub: FakeHub, project: Path):
    plan = plan_of(project)
    done = run(hub, plan)
    space = assert_whole(fake_hub, plan)
    assert len(space.commits) == 1
    assert (done.url, done.stage, done.commit) == (f"{fake_hub.url}/spaces/{SPACE}", "RUNNING", space.commits[0])
    assert space.large == {"adapters/small/one.bin", "adapters/small/two.bin"}
    assert split(space.files["README.md"])[1] == FILES["README.md"].encode()
    assert space.files["requirements.txt"] == b"# pinned\ngradio==6.31.0\ntorch==2.11.0\nspaces==0.51.3\n"
    assert not {".env", "tests/test_app.py"} & set(space.files)


def test_a_second_run_changes_nothing(hub: Hub, fake_hub: FakeHub, project: Path):
    plan = plan_of(project)
    run(hub, plan)
    fake_hub.requests.clear()
    done = run(hub, plan)
    assert fake_hub.writes() == []
    assert (done.uploaded, done.removed, done.commit) == ((), (), None)


def test_only_what_changed_is_uploaded_and_what_is_gone_removed(hub: Hub, fake_hub: FakeHub, project: Path):
    run(hub, plan_of(project))
    (project / "app.py").write_text("def main():\n    return 1\n")
    (project / "adapters/small/two.bin").unlink()
    done = run(hub, plan_of(project))
    assert (done.uploaded, done.removed) == (("app.py",), ("adapters/small/two.bin",))
    assert_whole(fake_hub, plan_of(project))


def test_another_profile_replaces_card_variables_files_and_hardware(hub: Hub, fake_hub: FakeHub, project: Path):
    run(hub, plan_of(project))
    fake_hub.spaces[SPACE].variables["MINE"] = "kept"
    plan = plan_of(project, "paid")
    done = run(hub, plan)
    assert fake_hub.spaces[SPACE].variables.pop("MINE") == "kept"
    space = assert_whole(fake_hub, plan)
    assert done.removed == ("assets/only-free.txt",)
    assert b"title: Large" in space.files["README.md"]
    assert space.files["requirements.txt"] == FILES["requirements.txt"].encode()
    assert space.secrets == SECRETS


def test_a_changed_sleep_time_is_set(hub: Hub, fake_hub: FakeHub, project: Path):
    run(hub, plan_of(project, "paid"))
    fake_hub.spaces[SPACE].sleep_time = 60
    run(hub, plan_of(project, "paid"))
    assert_whole(fake_hub, plan_of(project, "paid"))


def test_a_new_space_can_be_private(hub: Hub, fake_hub: FakeHub, project: Path):
    deploy(hub, plan_of(project), {}, private=True)
    assert fake_hub.spaces[SPACE].private


@pytest.mark.parametrize("step", STEPS)
def test_a_request_to_wait_is_obeyed(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path, step: str):
    fake_hub.faults = [Fault(step, 429, headers={"Retry-After": "17"})]
    plan = plan_of(project, "paid")
    if step not in STEPS[:2]:
        fake_hub.spaces[SPACE] = FakeSpace("cpu-basic")
    run(hub, plan)
    assert fake_hub.faults[0].times == 0
    assert {wait for wait in heard.waits if wait >= 17} <= {17.0, 18.0}  # huggingface_hub adds a second
    assert max(heard.waits) >= 17
    assert len(assert_whole(fake_hub, plan).commits) == 1


@pytest.mark.parametrize("how", ["before", "inside", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_a_lost_connection_is_taken_up_again(hub: Hub, fake_hub: FakeHub, project: Path, step: str, how: str):
    fake_hub.faults = [Fault(step, how)]
    plan = plan_of(project, "paid")
    if step not in STEPS[:2]:
        fake_hub.spaces[SPACE] = FakeSpace("cpu-basic")
    run(hub, plan)
    assert fake_hub.faults[0].times == 0
    assert len(assert_whole(fake_hub, plan).commits) == 1


@pytest.mark.parametrize("step", [step for step in STEPS if step != "/store/verify"])
def test_a_second_run_finishes_what_a_first_one_left(
    hub: Hub, fake_hub: FakeHub, project: Path, step: str, monkeypatch: pytest.MonkeyPatch
):
    """The connection is gone for good at this step; what was done by then stays, and is not done twice."""
    monkeypatch.setattr("composer.space.hub.ATTEMPTS", 2)
    plan = plan_of(project, "paid")
    if step not in STEPS[:2]:
        fake_hub.spaces[SPACE] = FakeSpace("cpu-basic")
    fake_hub.faults = [Fault(step, "before", times=1_000)]
    with pytest.raises(SpaceError, match="the connection was lost while .* it goes on where it stopped"):
        run(hub, plan)
    assert set(fake_hub.spaces.get(SPACE, FakeSpace(None)).files) <= {".gitattributes", "README.md"}, (
        "half of the files"
    )
    fake_hub.faults = []
    run(hub, plan)
    assert len(assert_whole(fake_hub, plan).commits) == 1


@pytest.mark.parametrize(
    ("step", "how"), [("PUT /store/", "after"), ("/store/verify", "before"), ("/commit/", "after")]
)
def test_an_upload_that_was_done_is_recognized_though_every_answer_was_lost(
    hub: Hub, fake_hub: FakeHub, project: Path, step: str, how: str
):
    fake_hub.faults = [Fault(step, how, times=1_000)]
    run(hub, plan_of(project))
    assert len(assert_whole(fake_hub, plan_of(project)).commits) == 1


def test_a_hub_that_never_answers_well_is_asked_a_few_times_only(hub: Hub, fake_hub: FakeHub, project: Path):
    fake_hub.faults = [Fault("/repos/create", 503, times=1_000)]
    with pytest.raises(SpaceError, match="answered 503"):
        run(hub, plan_of(project))
    assert fake_hub.faults[0].times == 1_000 - ATTEMPTS


def test_a_wait_of_hours_is_told_instead_of_waited(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path):
    fake_hub.faults = [Fault("/repos/create", 429, headers={"Retry-After": "7200"})]
    with pytest.raises(SpaceError, match="Run the command again after 7200 s"):
        run(hub, plan_of(project))
    assert heard.waits == []


def test_a_failing_build_shows_its_log_and_a_second_run_builds_anew(
    hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path
):
    fake_hub.builds = [["BUILDING", "BUILD_ERROR"]]
    plan = plan_of(project)
    with pytest.raises(SpaceError, match="ended in BUILD_ERROR"):
        run(hub, plan)
    assert "ERROR: no matching distribution" in heard.lines
    run(hub, plan)
    space = assert_whole(fake_hub, plan)
    assert (len(space.commits), space.restarts) == (1, ["BUILD_ERROR"])


def test_a_build_that_fails_again_is_not_restarted_forever(hub: Hub, fake_hub: FakeHub, project: Path):
    fake_hub.builds = [["BUILD_ERROR"]] * 3
    plan = plan_of(project)
    for restarts in (0, 1):
        with pytest.raises(SpaceError, match="ended in BUILD_ERROR"):
            run(hub, plan)
        assert len(fake_hub.spaces[SPACE].restarts) == restarts


def test_the_mended_files_replace_those_of_a_failed_build(hub: Hub, fake_hub: FakeHub, project: Path):
    fake_hub.builds = [["BUILDING", "BUILD_ERROR"]]
    with pytest.raises(SpaceError, match="BUILD_ERROR"):
        run(hub, plan_of(project))
    (project / "app.py").write_text("def main():\n    return 2\n")
    run(hub, plan_of(project))
    assert assert_whole(fake_hub, plan_of(project)).restarts == []


def test_a_crashed_app_shows_what_it_printed(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path):
    fake_hub.builds, fake_hub.log = [["BUILDING", "RUNTIME_ERROR"]], ["Traceback", "KeyError: 'x'"]
    with pytest.raises(SpaceError, match="ended in RUNTIME_ERROR"):
        run(hub, plan_of(project))
    assert "run log" in heard.text and "KeyError: 'x'" in heard.lines


def test_a_log_that_cannot_be_read_does_not_hide_the_failure(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path):
    fake_hub.builds, fake_hub.faults = [["BUILD_ERROR"]], [Fault("/logs/", 403)]
    with pytest.raises(SpaceError, match="ended in BUILD_ERROR"):
        run(hub, plan_of(project))
    assert "could not be read" in heard.text


@pytest.mark.parametrize("stage", ["PAUSED", "STOPPED"])
def test_a_space_that_stands_still_is_started(hub: Hub, fake_hub: FakeHub, project: Path, stage: str):
    plan = plan_of(project)
    run(hub, plan)
    fake_hub.spaces[SPACE].stage = stage
    run(hub, plan)
    assert assert_whole(fake_hub, plan).restarts == [stage]


def test_a_space_that_never_runs_is_left_after_the_timeout(hub: Hub, fake_hub: FakeHub, project: Path):
    fake_hub.builds = [["BUILDING"]]
    with pytest.raises(SpaceError, match="still BUILDING after 1 minutes"):
        run(hub, plan_of(project), timeout=60)


def test_a_missing_secret_is_told_before_anything_changes(hub: Hub, fake_hub: FakeHub, project: Path):
    with pytest.raises(SpaceError, match="HF_TOKEN is not set on ada/small.*SPACE_SECRET_HF_TOKEN"):
        run(hub, plan_of(project, "paid"), {})
    assert fake_hub.spaces == {}


def test_a_secret_that_the_space_has_need_not_be_given_again(hub: Hub, fake_hub: FakeHub, project: Path):
    run(hub, plan_of(project, "paid"))
    run(hub, plan_of(project, "paid"), {})
    assert fake_hub.spaces[SPACE].secrets == SECRETS


def test_no_secret_is_ever_said(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path):
    fake_hub.faults = [Fault("POST .*/secrets", 400)]
    with pytest.raises(SpaceError) as refused:
        run(hub, plan_of(project, "paid"))
    run(hub, plan_of(project, "paid"))
    assert SECRETS["HF_TOKEN"] not in heard.text + str(refused.value)


def test_another_app_is_never_replaced(hub: Hub, fake_hub: FakeHub, project: Path):
    fake_hub.spaces[SPACE] = FakeSpace("cpu-basic", files={"README.md": b"---\n---\n", "main.py": b"theirs"})
    with pytest.raises(SpaceError, match="holds another app"):
        run(hub, plan_of(project))
    assert fake_hub.writes() == []


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "the token was not accepted"), (402, "has to be paid for"), (403, "may not do this"), (400, "answered 400")],
)
def test_a_refusal_says_what_to_do(hub: Hub, fake_hub: FakeHub, heard: Heard, project: Path, status: int, words: str):
    fake_hub.faults = [Fault("/repos/create", status)]
    with pytest.raises(SpaceError, match=words):
        run(hub, plan_of(project))
    assert heard.waits == []


def test_a_wrong_token_is_one_sentence(fake_hub: FakeHub):
    with pytest.raises(SpaceError, match="the token was not accepted"):
        Hub(HfApi(fake_hub.url, token="hf_wrong")).space_of("small", None)


def test_no_token_is_one_sentence(fake_hub: FakeHub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: None)
    with pytest.raises(SpaceError, match="no token for the Hub"):
        Hub(HfApi(fake_hub.url)).space_of("small", None)


@pytest.mark.parametrize(("given", "space"), [(None, "ada/small"), ("other", "ada/other"), ("org/x", "org/x")])
def test_the_space_is_in_the_tokens_account_unless_named(hub: Hub, given: str | None, space: str):
    assert hub.space_of("small", given) == space
