"""The calls of CodeBuild, checked against AWS's model, and the records made of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from longshore.aws.codebuild import Build, CodeBuild, Phase
from longshore.errors import AwsError, NotReadyError
from tests.fakes.clients import scripted

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RAW: dict[str, Any] = {
    "id": "shop-build:1b2c",
    "projectName": "shop-build",
    "buildStatus": "FAILED",
    "buildComplete": True,
    "currentPhase": "COMPLETED",
    "resolvedSourceVersion": COMMIT,
    "initiator": "ann",
    "logs": {"groupName": "/aws/codebuild/shop-build", "streamName": "1b2c"},
    "environment": {
        "type": "LINUX_CONTAINER",
        "image": "aws/codebuild/standard:7.0",
        "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": [
            {"name": "LONGSHORE_TAG", "value": "v1.0.0", "type": "PLAINTEXT"},
            {"name": "NPM_TOKEN", "value": "/shop/npm", "type": "PARAMETER_STORE"},
        ],
    },
    "phases": [
        {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED"},
        {
            "phaseType": "BUILD",
            "phaseStatus": "FAILED",
            "contexts": [
                {"statusCode": "COMMAND_EXECUTION_ERROR", "message": "exit status 1"},
                {"statusCode": "", "message": ""},
            ],
        },
        {"phaseType": "COMPLETED"},
    ],
    "exportedEnvironmentVariables": [{"name": "LONGSHORE_EXIT_CODE", "value": "8"}],
}
BUILD = Build(
    id="shop-build:1b2c",
    project="shop-build",
    status="FAILED",
    complete=True,
    phase="COMPLETED",
    phases=(
        Phase("SUBMITTED", "SUCCEEDED"),
        Phase("BUILD", "FAILED", ("COMMAND_EXECUTION_ERROR: exit status 1",)),
        Phase("COMPLETED"),
    ),
    commit=COMMIT,
    log=("/aws/codebuild/shop-build", "1b2c"),
    variables={"LONGSHORE_TAG": "v1.0.0"},
    exported={"LONGSHORE_EXIT_CODE": "8"},
    initiator="ann",
)


def test_a_build_is_started_at_a_commit_with_variables_and_a_token() -> None:
    client, script = scripted("codebuild")
    script.add_response(
        "start_build",
        {"build": {"id": "shop-build:1b2c", "currentPhase": "QUEUED", "buildStatus": "IN_PROGRESS"}},
        {
            "projectName": "shop-build",
            "sourceVersion": COMMIT,
            "environmentVariablesOverride": [{"name": "LONGSHORE_TAG", "value": "v1.0.0", "type": "PLAINTEXT"}],
            "idempotencyToken": "t" * 64,
        },
    )
    build = CodeBuild(client).start("shop-build", COMMIT, {"LONGSHORE_TAG": "v1.0.0"}, "t" * 64)
    assert (build.waits, build.complete, build.log, build.id) == (True, False, None, "shop-build:1b2c")
    script.assert_no_pending_responses()


def test_all_fields_of_a_build_are_read() -> None:
    client, script = scripted("codebuild")
    script.add_response("batch_get_builds", {"builds": [RAW]}, {"ids": [RAW["id"]]})
    script.add_response("batch_get_builds", {"builds": [], "buildsNotFound": ["shop-build:none"]})
    assert CodeBuild(client).get(RAW["id"]) == BUILD
    assert CodeBuild(client).get("shop-build:none") is None


def test_builds_are_sorted_newest_first() -> None:
    client, script = scripted("codebuild")
    script.add_response(
        "list_builds_for_project",
        {"ids": ["shop-build:2", "shop-build:1"]},
        {"projectName": "shop-build"},
    )
    script.add_response("batch_get_builds", {"builds": [{"id": "shop-build:1"}, {"id": "shop-build:2"}]})
    assert [build.id for build in CodeBuild(client).newest("shop-build")] == ["shop-build:2", "shop-build:1"]


def test_a_missing_project_is_an_error_and_a_project_without_builds_is_not() -> None:
    client, script = scripted("codebuild")
    script.add_response("list_builds_for_project", {})
    script.add_client_error("list_builds_for_project", "ResourceNotFoundException", "no project")
    script.add_client_error("list_builds_for_project", "AccessDeniedException", "not authorized")
    assert CodeBuild(client).newest("shop-build") == []
    with pytest.raises(NotReadyError, match="there is no CodeBuild project shop-build"):
        CodeBuild(client).newest("shop-build")
    with pytest.raises(AwsError, match="not authorized"):
        CodeBuild(client).newest("shop-build")


def test_a_build_is_stopped_by_its_id() -> None:
    client, script = scripted("codebuild")
    script.add_response("stop_build", {"build": {"id": "shop-build:1"}}, {"id": "shop-build:1"})
    CodeBuild(client).stop("shop-build:1")
    script.assert_no_pending_responses()
