"""CodeBuild's operations around builds: projects, tokens, limits, pages, faults and prescribed outcomes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from longshore.errors import UsageError
from longshore.sandbox import control
from longshore.sandbox.api import operations
from longshore.sandbox.api.faults import parse
from longshore.sandbox.codebuild import build_record, start_build
from longshore.sandbox.codebuild.build_record import BuildRecord
from longshore.sandbox.codebuild.builds import TOKEN_SECONDS
from longshore.sandbox.codebuild.responses import CodeBuildResponse
from tests.sandbox.build_world import World, commands, context, phases

pytestmark = pytest.mark.scenario

WAITS = commands(build=["sleep 60"])


def refused(call: Callable[..., Any], **given: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**given)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def project(world: World) -> Iterator[str]:
    name = world.project(commands(build=["true"]))
    yield name
    world.codebuild.delete_project(name=name)


def test_a_project_is_returned_as_it_was_created(world: World) -> None:
    name = f"shop-{uuid.uuid4().hex[:8]}"
    given: dict[str, Any] = {
        "name": name,
        "description": "Builds the shop",
        "source": {"type": "GITHUB", "location": "https://github.com/acme/whole.git", "buildspec": "b.yml"},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "cache": {"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_MEDIUM",
            "privilegedMode": True,
            "environmentVariables": [
                {"name": "A", "value": "a", "type": "PLAINTEXT"},
                {"name": "B", "value": "/b", "type": "PARAMETER_STORE"},
                {"name": "C", "value": "c:key", "type": "SECRETS_MANAGER"},
            ],
        },
        "serviceRole": world.role,
        "timeoutInMinutes": 30,
        "queuedTimeoutInMinutes": 60,
        "concurrentBuildLimit": 2,
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED", "groupName": f"/aws/codebuild/{name}"}},
        "sourceVersion": "main",
        "tags": [{"key": "a", "value": "b"}],
    }
    project = world.codebuild.create_project(**given)["project"]

    assert world.codebuild.batch_get_projects(names=[name, project["arn"]])["projects"] == [project, project]
    assert {key: project[key] for key in given if key not in ("source", "environment")} == {
        key: value for key, value in given.items() if key not in ("source", "environment")
    }
    assert given["source"].items() <= project["source"].items()
    assert given["environment"].items() <= project["environment"].items()
    assert (world.directory / "repositories" / "whole.git" / "HEAD").read_text() == "ref: refs/heads/main\n"
    changed = world.codebuild.update_project(name=name, concurrentBuildLimit=-1, timeoutInMinutes=5)["project"]
    assert (changed["timeoutInMinutes"], changed["description"]) == (5, "Builds the shop")
    assert "concurrentBuildLimit" not in changed
    assert changed["created"] == project["created"]
    assert name in world.codebuild.list_projects()["projects"]
    world.codebuild.delete_project(name=name)
    deleted = world.codebuild.batch_get_projects(names=[name])
    assert (deleted["projects"], deleted["projectsNotFound"]) == ([], [name])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": {"type": "GITHUB"}}, "location is required"),
        ({"source": {"type": "NO_SOURCE"}}, "a buildspec is required"),
        ({"source": {"type": "NO_SOURCE", "location": "x", "buildspec": "y"}}, "should not have a location"),
        ({"source": {"type": "SVN"}}, "SVN"),
        ({"source": {"type": "GITHUB", "location": "https://github.com/acme/.."}}, "name of a repository"),
        ({"timeoutInMinutes": 2161}, "between 5 and 2160"),
        ({"name": "no spaces"}, "Project name"),
        ({"environment": {"environmentVariables": [{"name": "A", "value": "", "type": "X"}]}}, "type: X"),
    ],
)
def test_invalid_projects_are_refused(world: World, change: dict[str, Any], words: str) -> None:
    code, message = refused(world.project, **({"spec": commands(build=["true"])} | change))
    assert code == "InvalidInputException"
    assert words in message


def test_missing_builds_and_projects_are_reported(world: World, project: str) -> None:
    client = world.codebuild
    for call in (client.start_build, client.list_builds_for_project, client.create_webhook, client.delete_webhook):
        assert refused(call, projectName="nobody")[0] == "ResourceNotFoundException"
    assert refused(client.delete_webhook, projectName=project)[0] == "ResourceNotFoundException"
    assert refused(world.project, name=project, spec="x\ny")[0] == "ResourceAlreadyExistsException"
    answer = client.batch_get_builds(ids=["nobody:0"])
    assert (answer["builds"], answer["buildsNotFound"]) == ([], ["nobody:0"])
    assert refused(client.batch_get_builds, ids=["nobody"])[0] == "InvalidInputException"


def test_an_idempotency_token_starts_one_build(world: World, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"idempotencyToken": uuid.uuid4().hex, "sourceVersion": "a"}
    first, second = world.start(project, **given), world.start(project, **given)

    assert first == second
    assert world.codebuild.list_builds_for_project(projectName=project)["ids"] == [first]
    code, message = refused(world.codebuild.start_build, projectName=project, **given | {"sourceVersion": "b"})
    assert (code, message.partition(":")[0]) == ("InvalidInputException", "Parameter mismatch")
    later = time.monotonic() + TOKEN_SECONDS + 1
    monkeypatch.setattr(world.builds, "_clock", lambda: later)
    assert world.start(project, **given) != first


def test_an_idempotency_token_starts_one_build_for_concurrent_calls(world: World, project: str) -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    given = {"idempotencyToken": uuid.uuid4().hex}
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: world.start(project, **given), range(8)))

    assert len(set(started)) == 1


def test_the_concurrent_build_limit_is_enforced(world: World) -> None:
    project = world.project(WAITS, concurrentBuildLimit=1)
    build = world.start(project)
    code, message = refused(world.codebuild.start_build, projectName=project)

    assert (code, message) == ("AccountLimitExceededException", "Cannot have more than 1 active builds for the project")
    world.codebuild.stop_build(id=build)
    world.wait(build)
    world.codebuild.stop_build(id=world.start(project))


def test_start_build_overrides_the_project(world: World, project: str) -> None:
    other = world.create_role()
    build = world.run(
        project,
        imageOverride="other:1",
        computeTypeOverride="BUILD_GENERAL1_LARGE",
        privilegedModeOverride=True,
        serviceRoleOverride=other,
        timeoutInMinutesOverride=7,
        queuedTimeoutInMinutesOverride=8,
    )

    assert build["environment"]["image"] == "other:1"
    assert build["environment"]["computeType"] == "BUILD_GENERAL1_LARGE"
    assert build["environment"]["privilegedMode"] is True
    assert (build["serviceRole"], build["timeoutInMinutes"], build["queuedTimeoutInMinutes"]) == (other, 7, 8)
    kept = world.codebuild.batch_get_projects(names=[project])["projects"][0]
    assert kept["environment"]["image"] == "aws/codebuild/standard:7.0"


def test_builds_are_listed_newest_first_in_pages(world: World, project: str) -> None:
    control.script_builds(world.state, [{"project": project, "status": "SUCCEEDED", "times": 102}])
    started = [world.start(project) for _ in range(102)][::-1]

    page = world.codebuild.list_builds_for_project(projectName=project)
    assert page["ids"] == started[:100]
    rest = world.codebuild.list_builds_for_project(projectName=project, nextToken=page["nextToken"])
    assert rest["ids"] == started[100:]
    assert "nextToken" not in rest
    oldest = world.codebuild.list_builds_for_project(projectName=project, sortOrder="ASCENDING")["ids"]
    assert oldest == started[::-1][:100]
    assert world.codebuild.list_builds()["ids"] == started[:100]
    assert len(world.codebuild.batch_get_builds(ids=started[:100])["builds"]) == 100


def test_a_build_times_out(world: World) -> None:
    """CodeBuild allows no less than five minutes, so the test shortens a minute."""
    project = world.project(commands(build=["echo begun; sleep 60"], post_build=["echo never"]))
    control.settings(world.state, build_minute=0.06)
    try:
        build = world.run(project, timeoutInMinutesOverride=5)
        control.script_builds(world.state, [{"project": project, "status": "IN_PROGRESS", "phase": "QUEUED"}])
        queued = world.run(project, queuedTimeoutInMinutesOverride=5)
    finally:
        control.settings(world.state, build_minute=60)

    assert build["buildStatus"] == queued["buildStatus"] == "TIMED_OUT"
    assert phases(build)[-2:] == [("BUILD", "TIMED_OUT"), ("COMPLETED", "")]
    assert context(build, "BUILD") == ("BUILD_TIMED_OUT", "Build has timed out. ")
    assert world.output(build) == ["begun"]
    assert phases(queued)[-2:] == [("QUEUED", "TIMED_OUT"), ("COMPLETED", "")]


@pytest.mark.parametrize("status", ["FAULT", "FAILED", "TIMED_OUT", "STOPPED", "WEIRD"])
def test_a_build_has_its_prescribed_outcome(world: World, project: str, status: str) -> None:
    outcome = {"project": project, "status": status, "phase": "PROVISIONING", "code": "X_ERROR", "message": "no host"}
    waiting = control.script_builds(world.state, [{**outcome, "log": ["a line"]}])
    assert [row["status"] for row in waiting if row["project"] == project] == [status]
    build = world.run(project)

    assert (build["buildStatus"], build["currentPhase"]) == (status, "COMPLETED")
    assert phases(build)[-2:] == [("PROVISIONING", status), ("COMPLETED", "")]
    assert context(build, "PROVISIONING") == ("X_ERROR", "no host")
    assert world.output(build) == ["a line"]
    assert world.run(project)["buildStatus"] == "SUCCEEDED"


def test_a_build_may_stay_in_the_queue_or_ignore_stop_build(world: World, project: str) -> None:
    stays = {"project": project, "status": "IN_PROGRESS", "phase": "QUEUED"}
    control.script_builds(world.state, [stays, {**stays, "unstoppable": True}])
    first, second = world.start(project), world.start(project)
    for build in (first, second):
        world.codebuild.stop_build(id=build)

    assert phases(world.wait(first))[-2:] == [("QUEUED", "STOPPED"), ("COMPLETED", "")]
    time.sleep(0.1)
    assert world.look(second)["buildStatus"] == "IN_PROGRESS"
    assert world.look(second)["phases"][-1]["phaseType"] == "QUEUED"


def test_a_build_may_claim_another_commit(world: World) -> None:
    project = world.project(commands(build=["echo built"]))
    control.script_builds(world.state, [{"project": project, "resolved_source_version": "f" * 40}])
    build = world.run(project)

    assert (build["buildStatus"], build["resolvedSourceVersion"]) == ("SUCCEEDED", "f" * 40)
    assert world.output(build) == ["built"]


def test_a_build_may_be_prescribed_to_succeed_without_commands(world: World) -> None:
    project = world.project(commands(build=["echo built"]))
    control.script_builds(world.state, [{"project": project, "status": "SUCCEEDED"}])
    build = world.run(project, sourceVersion="abc")

    assert (build["buildStatus"], build["resolvedSourceVersion"]) == ("SUCCEEDED", "abc")
    assert world.output(build) == []


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"status": "FAULT"}, "project: missing"),
        ({"project": "p", "phase": "DEPLOY"}, "phase: 'DEPLOY'"),
        ({"project": "p", "times": 0}, "times: 0"),
        ({"project": "p", "stage": 1}, "stage: unknown"),
    ],
)
def test_invalid_outcomes_are_refused(world: World, outcome: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        control.script_builds(world.state, [outcome])


def test_prescribed_outcomes_can_be_cleared(world: World, project: str) -> None:
    control.script_builds(world.state, [{"project": project, "status": "FAULT"}])

    assert control.script_builds(world.state, [], clear=True) == []
    assert world.run(project)["buildStatus"] == "SUCCEEDED"


def test_start_build_may_lose_its_response_and_reads_may_be_throttled(world: World, project: str) -> None:
    for operation in ("codebuild:StartBuild", "codebuild:BatchGetBuilds", "logs:GetLogEvents"):
        operations.check(operation)
    given = {"idempotencyToken": uuid.uuid4().hex}
    world.api.faults.add(parse({"operation": "codebuild:StartBuild", "kind": "lost", "times": 1}))
    world.api.faults.add(parse({"operation": "codebuild:BatchGetBuilds", "kind": "throttle", "times": 1}))
    with pytest.raises(HTTPClientError):
        world.start(project, **given)
    build = world.start(project, **given)
    code, _ = refused(world.codebuild.batch_get_builds, ids=[build])
    world.api.faults.clear()

    assert code == "ThrottlingException"
    assert world.codebuild.list_builds_for_project(projectName=project)["ids"] == [build]
    assert world.wait(build)["buildStatus"] == "SUCCEEDED"


def test_start_build_is_in_the_request_log(world: World, project: str) -> None:
    before = world.log.since(0)["next"]
    world.run(project, sourceVersion="abc", idempotencyToken="t" * 8)

    start = world.log.since(before)["requests"][0]
    assert (start["operation"], start["mutating"]) == ("StartBuild", True)
    assert start["parameters"] == {"projectName": project, "sourceVersion": "abc", "idempotencyToken": "t" * 8}


def test_deleting_a_project_stops_its_builds(world: World) -> None:
    project = world.project(WAITS)
    build = world.start(project)
    world.wait(build, lambda current: current["currentPhase"] == "BUILD")
    world.codebuild.delete_project(name=project)

    assert world.codebuild.batch_get_builds(ids=[build])["buildsNotFound"] == [build]
    folder = world.directory / "builds" / build.rpartition(":")[2]
    deadline = time.monotonic() + 10
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_every_field_is_one_of_the_api(world: World) -> None:
    """Moto silently drops a misspelt field."""
    model = botocore.session.get_session().get_service_model("codebuild")
    document = _whole_build(world)
    strange = list(_strange(model.shape_for("Build"), document, "build"))
    assert strange == []
    operations_ = {name.lower() for name in model.operation_names}
    ours = [name for name in vars(CodeBuildResponse) if not name.startswith("_") and name != "builds"]
    assert [name for name in ours if name.replace("_", "") not in operations_] == []
    started = model.operation_model("StartBuild").input_shape
    assert started is not None
    overrides = {key for names in start_build.PART_OVERRIDES.values() for key in names.values()} | {
        *start_build.BUILD_OVERRIDES.values()
    }
    assert overrides - set(started.members) == set()
    project_shape = model.shape_for("Project")
    project = world.project(commands(build=["true"]), source={"type": "GITHUB", "location": "https://x/acme/api"})
    world.codebuild.create_webhook(projectName=project)
    kept = world.builds.projects("api")[0]
    assert list(_strange(project_shape, kept, "project")) == []
    kinds: Any = model.shape_for("BuildPhaseType")
    assert set(build_record.PHASES) < set(kinds.enum)


def _whole_build(world: World) -> dict[str, Any]:
    project = world.project(
        '{"version": "0.2", "env": {"exported-variables": ["A"]}, "phases": {"build": {"commands": ["A=1"]}}}',
        environment={"environmentVariables": [{"name": "B", "value": "b"}]},
    )
    control.script_builds(world.state, [{"project": project, "resolved_source_version": "f" * 40}])
    build = world.run(project, sourceVersion="abc")
    document = world.builds.find(build["id"])
    assert document is not None
    return document


def _strange(shape: Any, value: Any, path: str) -> Iterator[str]:
    """The paths of fields that the model lacks."""
    if shape.type_name == "structure":
        yield from (f"{path}.{name}" for name in value if name not in shape.members)
        for name in set(value) & set(shape.members):
            yield from _strange(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for each in value:
            yield from _strange(shape.member, each, f"{path}[]")


def test_stopping_the_sandbox_stops_its_builds(tmp_path: Path) -> None:
    from tests.sandbox.build_world import world_in  # noqa: PLC0415

    with world_in(tmp_path / "sandbox") as world:
        build = world.start(world.project(WAITS))
        world.wait(build, lambda current: current["currentPhase"] == "BUILD")
        assert isinstance(world.builds.find(build), dict)

    assert list((tmp_path / "sandbox" / "builds").iterdir()) == []


def test_a_record_returns_copies() -> None:
    kept = BuildRecord({"id": "p:1", "projectName": "p"})
    kept.document()["phases"].clear()

    assert [phase["phaseType"] for phase in kept.document()["phases"]] == ["SUBMITTED", "QUEUED"]
