"""Where the deadline of a service comes from: a setting of invoke.yaml, or the service as AWS shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from longshore.aws.ecs import Ecs
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.aws.elbv2 import TargetGroup
from longshore.config.settings import Deadlines
from longshore.errors import AwsError, DeadlineError
from longshore.result import Failure, Running, ServiceResult
from longshore.rollout.tracking import Move, TrackedDeployment
from longshore.run.deployer import Deployer, advised
from longshore.run.limits import Limits, duration
from tests.fakes.runs import contract, started
from tests.fakes.samples import WHEN, arn, deployment, service

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/web/1"
TWO_BATCHES = ServiceSettings(target_groups=(GROUP,), maximum=150)
DENIED = AwsError(
    "not authorized to perform: elasticloadbalancing:DescribeTargetGroups",
    "The role lacks a permission. Run invoke bootstrap once.",
    "AccessDenied",
)


class Cloud:
    """ECS with web in two batches behind a target group, and worker; it counts its reads."""

    def __init__(self, *, groups: TargetGroup | AwsError = TargetGroup(), broken: str = "") -> None:  # noqa: B008
        self.groups, self.broken = groups, broken
        self.reads: list[str] = []
        self.stop_timeouts: dict[str, int] = {}
        web = replace(service(deployment("one", "COMPLETED", revision=1)), settings=TWO_BATCHES, desired=2)
        worker = replace(web, name="shop-test-worker", settings=ServiceSettings(), desired=1)
        self.known = {"shop-test-web": web, "shop-test-worker": worker}

    def services(self, _cluster: str, names: Sequence[str]) -> dict[str, Service]:
        self.read(f"services {' '.join(sorted(names))}")
        return {name: self.known[name] for name in names}

    def task_definition(self, revision: str) -> dict[str, Any]:
        self.read(f"definition {revision.rpartition('/')[2]}")
        return {"containerDefinitions": [{"name": "app", "stopTimeout": self.stop_timeouts.get(revision, 30)}]}

    def read_groups(self, arns: Sequence[str]) -> dict[str, TargetGroup]:
        self.read(f"groups {len(arns)}")
        if isinstance(self.groups, AwsError):
            raise self.groups
        return dict.fromkeys(arns, self.groups)

    def read(self, text: str) -> None:
        self.reads.append(text)
        if self.broken and text.startswith(self.broken):
            raise AwsError(f"no {self.broken}")

    def limits(self, warnings: list[str] | None = None, **deadlines: Any) -> Limits:
        given = Deadlines.model_validate(deadlines)
        collected = [] if warnings is None else warnings
        return Limits(cast("Ecs", self), self.read_groups, given, collected.append)


def test_a_limit_follows_from_the_service() -> None:
    limit = Cloud().limits().of(contract(), "web")
    assert (limit.seconds, limit.raised_by) == (1860, "deadlines.services.web")
    assert limit.describe("web") == (
        "web may take up to 31 min: 2 batches of 1 task, each 300 s to start, 150 s to become healthy,"
        " 300 s to drain, 30 s to stop; 300 s in reserve"
    )


@pytest.mark.parametrize(
    ("deadlines", "web", "worker"),
    [
        (
            {"rollout": 20},
            "web: up to 20 s (deadlines.rollout in invoke.yaml)",
            "worker: up to 20 s (deadlines.rollout in invoke.yaml)",
        ),
        (
            {"rollout": 600, "services": {"web": 1200}},
            "web: up to 20 min (deadlines.services.web in invoke.yaml)",
            "worker: up to 10 min (deadlines.rollout in invoke.yaml)",
        ),
    ],
)
def test_a_setting_wins_and_that_of_the_service_wins_over_that_of_all(
    deadlines: dict[str, Any], web: str, worker: str
) -> None:
    cloud = Cloud()
    assert list(cloud.limits(**deadlines).describe(contract())) == [worker, web]
    assert cloud.reads == [], "nothing is read for a setting"


def test_a_service_without_a_setting_is_still_computed() -> None:
    cloud = Cloud()
    limits = cloud.limits(services={"worker": 60})
    assert [limits.of(contract(), key).seconds for key in ("worker", "web")] == [60, 1860]
    assert cloud.reads[0] == "services shop-test-web"


def test_everything_is_read_once_until_an_apply() -> None:
    cloud, first = Cloud(), contract()
    limits = cloud.limits()
    for _ in range(3):
        list(limits.describe(first))
    reads = ["services shop-test-web shop-test-worker", "groups 1"]
    assert sorted(cloud.reads) == sorted(
        [*reads, "definition shop-test-web:1", "definition shop-test-web:2", "definition shop-test-worker:2"]
    )
    cloud.reads.clear()
    list(limits.describe(contract()))
    assert cloud.reads == reads, "an apply may have changed services and target groups, but never a revision"


def test_the_longest_times_of_all_revisions_count() -> None:
    cloud = Cloud()
    cloud.stop_timeouts[arn("shop-test-web", 7)] = 120
    plain = cloud.limits().of(contract(), "web").seconds
    assert cloud.limits().of(contract(), "web", revisions=[arn("shop-test-web", 7)]).seconds == plain + 180


def test_a_new_count_counts_if_it_is_the_larger_one() -> None:
    limits = Cloud().limits()
    assert "1 batch of 9 tasks" in limits.of(contract(), "worker", count=9).why
    assert "1 batch of 1 task" in limits.of(contract(), "worker", count=0).why


def test_a_missing_permission_is_a_warning_with_the_values_assumed() -> None:
    warnings: list[str] = []
    cloud = Cloud(groups=DENIED)
    limits = cloud.limits(warnings)
    assert limits.of(contract(), "web").seconds == 1860
    (warning,) = warnings
    assert "elasticloadbalancing:DescribeTargetGroups" in warning
    assert "AWS's defaults are assumed (150 s to become healthy, 300 s to drain)" in warning
    assert "Run invoke bootstrap once." in warning


@pytest.mark.parametrize("broken", ["services", "definition"])
def test_a_read_that_fails_is_never_a_failure(broken: str) -> None:
    warnings: list[str] = []
    limits = Cloud(broken=broken).limits(warnings)
    assert limits.of(contract(), "web").seconds >= 900
    assert limits.of(contract(), "worker").seconds >= 900
    assert all(f"no {broken}" in warning for warning in warnings)
    assert warnings


def test_waves_that_may_take_longer_than_the_release_are_named_once() -> None:
    lines = list(Cloud().limits(release=2700).describe(contract()))
    assert lines[2:] == [
        "The waves together may take up to 46 min, but deadlines.release rolls back after 45 min:"
        " set it to 2760 or more in invoke.yaml"
    ]
    assert len(list(Cloud().limits().describe(contract()))) == 2


def deployer(cloud: Cloud, **deadlines: Any) -> Deployer:
    given = Deadlines.model_validate(deadlines)
    return Deployer(
        cast("Ecs", cloud),
        cast("Any", None),
        given,
        lambda *_: Failure(subject="web"),
        lambda warn: Limits(cast("Ecs", cloud), cloud.read_groups, given, warn),
    )


@pytest.mark.parametrize(
    ("deadlines", "given", "advice"),
    [
        ({}, 1860.0, "If it needs longer, set deadlines.services.web."),
        ({}, 40.0, "deadlines.release left it no more time"),
        ({"rollout": 20}, 20.0, "Its deadline is deadlines.rollout in invoke.yaml: raise it"),
        ({"services": {"web": 20}}, 20.0, "Its deadline is deadlines.services.web in invoke.yaml: raise it"),
    ],
)
def test_an_error_names_the_key_that_gives_the_service_longer(
    deadlines: dict[str, Any], given: float, advice: str
) -> None:
    name = "shop-test-web"
    record = ServiceResult(name=name, wave=2, before=Running(task_definition=arn(name, 1), count=2))
    move = Move(name, arn(name, 2))
    with started(services={"web": record}) as run:
        deployer(Cloud(), **deadlines).deadline_of(run, "web", move)
        error = DeadlineError("late", "See the reasons.", name)
        with pytest.raises(DeadlineError) as caught, advised(run, [TrackedDeployment(move, "one", WHEN, given)]):
            raise error
    assert caught.value.hint.startswith("See the reasons. ")
    assert advice in caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "text"), [(20, "20 s"), (60, "60 s"), (120, "2 min"), (950, "950 s"), (1860, "31 min"), (0.5, "0.5 s")]
)
def test_times_are_minutes_where_they_are_whole(seconds: float, text: str) -> None:
    assert duration(seconds) == text
