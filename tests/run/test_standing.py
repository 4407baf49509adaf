"""A service or scheduled task is new only if nothing has run it: the ledger alone never says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from longshore.aws.ecs import Ecs
from longshore.aws.ecs_types import Service
from longshore.aws.eventbridge import Events
from longshore.config.contract import Contract
from longshore.result import ReleaseResult, Running, ScheduleResult, ServiceResult
from longshore.run import consistency, snapshot, standing, waves
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import started
from tests.fakes.samples import WHEN, arn, deployment, result, service

OURS, FOREIGN = "registry.example/shop/app", "registry.example/legacy/app"
WEB, NIGHTLY = arn("shop-test-web", 1), arn("shop-test-nightly", 1)


@dataclass
class Cloud:
    """ECS and EventBridge, with an image for each revision."""

    service: Service | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = False
    calls: list[str] = field(default_factory=list)

    def services(self, _cluster: str, names: list[str]) -> dict[str, Service]:
        self.calls.append("services")
        assert self.service
        return dict.fromkeys(names, self.service)

    def task_definition(self, revision: str) -> dict[str, Any]:
        self.calls.append("task_definition")
        return {"containerDefinitions": [{"name": "web", "image": self.images[revision]}]}

    def is_on(self, _rule: str) -> bool:
        self.calls.append("is_on")
        return self.enabled


def live(desired: int = 0, running: int = 0, pending: int = 0) -> Service:
    return replace(service(deployment("ecs-svc/1", "COMPLETED"), desired=desired), running=running, pending=pending)


def _with_foreign_images(contract: Contract) -> Contract:
    web = contract.services["web"].model_copy(update={"containers": {}})
    return contract.model_copy(update={"services": contract.services | {"web": web}})


def web(count: int = 0, **given: Any) -> dict[str, Any]:
    before = Running(task_definition=WEB, count=count)
    return {"services": {"web": ServiceResult(name="shop-test-web", wave=2, before=before, **given)}}


def nightly(**given: Any) -> dict[str, Any]:
    rule = ScheduleResult(rule="shop-test-nightly", target_id="task", before=NIGHTLY, **given)
    return {"schedules": {"nightly": rule}}


def good(**given: Any) -> ReleaseResult:
    image = {"repository": OURS, "tag": "v1.0.0", "digest": "sha256:1"}
    return result(release="test-000007", sequence=7, version="v1.0.0", images={"app": image}, **given)


def recorded(
    cloud: Cloud, last: ReleaseResult | None = None, *, containers: bool = True, **entry: Any
) -> tuple[ReleaseResult, dict[str, Any]]:
    """The entry after its standings were recorded, and the counts of the moves of wave 2 by key.

    Without ``containers``, the images of all containers are foreign.
    """
    with started(release="test-000008", sequence=8, **entry) as run:
        if not containers:
            run.contract = _with_foreign_images(run.contract)
        if last:
            run.ledger.begin(last)
        standing.record(run, cast(Ecs, cloud), cast(Events, cloud), last)
        counts = {key: move.count for key, move in waves.to_registered(run, 2).items()} if run.result.services else {}
        return run.result, counts


@pytest.mark.parametrize(
    ("there", "image", "expected", "count"),
    [
        (live(), f"{OURS}:unreleased", "new", 2),
        (live(), f"{FOREIGN}:v7", "adopted", None),  # scaled to 0 by an operator
        (live(running=1), f"{OURS}:unreleased", "adopted", None),
        (live(pending=1), f"{OURS}:unreleased", "adopted", None),
    ],
)
def test_an_unreleased_service_without_tasks_is_new_if_our_terraform_registered_its_revision(
    there: Service, image: str, expected: str, count: int | None
) -> None:
    entry, counts = recorded(Cloud(there, {WEB: image}), **web())
    assert (entry.services["web"].standing, counts, entry.warnings) == (expected, {"web": count}, [])


@pytest.mark.parametrize("last", [None, good(**web(2)), good()])
def test_a_service_with_tasks_keeps_its_count_whatever_the_ledger_knows(last: ReleaseResult | None) -> None:
    entry, counts = recorded(Cloud(live(5, 5)), last, **web(5))
    assert (entry.services["web"].standing, counts) == ("adopted", {"web": None})
    assert entry.warnings == [
        "shop-test-web was running before its first release: it keeps its count of 5; desired_count is 2"
        " (to change it: invoke scale)"
    ]


def test_a_service_of_the_last_release_is_released() -> None:
    cloud = Cloud()
    entry, counts = recorded(cloud, good(**web(2)), previous_version="v1.0.0", **web(0))
    assert (entry.services["web"].standing, counts, cloud.calls) == ("released", {"web": None}, [])


@pytest.mark.parametrize(
    ("last", "image", "expected"),
    [
        (good(), f"{OURS}:v1.0.0", "new"),  # an apply has created it since
        (good(), f"{FOREIGN}:v1.0.0", "adopted"),
        (None, f"{OURS}:v1.0.0", "adopted"),  # the ledger was lost
    ],
)
def test_a_service_that_came_later_is_new_if_a_recorded_run_built_its_image(
    last: ReleaseResult | None, image: str, expected: str
) -> None:
    entry, _ = recorded(Cloud(live(), {WEB: image}), last, previous_version="v1.0.0", **web())
    assert entry.services["web"].standing == expected


def test_the_ledger_is_read_once_for_all_services_and_rules() -> None:
    reads: list[str] = []
    table = MemoryTable(before=lambda call, pk: reads.append(pk) if call == "query" else None)
    cloud = Cloud(live(), {WEB: f"{FOREIGN}:v7", NIGHTLY: f"{FOREIGN}:v7"})
    with started(table, release="test-000008", sequence=8, **web(), **nightly()) as run:
        reads.clear()
        standing.record(run, cast(Ecs, cloud), cast(Events, cloud), None)
    assert reads == ["release#test"]


@pytest.mark.parametrize(
    ("enabled", "image", "expected"),
    [(True, "", "adopted"), (False, f"{OURS}:unreleased", "new"), (False, f"{FOREIGN}:v7", "adopted")],
)
def test_a_rule_is_new_if_it_is_disabled_on_a_revision_of_our_terraform(
    *, enabled: bool, image: str, expected: str
) -> None:
    entry, _ = recorded(Cloud(images={NIGHTLY: image}, enabled=enabled), **nightly())
    assert entry.schedules["nightly"].standing == expected
    assert entry.warnings == (
        [
            "shop-test-nightly had been disabled before its first release: it stays disabled"
            " (to enable it: aws events enable-rule --name shop-test-nightly)"
        ]
        if not enabled and expected == "adopted"
        else []
    )


def test_a_resumed_first_release_reads_its_record_and_sends_the_count_again() -> None:
    cloud = Cloud()
    after = Running(task_definition=arn("shop-test-web", 2), count=2)
    entry, counts = recorded(cloud, **web(0, standing="new", after=after, outcome="moved"))
    assert (entry.services["web"].standing, counts, cloud.calls) == ("new", {"web": 2}, [])


WORKER = ServiceResult(
    name="shop-test-worker", wave=1, before=Running(task_definition=arn("shop-test-worker", 1), count=1)
)


@pytest.mark.parametrize(
    ("made", "there", "expected", "count"),
    [
        (WHEN + timedelta(minutes=1), live(), "new", 2),
        (WHEN + timedelta(minutes=1), live(running=1), "adopted", None),
        (WHEN - timedelta(days=1), live(), "adopted", None),  # imported into the state by this apply
    ],
)
def test_a_service_that_the_apply_has_created_is_new_whatever_its_image(
    made: datetime, there: Service, expected: str, count: int | None
) -> None:
    worker = WORKER.model_copy(update={"standing": "released"})
    services = {"worker": worker, **web(made=made)["services"]}
    entry, counts = recorded(Cloud(there, {WEB: "nginx:1.29"}), previous_version="v1.0.0", services=services)
    assert (entry.services["web"].standing, counts) == (expected, {"web": count})


def test_a_rule_that_the_apply_has_created_is_new_whatever_its_image() -> None:
    entry, _ = recorded(Cloud(images={NIGHTLY: "curl:8"}), **web(2, standing="released"), **nightly())
    assert entry.schedules["nightly"].standing == "new"


@pytest.mark.parametrize(
    ("revision", "previous", "last", "expected"),
    [
        (2, "unreleased", None, "new"),  # the registered one
        (2, "v1.0.0", good(), "new"),  # an apply has created it since
        (1, "unreleased", None, "adopted"),
        (2, "v1.0.0", None, "adopted"),  # the ledger was lost
    ],
)
def test_a_service_of_foreign_images_is_new_on_the_registered_revision(
    revision: int, previous: str, last: ReleaseResult | None, expected: str
) -> None:
    before = Running(task_definition=arn("shop-test-web", revision), count=0)
    services = {"web": ServiceResult(name="shop-test-web", wave=2, before=before)}
    entry, _ = recorded(Cloud(live()), last, containers=False, previous_version=previous, services=services)
    assert entry.services["web"].standing == expected


def moved(**names: str) -> ReleaseResult:
    """A first release that was verified, with the key of its service and of its rule."""
    before = Running(task_definition=arn("shop-test-web", 0), count=0)
    after = Running(task_definition=WEB, count=2)
    service = ServiceResult(name="shop-test-web", wave=2, before=before, after=after, standing="new")
    rule = ScheduleResult(rule="shop-test-nightly", target_id="task", before=arn("n", 1), after=NIGHTLY, standing="new")
    return good(services={names.get("web", "web"): service}, schedules={names.get("nightly", "nightly"): rule})


@pytest.mark.parametrize(
    ("last", "previous"),
    [
        (moved(), "unreleased"),  # the parameter could not be written
        (moved(web="front", nightly="cleanup"), "v1.0.0"),  # the keys have changed since
        (moved(web="front", nightly="cleanup"), "unreleased"),
    ],
)
def test_the_last_release_is_believed_where_an_operator_scaled_to_0_or_disabled_a_rule(
    last: ReleaseResult, previous: str
) -> None:
    cloud = Cloud(live(), {WEB: f"{OURS}:v1.0.0", NIGHTLY: f"{OURS}:v1.0.0"})
    entry, counts = recorded(cloud, last, previous_version=previous, **web(), **nightly())
    assert (entry.services["web"].standing, entry.schedules["nightly"].standing) == ("released", "released")
    assert (counts, entry.warnings) == ({"web": None}, [])


def test_an_environment_that_was_created_again_is_new() -> None:
    """Its revisions are not those of the last release, and its parameter holds no version."""
    last = moved()
    last.services["web"].after = Running(task_definition=arn("shop-test-web", 0), count=2)
    entry, counts = recorded(Cloud(live(), {WEB: f"{OURS}:unreleased"}), last, **web())
    assert (entry.services["web"].standing, counts) == ("new", {"web": 2})


def test_a_rollback_records_a_released_service_and_rule_under_their_new_keys() -> None:
    """Otherwise the next release would take them for new ones, and overrule an operator."""
    rolled_back = result(**web(), **nightly())
    snapshot.leave_out_new(rolled_back, moved(web="front", nightly="cleanup"))
    assert (list(rolled_back.services), list(rolled_back.schedules)) == (["web"], ["nightly"])
    snapshot.leave_out_new(rolled_back, good())
    assert (rolled_back.services, rolled_back.schedules) == ({}, {})


def test_another_revision_is_found_under_a_new_key() -> None:
    entry, last = result(**web(2), **nightly()), moved(web="front", nightly="cleanup")
    assert list(consistency.strayed(entry.services, entry.schedules, last)) == []
    entry.services["web"].before.task_definition = arn("shop-test-web", 3)
    entry.schedules["nightly"].before = arn("shop-test-nightly", 3)
    assert list(consistency.strayed(entry.services, entry.schedules, last)) == [
        "shop-test-web runs shop-test-web:3, not shop-test-web:1",
        "shop-test-nightly runs shop-test-nightly:3, not shop-test-nightly:1",
    ]
