"""One build on CodeBuild: exactly one for a request, shown whole, judged by its status, ended when its time is over."""

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
    refuse,
)
from longshore.masking import Masks

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REQUEST = BuildRequest("shop-build", COMMIT, idempotency_token("shop", "test-000001"), {"LONGSHORE_TAG": "v1.0.0"})
LOG = ("/aws/codebuild/shop-build", "1")
NO_ANSWER = AwsError("CodeBuild StartBuild: no answer")
THROTTLED = AwsError("CodeBuild BatchGetBuilds: Rate exceeded", code="ThrottlingException")
DENIED = AwsError("CodeBuild BatchGetBuilds: no", code="AccessDeniedException")
FULL = AwsError("CodeBuild StartBuild: Cannot have more than 1 builds in queue", code="AccountLimitExceededException")


@dataclass
class Time:
    """A clock that moves only where somebody sleeps."""

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
    """A CodeBuild whose answers are scripted: each item of ``looks`` is a state, or an error; the last one stays."""

    looks: list[Build | AwsError | None]
    starts: list[AwsError | None] = field(default_factory=list)
    started: dict[str, Build] = field(default_factory=dict)
    known: list[Build] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    stop_answers: bool = True

    def start(self, project: str, commit: str, variables: Mapping[str, str], token: str) -> Build:
        self.calls.append("start")
        assert (project, commit, token) == (REQUEST.project, COMMIT, REQUEST.token)
        failure = self.starts.pop(0) if self.starts else None
        if failure is None or failure.ambiguous:  # without an answer, it has taken effect all the same
            build = self.started.setdefault(token, build_of(id="shop-build:1", variables=variables))
            self.known = [build]
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
        return self.known

    def stop(self, build: str) -> None:
        self.calls.append("stop")
        if self.stop_answers:
            self.looks = [ended("STOPPED")]


@dataclass
class Pages:
    """A log in pages: each call of lines gives one, or raises."""

    pages: list[list[str] | AwsError] = field(default_factory=list)

    def follow(self, group: str, stream: str) -> Pages:
        assert (group, stream) == LOG
        return self

    def lines(self) -> Iterator[str]:
        page = self.pages.pop(0) if self.pages else []
        if isinstance(page, AwsError):
            raise page
        yield from page


def build_of(**known: Any) -> Build:
    return Build(**{"id": "shop-build:1", "project": "shop-build", "phase": "BUILD", "log": LOG} | known)


def ended(status: str, **known: Any) -> Build:
    return build_of(**{"status": status, "complete": True, "phase": "COMPLETED", "commit": COMMIT} | known)


RUNS, QUEUED = build_of(), build_of(phase="QUEUED", log=None)


def watch(lines: list[str] | None = None, **known: Any) -> FollowOptions:
    shown = [] if lines is None else lines
    return replace(FollowOptions(queue=60, run=300, on_line=shown.append), **known)


def test_a_build_is_followed_to_its_end_and_every_line_is_shown_once() -> None:
    service = Service([QUEUED, RUNS, RUNS, ended("SUCCEEDED")])
    pages = Pages([["a\n", "b"], [], ["c"], [], ["late"], []])
    lines: list[str] = []
    seen: list[str] = []
    followed = Builder(service, pages, Time().clock).run(
        REQUEST, watch(lines, on_start=lambda build: seen.append(build.id))
    )
    refuse(followed, COMMIT)
    assert lines == ["a", "b", "c", "late"]
    assert (seen, followed.log_complete) == (["shop-build:1"], True)
    assert service.calls.count("start") == 1
    assert service.started[REQUEST.token].variables == {"LONGSHORE_TAG": "v1.0.0", TOKEN: REQUEST.token}


def test_a_lost_answer_and_a_second_process_make_no_second_build() -> None:
    service = Service([ended("SUCCEEDED")], starts=[NO_ANSWER])
    assert Builder(service, Pages(), Time().clock).run(REQUEST, watch()).build.status == "SUCCEEDED"
    # Whoever goes on with the release looks for its build before it starts one: AWS forgets a token in five minutes.
    Builder(service, Pages(), Time().clock).run(REQUEST, watch())
    assert (service.calls.count("start"), len(service.started)) == (1, 1)


def test_a_lost_answer_that_no_list_shows_yet_is_asked_for_again_with_the_same_token() -> None:
    service = Service([ended("SUCCEEDED")], starts=[NO_ANSWER])
    service.newest = lambda project: []  # type: ignore[method-assign]
    Builder(service, Pages(), Time().clock).run(REQUEST, watch())
    assert (service.calls.count("start"), len(service.started)) == (2, 1)


def test_a_project_with_all_its_builds_is_waited_for() -> None:
    service = Service([ended("SUCCEEDED")], starts=[FULL, FULL, FULL])
    time = Time()
    Builder(service, Pages(), time.clock).run(REQUEST, watch())
    assert service.calls.count("start") == 4
    service = Service([ended("SUCCEEDED")], starts=[FULL] * 1000)
    with pytest.raises(BuildError, match=r"no build of shop-build could be started: .*more than 1 builds"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch())


def test_a_start_that_is_refused_ends_at_once() -> None:
    service = Service([RUNS], starts=[DENIED])
    with pytest.raises(BuildError, match="could be started: CodeBuild BatchGetBuilds: no"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch())
    assert service.calls == ["newest", "start"]


@pytest.mark.parametrize("status", ["FAILED", "FAULT", "TIMED_OUT", "STOPPED", "WEIRD"])
def test_whatever_is_no_success_says_its_phase_and_its_last_lines(status: str) -> None:
    phases = (
        Phase("INSTALL", "SUCCEEDED"),
        Phase(
            "BUILD", status, ("COMMAND_EXECUTION_ERROR: Error while executing command: make. Reason: exit status 2",)
        ),
    )
    service = Service([ended(status, phases=phases)])
    followed = Builder(service, Pages([["one", "make: *** [all] Error 2"]]), Time().clock).run(REQUEST, watch())
    with pytest.raises(BuildError) as caught:
        refuse(followed, COMMIT)
    said = caught.value.message
    assert f"BUILD {status}: COMMAND_EXECUTION_ERROR: Error while executing command: make" in said
    assert said.endswith("make: *** [all] Error 2")
    assert ("Longshore does not know" in said) == (status == "WEIRD")
    assert "INSTALL" not in said
    assert caught.value.exit_code == 4


def test_the_last_lines_are_masked_before_they_are_cut() -> None:
    secret = "a long secret"
    line = f"{'x' * 490}{secret} NPM_TOKEN=unheard-of"
    masks = Masks([secret])
    lines: list[str] = []
    seen = watch(lines, mask=masks.mask_untrusted)
    followed = Builder(Service([ended("FAILED")]), Pages([[line, "NPM_TOKEN=unheard-of"]]), Time().clock).run(
        REQUEST, seen
    )
    with pytest.raises(BuildError) as caught:
        refuse(followed, COMMIT)
    assert "a long" not in caught.value.message
    assert "unheard-of" not in caught.value.message
    assert lines == [line, "NPM_TOKEN=unheard-of"]  # the console masks for itself


def test_an_unknown_status_that_is_not_complete_is_waited_for_and_never_success() -> None:
    service = Service([replace(RUNS, status="WEIRD")])
    with pytest.raises(BuildError, match="still runs after 300 s; it has ended: STOPPED"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch())


def test_another_commit_is_refused() -> None:
    with pytest.raises(BuildError, match=r"has built fff, not 0123456789abcdef"):
        refuse(BuildOutcome(ended("SUCCEEDED", commit="fff")), COMMIT)
    with pytest.raises(BuildError, match="has built nobody knows what"):
        refuse(BuildOutcome(ended("SUCCEEDED", commit=None)), COMMIT)


def test_what_queues_for_ever_is_stopped_and_seen_to_stop() -> None:
    service, time = Service([QUEUED]), Time()
    with pytest.raises(BuildError, match="still waits for a machine after 60 s; it has ended: STOPPED"):
        Builder(service, Pages(), time.clock).run(REQUEST, watch())
    assert service.calls.count("stop") == 1
    assert 160 < time.at < 180


def test_what_waits_in_the_queue_has_its_whole_time_to_run() -> None:
    looks: list[Build | AwsError | None] = [*[QUEUED] * 15, *[RUNS] * 90, ended("SUCCEEDED")]
    time = Time()
    Builder(Service(looks), Pages(), time.clock).run(REQUEST, watch())
    assert time.at > 100 + 200


def test_a_build_that_does_not_stop_is_said_to_run() -> None:
    service = Service([RUNS], stop_answers=False)
    with pytest.raises(BuildError, match="it was told to stop; it has not ended yet"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch())


def test_what_goes_on_by_itself_is_left_alone() -> None:
    service = Service([RUNS])
    with pytest.raises(UnknownOutcomeError, match="still runs after 300 s; it goes on"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch(stops=False))
    with pytest.raises(InterruptError):
        Builder(service, Pages(), Time(interrupt_at=110).clock).run(REQUEST, watch(stops=False))
    assert "stop" not in service.calls


def test_an_interrupted_build_is_stopped() -> None:
    service = Service([RUNS])
    with pytest.raises(InterruptError):
        Builder(service, Pages(), Time(interrupt_at=110).clock).run(REQUEST, watch())
    assert "stop" in service.calls


def test_reads_that_fail_for_a_while_end_nothing() -> None:
    looks: list[Build | AwsError | None] = [None, THROTTLED, NO_ANSWER, RUNS, THROTTLED, ended("SUCCEEDED")]
    pages = Pages([["a"], THROTTLED, ["b"]])
    lines: list[str] = []
    followed = Builder(Service(looks), pages, Time().clock).run(REQUEST, watch(lines))
    assert (lines, followed.log_complete, followed.build.status) == (["a", "b"], True, "SUCCEEDED")


def test_reads_that_fail_for_minutes_lose_no_build_and_the_deadline_stops_it() -> None:
    looks: list[Build | AwsError | None] = [RUNS, *[THROTTLED] * 60, ended("SUCCEEDED")]
    time = Time()
    assert Builder(Service(looks), Pages(), time.clock).run(REQUEST, watch()).build.status == "SUCCEEDED"
    assert time.at > 100 + 120
    service = Service([RUNS, *[NO_ANSWER] * 1000])
    with pytest.raises(BuildError, match="still runs after 300 s; it has ended: STOPPED"):
        Builder(service, Pages(), Time().clock).run(REQUEST, watch())


def test_a_log_that_can_not_be_read_is_said_and_fails_nothing() -> None:
    pages = Pages([DENIED, ["the rest"]])
    followed = Builder(Service([RUNS, ended("SUCCEEDED")]), pages, Time().clock).run(REQUEST, watch())
    refuse(followed, COMMIT)
    assert not followed.log_complete
    forever: list[list[str] | AwsError] = [THROTTLED] * 1000
    followed = Builder(Service([RUNS, ended("SUCCEEDED")]), Pages(forever), Time().clock).run(REQUEST, watch())
    assert not followed.log_complete


@pytest.mark.parametrize("log", [LOG, None])
def test_a_log_that_never_came_is_said_and_fails_nothing(log: tuple[str, str] | None) -> None:
    looks: list[Build | AwsError | None] = [build_of(log=log), ended("SUCCEEDED", log=log)]
    followed = Builder(Service(looks), Pages(), Time().clock).run(REQUEST, watch())
    refuse(followed, COMMIT)
    assert not followed.log_complete


@pytest.mark.parametrize("look", [DENIED, None])
def test_a_build_that_can_not_be_looked_at_any_more(look: AwsError | None) -> None:
    with pytest.raises(BuildError, match=r"can't be read|tells nothing of"):
        Builder(Service([RUNS, look]), Pages(), Time().clock).run(REQUEST, watch())
    with pytest.raises(UnknownOutcomeError, match=r"can't be read|tells nothing of"):
        Builder(Service([RUNS, look]), Pages(), Time().clock).run(REQUEST, watch(stops=False))


def test_a_token_is_of_one_release_and_attempt() -> None:
    tokens = {
        idempotency_token("shop", "test-000001"),
        idempotency_token("shop", "test-000002"),
        idempotency_token("shop", "test-000001", 2),
    }
    assert len(tokens) == 3
    assert idempotency_token("shop", "test-000001") in tokens
    assert all(len(token) == 64 and token.isalnum() for token in tokens)
