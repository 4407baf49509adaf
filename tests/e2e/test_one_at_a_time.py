"""Two at once, one that is killed, one that is approved elsewhere, one that goes on to the next environment: on real
Terraform, real containers and a real registry."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import INVOKE, Answer, Project, invoke_yaml, make

pytestmark = pytest.mark.e2e

PRODUCTION = "sandbox-production"
_DEADLINES = {"release": 120, "rollout": 60, "migration": 30, "verify": 15, "bake": 1}
POINTS = {
    "build": ("ecr", "GetAuthorizationToken"),
    "apply": ("ecs", "RegisterTaskDefinition"),
    "migrate": ("ecs", "RunTask"),
    "roll-out": ("ecs", "UpdateService"),
}
"""The call after which the process is killed, by what it is doing then."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make(tmp_path_factory.mktemp("one-at-a-time"))
    made.write("invoke.yaml", invoke_yaml("sandbox", PRODUCTION, lock={"lease": 3}, deadlines=_DEADLINES))
    made.write("environments/foundation.tfvars", 'application = "storefront"\nregion = "eu-central-1"\n'
               'images = ["app"]\n')  # fmt: skip
    text = (made.folder / "environments" / "sandbox.tfvars").read_text()
    production = re.sub(r'(environment_name\s*=\s*)"sandbox"', rf'\1"{PRODUCTION}"', text)
    assert production != text
    made.write(f"environments/{PRODUCTION}.tfvars", production)
    try:
        made.invoke("sandbox.up")
        made.commit("storefront", "First")
        made.invoke("bootstrap", "--yes")
        made.invoke("release", "--yes")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


def change(project: Project, text: str) -> None:
    project.write("storefront/greeting.txt", f"{text}\n")
    project.commit("storefront", text)


def history(project: Project, environment: str = "sandbox") -> list[dict[str, Any]]:
    return list(project.invoke("history", "-e", environment, "--json").json())


def begin(project: Project, *arguments: str) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "INVOKE_"))}
    return subprocess.Popen(
        [*INVOKE, *arguments], cwd=project.folder, env=kept, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed_after(project: Project, call: tuple[str, str], since: int, *, children: bool = False) -> None:
    """Begins a release and kills it as soon as it has made a call; and nothing else, or what it had started too."""
    with begin(project, "release", "--yes") as process:
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            _, made = project.requests(since)
            if any((r["service"], r["operation"]) == call for r in made):
                break
            time.sleep(0.05)
        assert process.poll() is None, process.communicate()
        started = below(process.pid) if children else []
        process.send_signal(signal.SIGKILL)
        for child in started:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.communicate()


def below(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    children = [int(word) for word in file.read_text().split()] if file.exists() else []
    return [*children, *(found for child in children for found in below(child))]


def resumed(project: Project, *options: str) -> Answer:
    """Goes on with what was left; Terraform may outlive the tool, and then its own lock is waited for."""
    until = time.monotonic() + 60
    while True:
        answer = project.invoke("release", "--resume", "--yes", "--json", *options, expect=None)
        if "state storefront/sandbox.tfstate is locked" not in answer.err or time.monotonic() > until:
            return answer
        time.sleep(1)


def plan(project: Project, environment: str = "sandbox") -> int:
    return project.terraform_plan("terraform/app", f"storefront/{environment}/terraform",
                                  f"environments/{environment}.tfvars")  # fmt: skip


@pytest.mark.parametrize(
    "doing", [pytest.param(name, marks=() if name == "roll-out" else pytest.mark.long) for name in POINTS]
)
def test_a_release_that_was_killed_is_gone_on_with(project: Project, doing: str) -> None:
    change(project, f"Killed in {doing}")
    before = history(project)
    since, _ = project.requests()
    killed_after(project, POINTS[doing], since)
    refused = project.invoke("release", "--yes", expect=3)
    assert "last heartbeat" in refused.err
    assert "--resume" in refused.err

    answer = resumed(project)
    assert answer.code == 0, answer.err
    document = answer.json()
    assert (document["verdict"], document["resumed"]) == ("succeeded", 1)
    assert f'"{document["version"]}"' in project.invoke("status", "--json").out
    _, made = project.requests(since)
    operations = [r["operation"] for r in made if r["mutating"]]
    assert operations.count("RunTask") == 1
    assert operations.count("UpdateService") == 2
    images = project.client("ecr").describe_images(repositoryName="storefront/app")["imageDetails"]
    digests = {tag: image["imageDigest"] for image in images for tag in image["imageTags"]}
    assert digests[document["version"]] == document["images"]["app"]["digest"]
    after = history(project)
    assert [r["release"] for r in after[1:]] == [r["release"] for r in before]
    assert len({r["version"] for r in after if r["kind"] == "release"}) == len(after)
    assert "free" in project.invoke("lock.status").out
    assert plan(project) == 0
    shown = project.invoke("show", document["release"]).out
    assert "takes over the lock" in shown
    assert "note resumed" in shown


@pytest.mark.long
def test_a_release_that_was_killed_can_be_taken_back(project: Project) -> None:
    change(project, "Killed and taken back")
    since, _ = project.requests()
    good = history(project)[0]["version"]
    killed_after(project, POINTS["roll-out"], since)
    answer = resumed(project, "--abort")
    assert answer.code == 8, answer.err
    assert answer.json()["verdict"] == "rolled_back"
    assert project.invoke("status", "--json").json()["released"] == good
    assert plan(project) == 0


@pytest.mark.long
def test_of_eight_releases_at_once_one_runs(project: Project) -> None:
    change(project, "Eight at once")
    begun = time.monotonic()

    def run(number: int) -> tuple[int, float, str]:
        with begin(project, "release", "--yes") as process:
            _, err = process.communicate(timeout=300)
            return process.returncode, time.monotonic() - begun, err

    with ThreadPoolExecutor(8) as threads:
        found = sorted(threads.map(run, range(8)))
    assert [code for code, _, _ in found] == [0, *[3] * 7]
    refusals = [err for _, _, err in found[1:]]
    assert all("is locked by" in err and "last heartbeat" in err for err in refusals)
    # Not a time to be met, which a loaded machine would not: that nobody waited for the release to end.
    assert max(seconds for _, seconds, _ in found[1:]) < found[0][1]


@pytest.mark.long
def test_eight_that_wait_for_each_other_get_eight_versions(project: Project) -> None:
    change(project, "Eight in a row")

    def run_in_turn(number: int) -> tuple[int, str, str]:
        with begin(project, "release", "--yes", "--json", "--wait-lock", "15m") as process:
            out, err = process.communicate(timeout=580)
            return process.returncode, json.loads(out)["version"], err

    with ThreadPoolExecutor(8) as threads:
        ended = list(threads.map(run_in_turn, range(8)))
    assert [code for code, _, _ in ended] == [0] * 8
    assert len({version for _, version, _ in ended}) == 8
    assert any("waiting: the environment is locked by" in err for _, _, err in ended)
    assert plan(project) == 0


@pytest.mark.long
def test_a_release_is_approved_elsewhere(project: Project) -> None:
    change(project, "To be approved")
    waiting = project.invoke("release", "--until", "approve", "--json", expect=13).json()
    assert waiting["verdict"] == "waiting"
    assert waiting["fingerprint"].startswith("sha256:")
    assert "free" in project.invoke("lock.status").out
    assert history(project)[0]["services"]["web"]["outcome"] == "not moved"

    done = project.invoke("release", "--continue", waiting["release"], "--json").json()
    assert (done["release"], done["version"], done["verdict"]) == (waiting["release"], waiting["version"], "succeeded")
    twice = project.invoke("release", "--continue", waiting["release"], expect=2)
    assert "does not wait for approval: it is succeeded" in twice.err


@pytest.mark.long
def test_an_approval_is_void_once_the_plan_has_changed(project: Project) -> None:
    change(project, "Approved in vain")
    file = project.folder / "environments" / "sandbox.tfvars"
    text = file.read_text()
    waiting = project.invoke("release", "--until", "approve", "--json", expect=13).json()
    file.write_text(text.replace("cpu", "cpu", 1).replace('"web"]', '"web"]\n    environment = { SEASON = "winter" }'))
    assert file.read_text() != text
    try:
        refused = project.invoke("release", "--continue", waiting["release"], expect=5)
        assert "the plan has changed since it was approved" in refused.err
    finally:
        file.write_text(text)
    again = project.invoke("release", "--continue", waiting["release"], expect=2)
    assert "it is failed" in again.err


@pytest.mark.long
def test_an_approval_is_void_once_another_release_was_in_between(project: Project) -> None:
    change(project, "Approved too late")
    waiting = project.invoke("release", "--until", "approve", "--json", expect=13).json()
    project.invoke("release", "--yes")
    refused = project.invoke("release", "--continue", waiting["release"], expect=1)
    assert "another release came in between" in refused.err


def by_hand(project: Project, hint: str) -> None:
    """Runs the command of a hint as it stands between ``Push the state: `` and the parenthesis."""
    command = hint.partition("Push the state: ")[2].partition(" (if")[0]
    subprocess.run(["bash", "-c", command], env=project.variables(), check=True, capture_output=True, timeout=120)


@pytest.mark.long
def test_a_state_that_could_not_be_saved_is_kept_and_pushed_by_the_hint(project: Project) -> None:
    change(project, "The bucket is away")
    # Terraform writes its lock for the plan, and for the apply; the third write would be the state.
    fault = ("--operation", "s3:PutObject", "--kind", "denied", "--skip", "2")
    project.invoke("sandbox.fault", *fault)
    failed = project.invoke("release", "--yes", "--json", expect=6).json()
    project.invoke("sandbox.fault", "--clear")
    assert (failed["verdict"], failed["cause"]) == ("failed", "state")
    kept = project.folder / ".longshore" / "storefront" / "sandbox" / "sandbox.errored.tfstate"
    assert kept.stat().st_mode & 0o777 == 0o600
    refused = project.invoke("release", "--yes", expect=6)
    assert "an earlier terraform run could not save its state" in refused.err
    by_hand(project, refused.err)
    kept.unlink()
    project.invoke("release", "--yes")
    assert plan(project) == 0


@pytest.mark.long
def test_a_terraform_that_was_killed_leaves_its_lock_and_is_not_overruled(project: Project) -> None:
    change(project, "Terraform is killed")
    since, _ = project.requests()
    # One of its three registrations is answered at once, the others while it is killed.
    project.invoke("sandbox.fault", "--operation", "ecs:RegisterTaskDefinition", "--kind", "delay", "--seconds", "5",
                   "--skip", "1")  # fmt: skip
    killed_after(project, POINTS["apply"], since, children=True)
    project.invoke("sandbox.fault", "--clear")
    refused = project.invoke("release", "--resume", "--yes", expect=1)
    lock = re.search(r"lock id ([0-9a-f-]{36})", refused.err)
    assert lock, refused.err
    wrong = project.invoke("state.unlock", "--id", lock[1][::-1], expect=2)
    assert "is not the id of this lock" in wrong.err
    assert lock[1] in project.invoke("state.unlock").out
    hint = re.search(r"unlock the state: invoke (.+)", refused.err)
    assert hint, refused.err
    project.invoke(*shlex.split(hint[1]))  # to the letter
    assert "is not locked" in project.invoke("state.unlock").out
    answer = resumed(project)
    assert answer.code == 0, answer.err
    assert answer.json()["verdict"] == "succeeded"
    assert plan(project) == 0


@pytest.mark.long
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_bootstrap_that_is_cancelled_ends_after_its_terraform(
    project: Project, number: signal.Signals, code: int
) -> None:
    variables = project.folder / "environments" / "sandbox.tfvars"
    variables.write_text(re.sub(r"stop_timeout( *)= \d+", rf"stop_timeout\1= {20 + number}", variables.read_text()))
    # One registration is answered at once, the other while Terraform is told to stop.
    project.invoke("sandbox.fault", "--operation", "ecs:RegisterTaskDefinition", "--kind", "delay", "--seconds", "5",
                   "--skip", "1")  # fmt: skip
    since, _ = project.requests()
    with begin(project, "bootstrap", "--yes") as process:
        until = time.monotonic() + 120
        while time.monotonic() < until and process.poll() is None:
            if any(r["operation"] == "RegisterTaskDefinition" for r in project.requests(since)[1]):
                break
            time.sleep(0.05)
        started = below(process.pid)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    project.invoke("sandbox.fault", "--clear")
    assert process.returncode == code, err
    assert started
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()], "Terraform has ended first"
    assert "terraform apply of sandbox was told to stop; waiting for it to end" in err
    assert re.search(rf"interrupted by {number.name}: (part|all) of sandbox was applied", err)
    assert "invoke bootstrap -e sandbox" in err
    assert project.invoke("lock.status", "--json").json() is None
    assert "is not locked" in project.invoke("state.unlock").out
    project.invoke("bootstrap", "--yes")
    assert plan(project) == 0


@pytest.mark.long
def test_a_version_goes_to_production_and_back(project: Project) -> None:
    project.invoke("bootstrap", "-e", PRODUCTION, "--yes")
    change(project, "For production")
    good = history(project)[0]["version"]
    first = project.invoke("promote", "--from", "sandbox", "--to", PRODUCTION, "--yes", "--json").json()
    assert (first["version"], first["verdict"]) == (good, "succeeded")
    released = project.invoke("release", "--yes", "--json").json()
    second = project.invoke("promote", "--from", "sandbox", "--to", PRODUCTION, "--yes", "--json").json()
    assert second["version"] == released["version"]
    assert second["images"]["app"]["digest"] == released["images"]["app"]["digest"]
    assert second["promoted_from"] == released["release"]
    assert second["author"] == released["author"] == "Test <test@example.com>"
    digests = {env: digests_of(project, env) for env in ("sandbox", PRODUCTION)}
    assert digests["sandbox"] == digests[PRODUCTION] == {released["images"]["app"]["digest"]}

    back = project.invoke("rollback", "-e", PRODUCTION, "--to", good, "--yes", "--json").json()
    assert (back["version"], back["verdict"]) == (good, "succeeded")
    assert (back["subject"], back["author"]) == (first["subject"], first["author"])
    assert any("migrations have run since" in warning for warning in back["warnings"])
    assert digests_of(project, PRODUCTION) == {first["images"]["app"]["digest"]}
    assert (plan(project), plan(project, PRODUCTION)) == (0, 0)

    never = project.invoke("promote", "--from", "sandbox", "--to", PRODUCTION, "--version", "v9.9.9", "--yes", expect=2)
    assert "v9.9.9 did not succeed in sandbox" in never.err


def digests_of(project: Project, environment: str) -> set[str]:
    ecs, cluster = project.client("ecs"), f"storefront-{environment}"
    arns = ecs.list_tasks(cluster=cluster, serviceName=f"{cluster}-web")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    return {container["imageDigest"] for task in tasks for container in task["containers"]}


def test_a_person_holds_an_environment(project: Project) -> None:
    lock = project.invoke("lock.take", "--why", "the database moves").out.strip()
    for command in (["release", "--yes"], ["bootstrap", "--yes"], ["destroy", "--yes-really", "sandbox"]):
        assert "the database moves" in project.invoke(*command, expect=3).err
    assert project.invoke("lock.free", "--id", "wrong", expect=2)
    assert "held: the database moves" in project.invoke("lock.status").out
    project.invoke("lock.free", "--id", lock)
    assert project.invoke("lock.status", "--json").json() is None
