"""What each value of AWS means to us: no value of a model is undecided, and the code decides as decided.toml says."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from longshore.aws.codebuild import Build, CodeBuild
from longshore.aws.ecr import Ecr
from longshore.aws.ecs_types import Service, ServiceDeployment, service_of, task_of
from longshore.aws.eventbridge import Events
from longshore.errors import AwsError, BuildError, NotReadyError, RolloutError
from longshore.images.codebuild import BuildOutcome, refuse_failed
from longshore.rollout.deployments import completed
from longshore.rollout.in_flight import refuse_in_flight
from longshore.rollout.tracking import Move, ServiceLook, TrackedDeployment
from tests.conformance import models
from tests.fakes.clients import scripted

ENTRIES: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "decided.toml").read_text())["enumerations"]
DECIDED: dict[str, dict[str, str]] = {entry["shape"]: entry["values"] for entry in ENTRIES}
MOMENT = datetime(2026, 7, 1, 12, tzinfo=UTC)
DIGEST = f"sha256:{'5' * 64}"


def undecided(entry: dict[str, Any], values: tuple[str, ...]) -> str:
    """Why an entry is not complete; empty if it is."""
    service, shape = entry["service"], entry["shape"]
    new, gone = set(values) - entry["values"].keys(), entry["values"].keys() - set(values)
    texts = []
    if new:
        texts.append(f"AWS has added {', '.join(sorted(new))} to {service} {shape}: decide {entry['decide']}")
    if gone:
        texts.append(
            f"{service} {shape} has no {', '.join(sorted(gone))} (any more): remove it, and the code that uses it"
        )
    return "; ".join([*texts, "then change tests/conformance/decided.toml"]) if texts else ""


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['service']} {entry['shape']}")
def test_each_value_of_the_model_is_decided(entry: dict[str, Any]) -> None:
    assert undecided(entry, models.enumeration(entry["service"], entry["shape"])) == ""


def test_a_new_value_says_what_to_decide() -> None:
    entry = ENTRIES[0]
    text = undecided(entry, (*entry["values"], "HostRetired"))
    assert text.startswith(
        "AWS has added HostRetired to ecs TaskStopCode: decide whether a task that stopped with it has"
    )
    assert undecided(entry, ("TaskFailedToStart",)).startswith("ecs TaskStopCode has no EssentialContainerExited")


# Tasks


def failure(code: str, reason: str) -> bool:
    raw = {"taskArn": "t", "taskDefinitionArn": "d", "lastStatus": "STOPPED", "stopCode": code, "stoppedReason": reason}
    return bool(task_of(raw).failure())


# InfrastructureHealth has tests beside the other tasks that AWS takes away (tests/rollout).
@pytest.mark.parametrize("code", [code for code in DECIDED["TaskStopCode"] if code != "InfrastructureHealth"])
def test_a_stop_code_says_whether_the_task_failed(code: str) -> None:
    decision = DECIDED["TaskStopCode"][code]
    if decision == "failed if a health check is the reason":
        assert failure(code, "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:…)")
        assert not failure(code, "Scaling activity initiated by (deployment ecs-svc/4711)")
    else:
        assert failure(code, "a reason") is (decision == "failed")


# Deployments


def service(state: str) -> Service:
    deployment = {
        "id": "ecs-svc/4711",
        "status": "PRIMARY",
        "taskDefinition": "web:2",
        "desiredCount": 1,
        "runningCount": 1,
        "rolloutState": state,
        "createdAt": MOMENT,
    }
    counts = {"desiredCount": 1, "runningCount": 1, "pendingCount": 0}
    fixed = {"serviceName": "web", "status": "ACTIVE", "taskDefinition": "web:2"}
    return service_of({**fixed, **counts, "deployments": [deployment]})


def look(state: str, status: str | None = None) -> ServiceLook:
    tracked = TrackedDeployment(Move("web", "web:2"), "ecs-svc/4711", MOMENT, 900.0)
    details = ServiceDeployment(arn="sd", status=status, reason="", created_at=MOMENT) if status else None
    return ServiceLook(service(state), tracked, details)


def conclusion(seen: ServiceLook) -> str:
    try:
        return "completed" if completed(seen) else "in flight"
    except RolloutError:
        return "failed"


@pytest.mark.parametrize("state", DECIDED["DeploymentRolloutState"])
def test_a_rollout_state_decides(state: str) -> None:
    assert conclusion(look(state)) == DECIDED["DeploymentRolloutState"][state]


@pytest.mark.parametrize("status", DECIDED["ServiceDeploymentStatus"])
def test_the_status_of_a_service_deployment_decides(status: str) -> None:
    state = "COMPLETED" if status == "SUCCESSFUL" else "IN_PROGRESS"
    decision = DECIDED["ServiceDeploymentStatus"][status].partition(",")[0]
    # A stopped deployment has failed, unless a rollback shows up in a moment: that belongs to tests/rollout.
    allowed = {"failed", "in flight"} if decision == "stopped" else {decision}
    assert conclusion(look(state, status)) in allowed


@pytest.mark.parametrize("status", DECIDED["ServiceDeploymentStatus"])
def test_a_service_deployment_is_in_flight_or_has_ended(status: str) -> None:
    latest = {"web": ServiceDeployment(arn="sd", status=status, reason="", created_at=MOMENT)}
    try:
        refuse_in_flight({"web": service("COMPLETED")}, latest)
    except NotReadyError:
        in_flight = True
    else:
        in_flight = False
    assert in_flight is ("in flight" in DECIDED["ServiceDeploymentStatus"][status])


def test_a_state_that_aws_adds_is_waited_for_and_never_a_success() -> None:
    assert conclusion(look("VERIFYING")) == "in flight"
    assert conclusion(look("IN_PROGRESS", "VERIFYING")) == "in flight"
    assert conclusion(look("COMPLETED", "VERIFYING")) == "in flight"


# Builds


@pytest.mark.parametrize("status", [*DECIDED["StatusType"], "EVAPORATED"])
def test_the_status_of_a_build_decides(status: str) -> None:
    outcome = BuildOutcome(Build("p:1", status=status, complete=True, commit="c"))
    if status == "SUCCEEDED":
        refuse_failed(outcome, "c")
        return
    with pytest.raises(BuildError) as refused:
        refuse_failed(outcome, "c")
    strange = "a status that Longshore does not know" in refused.value.message
    assert strange is (DECIDED["StatusType"].get(status) != "failed")


@pytest.mark.parametrize("phase", DECIDED["BuildPhaseType"])
def test_the_phase_of_a_build_says_whether_it_waits_for_a_machine(phase: str) -> None:
    assert Build("p:1", phase=phase).waits is (DECIDED["BuildPhaseType"][phase] == "waits")


@pytest.mark.parametrize("kind", DECIDED["EnvironmentVariableType"])
def test_only_plain_text_variables_of_a_build_are_read(kind: str) -> None:
    client, script = scripted("codebuild")
    variables = [{"name": "A", "value": "a", "type": kind}]
    build = {
        "id": "p:1",
        "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
    }
    build["environment"] |= {"environmentVariables": variables}  # type: ignore[operator]
    script.add_response("batch_get_builds", {"builds": [build]}, {"ids": ["p:1"]})
    read = CodeBuild(client).get("p:1")
    assert read is not None
    assert bool(read.variables) is (DECIDED["EnvironmentVariableType"][kind] == "read")


# Images


def failed_image(code: str) -> Ecr:
    client, script = scripted("ecr")
    image = {"imageTag": "v1.0.0", "imageDigest": DIGEST}
    failure = {"imageId": image, "failureCode": code, "failureReason": "a reason"}
    script.add_response("batch_get_image", {"images": [], "failures": [failure]})
    return Ecr(client)


@pytest.mark.parametrize("code", [*DECIDED["ImageFailureCode"], "VaultSealed"])
def test_an_image_that_cannot_be_read_exists_unless_ecr_says_that_it_does_not(code: str) -> None:
    exists = not DECIDED["ImageFailureCode"].get(code, "exists").startswith("missing")
    assert failed_image(code).existing_tags("harbour/web", ["v1.0.0"]) == ({"v1.0.0"} if exists else set())


@pytest.mark.parametrize("code", [*DECIDED["ImageFailureCode"], "VaultSealed"])
def test_a_manifest_that_cannot_be_read_is_an_error_unless_it_is_gone(code: str) -> None:
    ecr = failed_image(code)
    if code == "ImageNotFound":
        assert ecr.manifest("harbour/web", DIGEST) is None
        return
    with pytest.raises(AwsError, match="a reason") as refused:
        ecr.manifest("harbour/web", DIGEST)
    assert refused.value.code == code


# Rules


@pytest.mark.parametrize("state", DECIDED["RuleState"])
def test_the_state_of_a_rule_decides(state: str) -> None:
    client, script = scripted("events")
    script.add_response("describe_rule", {"Name": "nightly", "State": state}, {"Name": "nightly"})
    assert Events(client).is_on("nightly") is (DECIDED["RuleState"][state] == "on")
