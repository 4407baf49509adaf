from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import UsageError
from longshore.ledger.releases import Ledger
from longshore.result import ReleaseResult, Running, ServiceResult
from longshore.run import rollback_target
from longshore.verdict import Cause, Verdict
from tests.fakes.memory_table import MemoryTable
from tests.fakes.samples import arn, result


class History:
    """A ledger that is filled release by release; each version has revisions of its own."""

    def __init__(self) -> None:
        self.ledger = Ledger(MemoryTable(), "test")
        self.current, self.revision, self.count = "unreleased", 1, 0

    def add(self, version: str, verdict: Verdict = Verdict.SUCCEEDED, **known: Any) -> ReleaseResult:
        self.count += 1
        before, self.revision = self.revision, self.revision + 1
        service = ServiceResult(
            name="web",
            wave=1,
            before=Running(task_definition=arn("web", before), count=1),
            after=Running(task_definition=arn("web", self.revision), count=1),
        )
        usual = {"previous_version": self.current, "services": {"web": service}}
        made = result(
            sequence=self.count,
            release=f"test-{self.count:06d}",
            version=version,
            verdict=verdict,
            **usual | known,
        )
        self.ledger.begin(made)
        if verdict is Verdict.SUCCEEDED:
            self.current = version
        return made

    def target(self, *, to: str | None = None, revision: int | None = None, registered: str = "") -> ReleaseResult:
        """The way back when web runs a revision; the last one if not given."""
        running = Running(task_definition=arn("web", revision or self.revision), count=1)
        now = result(sequence=99, services={"web": ServiceResult(name="web", wave=1, before=running)})
        return rollback_target.choose(self.ledger, now, registered or self.current, to)


@pytest.fixture
def history() -> History:
    return History()


def test_the_release_before_the_current_one(history: History) -> None:
    history.add("v1.0.0")
    history.add("v1.0.1")
    assert history.target().version == "v1.0.0"


def test_not_to_a_version_that_was_rolled_away_from(history: History) -> None:
    """v1, v2, v3, back to v2, v4: before v4 came v2, though v3 is the newer number."""
    for version in ("v1.0.0", "v1.0.1", "v1.0.2"):
        history.add(version)
    back = history.add("v1.0.1", kind="rollback")
    history.add("v1.0.3")
    assert history.target() == back


def test_back_twice_goes_further_back(history: History) -> None:
    for version in ("v1.0.0", "v1.0.1", "v1.0.2"):
        history.add(version)
    history.add("v1.0.1", kind="rollback")
    assert history.target().version == "v1.0.0"


def test_the_same_version_released_again_is_no_step(history: History) -> None:
    for version in ("v1.0.0", "v1.0.1", "v1.0.1"):
        history.add(version)
    assert history.target().version == "v1.0.0"


def test_the_current_one_where_something_else_runs_or_is_registered(history: History) -> None:
    history.add("v1.0.0")
    last = history.add("v1.0.1")
    assert history.target(revision=77) == last
    assert history.target(registered="v1.0.2") == last


def test_after_an_incomplete_record_the_ledger_counts_and_not_the_parameter(history: History) -> None:
    history.add("v1.0.0")
    history.add("v1.0.1")
    history.add("v1.0.2", cause=Cause.RECORD)
    assert history.target().version == "v1.0.1"


def test_failed_releases_are_no_way_back(history: History) -> None:
    history.add("v1.0.0")
    history.add("v1.0.1", Verdict.ROLLED_BACK)
    history.revision -= 1
    with pytest.raises(UsageError, match=r"there is no release before v1\.0\.0"):
        history.target()


def test_any_version_that_succeeded_by_its_name(history: History) -> None:
    first = history.add("v1.0.0")
    history.add("v1.0.1", Verdict.ROLLED_BACK)
    history.add("v1.0.2")
    assert history.target(to="v1.0.0") == first
    for never in ("v1.0.1", "v9.9.9"):
        with pytest.raises(UsageError, match=f"{never} has never succeeded"):
            history.target(to=never)


def test_nothing_released(history: History) -> None:
    with pytest.raises(UsageError, match="nothing was released yet"):
        history.target()


def test_what_was_meant_by_a_process_that_died(history: History) -> None:
    assert rollback_target.default_version(history.ledger) is None
    history.add("v1.0.0")
    history.add("v1.0.1")
    assert rollback_target.default_version(history.ledger) == "v1.0.1", "a release died before it had an entry"
    history.add("v1.0.0", Verdict.RUNNING, kind="rollback")
    assert rollback_target.default_version(history.ledger) == "v1.0.0", "it was going back"


def test_after_an_apply_the_way_back_is_the_version_before_and_the_way_to_it_the_apply() -> None:
    history = History()
    history.add("v1.0.0")
    history.add("v1.0.1")
    applied = history.add("v1.0.1", kind="apply", previous_version="v1.0.1")
    history.add("v1.0.1", kind="restart", previous_version="v1.0.1", services={})
    history.add("v1.0.1", kind="scale", previous_version="v1.0.1", services={})
    runs = applied.services["web"].after
    assert runs
    current = result(services={"web": ServiceResult(name="web", wave=1, before=runs)})
    assert rollback_target.choose(history.ledger, current, "v1.0.1", None).version == "v1.0.0"
    assert rollback_target.choose(history.ledger, current, "v1.0.1", "v1.0.1") == applied
