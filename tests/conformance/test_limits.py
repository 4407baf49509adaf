"""Our limits: how many things a call names, how long a token is, and how large a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from longshore.aws import codebuild, ecr, ecs
from longshore.images.codebuild import idempotency_token
from longshore.rollout.migration import release_token
from longshore.sandbox.codebuild import responses
from tests.conformance import models

TOKEN = release_token("harbour-" * 20, "r-20261231T235959-" + "f" * 20, datetime(2026, 12, 31, tzinfo=UTC))


@dataclass(frozen=True)
class Limit:
    """A number of ours, and the bound of the model that it must not exceed.

    Attributes:
        name: for the test.
        ours: our number.
        service: whose model has the bound.
        shape: the shape with the bound; empty if only a text states it.
        path: member with the text.
        text: a pattern of the text; its group is the bound.
        exact: whether ours must be the bound itself, because a smaller number needs more calls.
    """

    name: str
    ours: int
    service: str
    shape: str = ""
    path: str = ""
    text: str = ""
    exact: bool = True

    @property
    def bound(self) -> int:
        """The model's bound."""
        if self.shape:
            return int(models.model(self.service).shape_for(self.shape).metadata["max"])
        stated = re.search(self.text, models.text(self.service, self.path))
        assert stated, f"{self.service} {self.path} states no such limit any more: read its documentation, decide"
        return int(stated[1])


LIMITS = [
    Limit(
        "services of DescribeServices",
        ecs.SERVICES_A_CALL,
        "ecs",
        path="DescribeServicesRequest.services",
        text=r"up to (\d+) services",
    ),
    Limit(
        "tasks of DescribeTasks", ecs.TASKS_A_CALL, "ecs", path="DescribeTasksRequest.tasks", text=r"up to (\d+) task"
    ),
    Limit(
        "deployments of DescribeServiceDeployments",
        ecs.DEPLOYMENTS_A_CALL,
        "ecs",
        path="DescribeServiceDeploymentsRequest.serviceDeploymentArns",
        text=r"maximum of (\d+) ARNs",
    ),
    Limit(
        "clientToken of RunTask",
        len(TOKEN),
        "ecs",
        path="RunTaskRequest.clientToken",
        text=r"Up to (\d+) characters",
        exact=False,
    ),
    Limit(
        "startedBy of RunTask",
        len(TOKEN),
        "ecs",
        path="RunTaskRequest.startedBy",
        text=r"Up to (\d+) letters",
        exact=False,
    ),
    Limit("builds of BatchGetBuilds", codebuild._BUILDS_A_CALL, "codebuild", "BuildIds"),
    Limit("builds of BatchGetBuilds in the sandbox", responses.PAGE, "codebuild", "BuildIds"),
    Limit("images of BatchDeleteImage", ecr._IDS_A_CALL, "ecr", "ImageIdentifierList"),
    Limit("page of ListImages", ecr._LARGEST_PAGE, "ecr", "MaxResults"),
]


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: str(limit.name))
def test_our_limit_is_that_of_the_model(limit: Limit) -> None:
    assert limit.ours == limit.bound if limit.exact else limit.ours <= limit.bound


@pytest.mark.parametrize(
    ("service", "shape"), [("codebuild", "BuildIds"), ("ecr", "ImageIdentifierList"), ("ecr", "MaxResults")]
)
def test_a_call_names_at_least_one(service: str, shape: str) -> None:
    assert models.model(service).shape_for(shape).metadata["min"] == 1


def test_a_token_has_only_characters_that_started_by_may_have() -> None:
    text = models.text("ecs", "RunTaskRequest.startedBy")
    assert "numbers, hyphens (-), forward slash (/), and underscores (_) are allowed" in text
    assert re.fullmatch(r"[A-Za-z0-9/_-]+", TOKEN)


def test_started_by_must_be_the_only_filter() -> None:
    assert "it must be the only filter that you use" in models.text("ecs", "ListTasksRequest.startedBy")


def test_the_token_of_a_build_is_valid_for_the_time_that_the_sandbox_keeps_it() -> None:
    text = models.text("codebuild", "StartBuildInput.idempotencyToken")
    assert re.search(r"valid for 5 minutes", text)
    assert responses.CodeBuildResponse.start_build.__doc__
    assert len(idempotency_token("harbour", "r-1")) == 64


def test_a_page_of_list_builds_has_no_order_that_aws_may_refuse() -> None:
    text = models.text("codebuild", "ListBuildsForProjectInput.sortOrder")
    assert "If this is not specified, the results are sorted in descending order." in text
    assert "If the project has more than 100 builds, setting the sort order will result in an error." in text
