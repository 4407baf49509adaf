"""What a rollback is verified by: the record of the release that it returns to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.ecs_types import Container, Service, Task
from longshore.environment.environment import Environment
from longshore.errors import AwsError, VerifyError
from longshore.result import HealthCheck, ImageResult, ReleaseResult, ServiceResult
from longshore.rollout import health
from longshore.run import rollback_verification
from longshore.run.run import Run
from longshore.verdict import Verdict
from tests.fakes.environments import environment
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import started
from tests.fakes.samples import arn, deployment, result, service, task

NAMES = {"web": "shop-test-web", "worker": "shop-test-worker"}
OLD = {"web": arn("shop-test-web", 1), "worker": arn("shop-test-worker", 1)}
IMAGE = ImageResult(repository="registry/shop/app", tag="v1.0.0", digest="sha256:old")


class Ecs:
    """Services on these revisions, with these digests."""

    def __init__(self, **revisions: str) -> None:
        self.revisions = {NAMES[key]: revision for key, revision in (OLD | revisions).items()}
        self.digest = "sha256:old"
        self.desired = 2
        self.definition: Callable[[], dict[str, Any]] = lambda: {
            "containerDefinitions": [{"name": "web", "image": f"{IMAGE.repository}:v1.0.0@sha256:old"}]
        }

    def services(self, cluster: str, names: list[str]) -> dict[str, Service]:
        shown = service(deployment("ecs-svc/1", "COMPLETED"), desired=self.desired)
        return {name: replace(shown, name=name, task_definition=self.revisions[name]) for name in names}

    def tasks(self, cluster: str, name: str) -> list[Task]:
        running = task(Container("web", "app:v1.0.0", self.digest, None, ""))
        return [replace(running, task_definition=self.revisions[name])] * max(1, self.desired)

    def task_definition(self, revision: str) -> dict[str, Any]:
        return self.definition()


def service_result(key: str, outcome: str = "moved back", count: int = 2, after: str | None = None) -> ServiceResult:
    revision = after or arn(NAMES[key], 2)
    return ServiceResult.model_validate({
        "name": NAMES[key],
        "wave": 1,
        "before": {"task_definition": OLD[key], "count": count},
        "after": {"task_definition": revision, "count": count},
        "outcome": outcome,
    })  # fmt: skip


def recorded(**changes: Any) -> ReleaseResult:
    """The entry of the release that the rollback returns to."""
    services = {key: service_result(key, "completed", after=revision) for key, revision in OLD.items()}
    entry = {"release": "test-000001", "version": "v1.0.0", "verdict": Verdict.SUCCEEDED, "services": services}
    return result(**entry | {"images": {"app": IMAGE}} | changes)


class Verification:
    """A rollback that is verified; ``asked`` has the expected text of each request, ``answer`` the problem with it."""

    def __init__(self, run: Run, env: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
        self.run, self.env = run, env
        self.asked: list[tuple[str, int, str]] = []
        self.answer: str | None = None
        monkeypatch.setattr(health, "ask", self._ask)

    def _ask(self, url: str, status: int, text: Any, *_: Any) -> str | None:
        self.asked.append((url, status, str(text)))
        return self.answer

    def verify(self, *keys: str) -> list[tuple[str, int, str]]:
        """Verifies, and returns what was asked, each once."""
        rollback_verification.verify(self.run, self.env, keys)
        return sorted(set(self.asked))


Begin = Callable[..., Any]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    @contextmanager
    def began(
        ecs: Ecs, services: dict[str, ServiceResult], last: ReleaseResult | None = None, previous: str = "v1.0.0"
    ) -> Iterator[Verification]:
        table = MemoryTable()
        with started(
            table,
            resumed=True,
            release="test-000002",
            sequence=2,
            version="v1.0.1",
            previous_version=previous,
            services=services,
        ) as run:
            if last:
                run.ledger.begin(last)
            access = SimpleNamespace(base_url=lambda _cluster, name: f"http://{name}")
            env = environment(tmp_path, aws=SimpleNamespace(ecs=ecs), access=access)
            yield Verification(run, env, monkeypatch)

    return began


HEALTH = ("http://shop-test-web/health", 200, "v1.0.0")


def test_the_url_must_answer_with_the_earlier_version(begin: Begin) -> None:
    with begin(Ecs(), {"web": service_result("web")}, recorded()) as verification:
        assert verification.verify("web") == [HEALTH]


def test_a_url_that_does_not_answer_is_an_error(begin: Begin) -> None:
    with begin(Ecs(), {"web": service_result("web")}, recorded()) as verification:
        verification.answer = "answered 500, not 200: 'no such column'"
        with pytest.raises(VerifyError, match=r"/health answered 500, not 200: 'no such column' \(asked") as error:
            verification.verify("web")
    assert error.value.answer == "http://shop-test-web/health answered 500, not 200: 'no such column'"


def test_the_url_of_a_service_that_was_not_updated_is_asked_as_well(begin: Begin) -> None:
    services = {"web": service_result("web", "not moved"), "worker": service_result("worker")}
    with begin(Ecs(), services, recorded()) as verification:
        assert verification.verify("worker") == [HEALTH]


def test_a_resumed_rollback_asks_for_the_services_of_the_process_before(begin: Begin) -> None:
    ecs = Ecs()
    ecs.digest = "sha256:other"
    with begin(ecs, {"web": service_result("web")}, recorded()) as verification:
        with pytest.raises(VerifyError, match="not sha256:old"):
            verification.verify()
        ecs.digest = "sha256:old"
        assert verification.verify() == [HEALTH]


@pytest.mark.parametrize("outcome", ["superseded", "not moved", "moved back"])
def test_a_service_that_was_replaced_is_not_judged(begin: Begin, outcome: str) -> None:
    services = {"web": service_result("web", outcome), "worker": service_result("worker")}
    ecs = Ecs(web=arn("shop-test-web", 3)) if outcome != "superseded" else Ecs()
    with begin(ecs, services, recorded()) as verification:
        assert verification.verify("worker") == []


def test_without_a_service_that_moved_nothing_is_asked(begin: Begin) -> None:
    class Unread(Ecs):
        def services(self, cluster: str, names: list[str]) -> dict[str, Service]:
            raise AssertionError("nothing has moved")

    with begin(Unread(), {"web": service_result("web", "not moved")}, recorded()) as verification:
        assert verification.verify() == []


def test_a_first_release_returns_to_nothing_that_answers(begin: Begin) -> None:
    with begin(Ecs(), {"web": service_result("web")}, previous="unreleased") as verification:
        assert verification.verify("web") == []


def test_a_service_without_tasks_is_not_asked(begin: Begin) -> None:
    ecs = Ecs()
    ecs.desired = 0
    with begin(ecs, {"web": service_result("web")}, recorded()) as verification:
        assert verification.verify("web") == []


def test_the_recorded_checks_are_asked_again(begin: Begin) -> None:
    """The failed release may have brought a health URL that the earlier one does not have."""
    checks = [HealthCheck(service="web", path="/old", expect_status=204, expect_text="all well")]
    with begin(Ecs(), {"web": service_result("web")}, recorded(checks=checks)) as verification:
        assert verification.verify("web") == [("http://shop-test-web/old", 204, "all well")]


def test_nothing_is_asked_that_the_earlier_release_was_not_verified_by(begin: Begin) -> None:
    with begin(Ecs(), {"web": service_result("web")}, recorded(checks=[])) as verification:
        assert verification.verify("web") == []


@pytest.mark.parametrize("last", [None, recorded(services={}), recorded(services={"web": service_result("web")})])
def test_without_a_record_of_the_revision_neither_digest_nor_version_is_expected(
    begin: Begin, last: ReleaseResult | None
) -> None:
    ecs = Ecs()
    ecs.digest = "sha256:other"
    with begin(ecs, {"web": service_result("web")}, last) as verification:
        assert verification.verify("web") == [("http://shop-test-web/health", 200, "")]


def test_a_wrong_digest_is_an_error(begin: Begin) -> None:
    ecs = Ecs()
    ecs.digest = "sha256:other"
    with begin(ecs, {"web": service_result("web")}, recorded()) as verification:
        with pytest.raises(VerifyError, match="runs sha256:other, not sha256:old"):
            verification.verify("web")
        assert verification.asked == []


def test_an_image_that_is_not_recorded_has_no_expected_digest(begin: Begin) -> None:
    ecs = Ecs()
    ecs.digest = "sha256:other"
    ecs.definition = lambda: {"containerDefinitions": [{"name": "web", "image": "elsewhere/proxy:v1.0.0"}]}
    with begin(ecs, {"web": service_result("web")}, recorded()) as verification:
        assert verification.verify("web") == [HEALTH]


def test_a_revision_that_cannot_be_described_is_a_warning(begin: Begin) -> None:
    def denied() -> dict[str, Any]:
        raise AwsError("no", code="AccessDeniedException")

    ecs = Ecs()
    ecs.definition = denied
    with begin(ecs, {"web": service_result("web")}, recorded()) as verification:
        assert verification.verify("web") == [HEALTH]
        assert verification.run.result.warnings == ["the digests of web were not compared after the rollback: no"]


def test_a_ledger_out_of_reach_stops_no_rollback(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(*_: Any) -> ReleaseResult:
        raise AwsError("away")

    with begin(Ecs(), {"web": service_result("web")}, recorded()) as verification:
        monkeypatch.setattr("longshore.ledger.releases.Ledger.last_good", unread)
        assert verification.verify("web") == [("http://shop-test-web/health", 200, "")]
        assert "away" in verification.run.result.warnings[0]


def test_reads_that_fail_for_a_moment_are_repeated(begin: Begin) -> None:
    class Throttled(Ecs):
        failures = 2

        def services(self, cluster: str, names: list[str]) -> dict[str, Service]:
            if self.failures:
                self.failures -= 1
                raise AwsError("slow down", code="ThrottlingException")
            return super().services(cluster, names)

    with begin(Throttled(), {"web": service_result("web")}, recorded()) as verification:
        assert verification.verify("web") == [HEALTH]
