"""One build on CodeBuild: exactly one per request, shown completely, judged by its status, stopped at its deadline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from longshore.aws.codebuild import Build, Phase
from longshore.clock import Clock
from longshore.errors import AwsError, BuildError, InterruptError, UnknownOutcomeError
from longshore.images.codebuild import (
    TOKEN,
    Builder,
    BuildOutcome,
    BuildRequest,
    FollowOptions,
    idempotency_token,
    refuse_failed,
)
from longshore.masking import Masks
from longshore.verdict import exit_code_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REQUEST = BuildRequest("shop-build", COMMIT, idempotency_token("shop", "test-000001"), {"LONGSHORE_TAG": "v1.0.0"})
LOG = ("/aws/codebuild/shop-build", "1")
NO_ANSWER = AwsError("CodeBuild StartBuild: no answer")
THROTTLED = AwsError("CodeBuild BatchGetBuilds: Rate exceeded", code="ThrottlingException")
DENIED = AwsError("CodeBuild BatchGetBuilds: no", code="AccessDeniedException")
FULL = AwsError("CodeBuild StartBuild: Cannot have more than 1 builds in queue", code="AccountLimitExceededException")


@dataclass
class Time:
    """A clock that only moves during sleeps."""

    at: float = 100.0
    interrupt_at: float = float("inf")

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def check(self) -> None:
        if self.at >= self.interrupt_at:
            self.interrupt_at = float("inf")
            raise InterruptError(2)

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep, self.check)


@dataclass
class Service:
    """A CodeBuild with scripted answers: each item of ``looks`` is a state or an error; the last one stays."""

    looks: list[Build | AwsError | None]
    starts: list[AwsError | None] = field(default_factory=list)
    started: dict[str, Build] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    stop_answers: bool = True

    def start(self, project: str, commit: str, variables: Mapping[str, str], token: str) -> Build:
        self.calls.append("start")
        assert (project, commit, token) == (REQUEST.project, COMMIT, REQUEST.token)
        failure = self.starts.pop(0) if self.starts else None
        if failure is None or failure.ambiguous:  # without a response, the call took effect nevertheless
            build = self.started.setdefault(token, build_of(id="shop-build:1", variables=variables))
            self.builds = [build]
        if failure:
            raise failure
        return build

    def get(self, build: str) -> Build | None:
        self.calls.append("get")
        now = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(now, AwsError):
            raise now
        return now

    def newest(self, project: str) -> list[Build]:
        self.calls.append("newest")
        return self.builds

    def stop(self, build: str) -> None:
        self.calls.append("stop")
        if self.stop_answers:
            self.looks = [ended("STOPPED")]


@dataclass
class Pages:
    """A log in pages: each call of ``lines`` yields one, or raises."""

    pages: list[list[str] | AwsError] = field(default_factory=list)

    def follow(self, group: str, stream: str) -> Pages:
        assert (group, stream) == LOG
        return self

    def lines(self) -> Iterator[str]:
        page = self.pages.pop(0) if self.pages else []
        if isinstance(page, AwsError):
            raise page
        yield from page


def build_of(**fields: Any) -> Build:
    return Build(**{"id": "shop-build:1", "project": "shop-build", "phase": "BUILD", "log": LOG} | fields)


def ended(status: str, **fields: Any) -> Build:
    return build_of(**{"status": status, "complete": True, "phase": "COMPLETED", "commit": COMMIT} | fields)


RUNS, QUEUED = build_of(), build_of(phase="QUEUED", log=None)


def options(lines: list[str] | None = None, **fields: Any) -> FollowOptions:
    shown = [] if lines is None else lines
    return replace(FollowOptions(queue=60, run=300, on_line=shown.append), **fields)


def test_a_build_is_followed_to_its_end_and_each_line_is_shown_once() -> None:
    service = Service([QUEUED, RUNS, RUNS, ended("SUCCEEDED")])
    pages = Pages([["a\n", "b"], [], ["c"], [], ["late"], []])
    lines: list[str] = []
    seen: list[str] = []
    outcome = Builder(service, pages, Time().clock).run(
        REQUEST, options(lines, on_start=lambda build: seen.append(build.id))
    )
    refuse_failed(outcome, COMMIT)
    assert lines == ["a", "b", "c", "late"]
    assert (seen, outcome.log_complete) == (["shop-build:1"], True)
    assert service.calls.count("start") == 1
    assert service.started[REQUEST.token].variables == {"LONGSHORE_TAG": "v1.0.0", TOKEN: REQUEST.token}


def test_a_lost_response_and_a_second_process_start_no_second_build() -> None:
    service = Service([ended("SUCCEEDED")], starts=[NO_ANSWER])
    assert Builder(service, Pages(), Time().clock).run(REQUEST, options()).build.status == "SUCCEEDED"
    # A process that resumes the release looks for its build first: AWS forgets a token after five minutes.
    Builder(service, Pages(), Time().clock).run(REQUEST, options())
    assert (service.calls.count("start"), len(service.started)) == (1, 1)


def test_a_start_without_a_response_is_retried_with_the_same_token() -> None:
    service = Service([ended("SUCCEEDED")], starts=[NO_ANSWER])
    service.newest = lambda project: []  # type: ignore[method-assign]
    Builder(service, Pages(), Time().clock).run(REQUEST, options())
    assert (service.calls.count("start"), len(service.started)) == (2, 1)


def test_a_start_waits_for_a_project_at_its_limit() -> None:
    service = Service([ended("SUCCEEDED")], starts=[FULL, FULL, FULL])
    time = Time()
    Builder(service, Pages(), time.clock).run(REQUEST, options())
    assert service.calls.count("start") == 4
    service = Service([ended("SUCCEEDED")], starts=[FULL] * 1000)
    with pytest.raises(BuildError, match=r"cannot start a build of shop-build: .*more than 1 builds"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options())


def test_a_denied_start_fails_immediately() -> None:
    service = Service([RUNS], starts=[DENIED])
    with pytest.raises(BuildError, match="cannot start a build of shop-build: CodeBuild BatchGetBuilds: no"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options())
    assert service.calls == ["newest", "start"]


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "TIMED_OUT", "STOPPED", "WEIRD"])
def test_an_unsuccessful_build_reports_its_phase_and_its_last_lines(status: str) -> None:
    phases = (
        Phase("INSTALL", "SUCCEEDED"),
        Phase(
            "BUILD", status, ("COMMAND_EXECUTION_ERROR: Error while executing command: make. Reason: exit status 2",)
        ),
    )
    service = Service([ended(status, phases=phases)])
    outcome = Builder(service, Pages([["one", "make: *** [all] Error 2"]]), Time().clock).run(REQUEST, options())
    with pytest.raises(BuildError) as caught:
        refuse_failed(outcome, COMMIT)
    message = caught.value.message
    assert f"BUILD {status}: COMMAND_EXECUTION_ERROR: Error while executing command: make" in message
    assert message.endswith("make: *** [all] Error 2")
    assert ("Longshore does not know" in message) == (status == "WEIRD")
    assert "INSTALL" not in message
    assert exit_code_of(caught.value) == 4


def test_the_last_lines_are_masked_before_they_are_truncated() -> None:
    secret = "a long secret"
    line = f"{'x' * 490}{secret} NPM_TOKEN=unheard-of"
    masks = Masks([secret])
    lines: list[str] = []
    masking = options(lines, mask=masks.mask_lines)
    outcome = Builder(Service([ended("FAILED")]), Pages([[line, "NPM_TOKEN=unheard-of"]]), Time().clock).run(
        REQUEST, masking
    )
    with pytest.raises(BuildError) as caught:
        refuse_failed(outcome, COMMIT)
    assert "a long" not in caught.value.message
    assert "unheard-of" not in caught.value.message
    assert lines == [line, "NPM_TOKEN=unheard-of"]  # the console masks for itself


def test_an_unknown_status_is_never_success_and_ends_at_the_deadline() -> None:
    service = Service([replace(RUNS, status="WEIRD")])
    with pytest.raises(BuildError, match="still running after 300 s; it has ended: STOPPED"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options())


def test_a_build_of_another_commit_is_refused() -> None:
    with pytest.raises(BuildError, match=r"built fff, not 0123456789abcdef"):
        refuse_failed(BuildOutcome(ended("SUCCEEDED", commit="fff")), COMMIT)
    with pytest.raises(BuildError, match="built an unknown commit, not 0123456789abcdef"):
        refuse_failed(BuildOutcome(ended("SUCCEEDED", commit=None)), COMMIT)


def test_a_build_that_never_leaves_the_queue_is_stopped() -> None:
    service, time = Service([QUEUED]), Time()
    with pytest.raises(BuildError, match="still waiting for a machine after 60 s; it has ended: STOPPED"):
        Builder(service, Pages(), time.clock).run(REQUEST, options())
    assert service.calls.count("stop") == 1
    assert 160 < time.at < 180


def test_time_in_the_queue_does_not_count_as_run_time() -> None:
    looks: list[Build | AwsError | None] = [*[QUEUED] * 15, *[RUNS] * 90, ended("SUCCEEDED")]
    time = Time()
    Builder(Service(looks), Pages(), time.clock).run(REQUEST, options())
    assert time.at > 100 + 200


def test_a_build_that_does_not_stop_is_reported() -> None:
    service = Service([RUNS], stop_answers=False)
    with pytest.raises(BuildError, match="a stop was requested; it has not ended yet"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options())


def test_a_build_that_must_continue_is_not_stopped() -> None:
    service = Service([RUNS])
    with pytest.raises(UnknownOutcomeError, match="still running after 300 s; it continues"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options(stops=False))
    with pytest.raises(InterruptError):
        Builder(service, Pages(), Time(interrupt_at=110).clock).run(REQUEST, options(stops=False))
    assert "stop" not in service.calls


def test_a_signal_stops_the_build() -> None:
    service = Service([RUNS])
    with pytest.raises(InterruptError):
        Builder(service, Pages(), Time(interrupt_at=110).clock).run(REQUEST, options())
    assert "stop" in service.calls


def test_short_read_failures_are_tolerated() -> None:
    looks: list[Build | AwsError | None] = [None, THROTTLED, NO_ANSWER, RUNS, THROTTLED, ended("SUCCEEDED")]
    pages = Pages([["a"], THROTTLED, ["b"]])
    lines: list[str] = []
    outcome = Builder(Service(looks), pages, Time().clock).run(REQUEST, options(lines))
    assert (lines, outcome.log_complete, outcome.build.status) == (["a", "b"], True, "SUCCEEDED")


def test_long_read_failures_lose_no_build_and_the_deadline_stops_it() -> None:
    looks: list[Build | AwsError | None] = [RUNS, *[THROTTLED] * 60, ended("SUCCEEDED")]
    time = Time()
    assert Builder(Service(looks), Pages(), time.clock).run(REQUEST, options()).build.status == "SUCCEEDED"
    assert time.at > 100 + 120
    service = Service([RUNS, *[NO_ANSWER] * 1000])
    with pytest.raises(BuildError, match="still running after 300 s; it has ended: STOPPED"):
        Builder(service, Pages(), Time().clock).run(REQUEST, options())


def test_an_unreadable_log_is_recorded_and_does_not_fail_the_build() -> None:
    pages = Pages([DENIED, ["the rest"]])
    outcome = Builder(Service([RUNS, ended("SUCCEEDED")]), pages, Time().clock).run(REQUEST, options())
    refuse_failed(outcome, COMMIT)
    assert not outcome.log_complete
    forever: list[list[str] | AwsError] = [THROTTLED] * 1000
    outcome = Builder(Service([RUNS, ended("SUCCEEDED")]), Pages(forever), Time().clock).run(REQUEST, options())
    assert not outcome.log_complete


@pytest.mark.parametrize("log", [LOG, None])
def test_a_missing_log_is_recorded_and_does_not_fail_the_build(log: tuple[str, str] | None) -> None:
    looks: list[Build | AwsError | None] = [build_of(log=log), ended("SUCCEEDED", log=log)]
    outcome = Builder(Service(looks), Pages(), Time().clock).run(REQUEST, options())
    refuse_failed(outcome, COMMIT)
    assert not outcome.log_complete


@pytest.mark.parametrize("look", [DENIED, None])
def test_a_build_that_can_no_longer_be_read(look: AwsError | None) -> None:
    with pytest.raises(BuildError, match=r"cannot read the outcome|no longer returns"):
        Builder(Service([RUNS, look]), Pages(), Time().clock).run(REQUEST, options())
    with pytest.raises(UnknownOutcomeError, match=r"cannot read the outcome|no longer returns"):
        Builder(Service([RUNS, look]), Pages(), Time().clock).run(REQUEST, options(stops=False))


def test_a_token_identifies_one_release_and_attempt() -> None:
    tokens = {
        idempotency_token("shop", "test-000001"),
        idempotency_token("shop", "test-000002"),
        idempotency_token("shop", "test-000001", 2),
    }
    assert len(tokens) == 3
    assert idempotency_token("shop", "test-000001") in tokens
    assert all(len(token) == 64 and token.isalnum() for token in tokens)
