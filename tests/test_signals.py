from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from longshore.clock import Clock
from longshore.errors import BuildError, InterruptError, LeaveAtOnce
from longshore.signals import WATCHED, Interrupts, StoppedBySignal, deferred, explained, finishing, stopping
from longshore.verdict import ExitCode, exit_code_of


def harmless(_number: int, _frame: FrameType | None) -> None:
    """A handler that does nothing."""


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """With harmless handlers around it, in case a test fails half-way."""
    before = {number: signal.signal(number, harmless) for number in WATCHED}
    yield Interrupts()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.HUNG_UP),
    ],
)
def test_the_first_signal_takes_effect_at_the_next_safe_point(
    interrupts: Interrupts, number: signal.Signals, code: ExitCode
) -> None:
    names: list[str] = []
    with interrupts.watched(names.append):
        os.kill(os.getpid(), number)
        assert names == [number.name]
        with interrupts.held():
            interrupts.check()
        with pytest.raises(InterruptError) as caught:
            interrupts.check()
        interrupts.check()
    assert (caught.value.name, exit_code_of(caught.value)) == (number.name, code)


def test_the_second_signal_takes_effect_immediately(interrupts: Interrupts) -> None:
    with interrupts.watched(lambda _: None), interrupts.held():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(LeaveAtOnce) as caught:
            os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.name == "SIGINT"


def test_the_previous_handlers_are_restored(interrupts: Interrupts) -> None:
    with interrupts.watched(lambda _: None):
        assert signal.getsignal(signal.SIGINT) is not harmless
    assert [signal.getsignal(number) for number in WATCHED] == [harmless] * 3


def test_a_signal_ends_a_sleep_and_the_polls_around_it(interrupts: Interrupts) -> None:
    clock = Clock(sleep=interrupts.sleep, check=interrupts.check)
    with interrupts.watched(lambda _: None), pytest.raises(InterruptError):
        for _ in clock.polls(deadline=60, first=30):
            os.kill(os.getpid(), signal.SIGINT)
            begun = time.monotonic()
    assert time.monotonic() - begun < 5


def test_other_threads_receive_no_signals(interrupts: Interrupts) -> None:
    done: list[str] = []

    def work() -> None:
        with interrupts.watched(done.append):
            done.append("worked")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["worked"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_same_signal_from_shell_and_kernel_is_one_request(interrupts: Interrupts, number: signal.Signals) -> None:
    with interrupts.watched(lambda _: None), interrupts.held():
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        with pytest.raises(LeaveAtOnce):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("numbers", [(signal.SIGTERM, signal.SIGHUP), (signal.SIGHUP, signal.SIGTERM)])
def test_sigterm_and_sighup_together_as_from_systemd_are_one_request(
    interrupts: Interrupts, numbers: tuple[signal.Signals, signal.Signals]
) -> None:
    with interrupts.watched(lambda _: None), interrupts.held():
        for number in numbers:
            os.kill(os.getpid(), number)


def test_a_second_ctrl_c_is_meant(interrupts: Interrupts) -> None:
    with interrupts.watched(lambda _: None), interrupts.held(), pytest.raises(LeaveAtOnce):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_hang_up_that_nohup_ignores_stays_ignored(interrupts: Interrupts) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interrupts.watched(lambda _: None), stopping():
        os.kill(os.getpid(), signal.SIGHUP)
        interrupts.check()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.usefixtures("interrupts")
def test_a_command_without_a_run_ends_wherever_it_is(number: signal.Signals, code: int) -> None:
    with pytest.raises(StoppedBySignal) as caught, stopping():
        os.kill(os.getpid(), number)
        raise AssertionError("not reached")
    assert (caught.value.name, exit_code_of(caught.value)) == (number.name, code)
    assert signal.getsignal(number) is harmless


@pytest.mark.usefixtures("interrupts")
def test_the_clean_up_after_a_signal_is_not_interrupted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cleaned: list[str] = []
    with pytest.raises(StoppedBySignal) as caught, stopping():
        try:
            os.kill(os.getpid(), signal.SIGHUP)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append("the plan")
            now[0] += 2
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append("not reached")
    assert cleaned == ["the plan"]
    assert caught.value.name == "SIGTERM"


@pytest.mark.usefixtures("interrupts")
def test_a_signal_takes_effect_after_the_program_that_was_told_of_it() -> None:
    told: list[int] = []
    with pytest.raises(StoppedBySignal) as caught, stopping():
        with deferred() as deferral:
            os.kill(os.getpid(), signal.SIGTERM)
            deferral.tell(told.append)
            assert isinstance(deferral.raised, StoppedBySignal)
            raise BuildError("docker build failed with exit code 1")
        raise AssertionError("not reached")
    assert told == [1]
    assert caught.value.message == "interrupted by SIGTERM\ndocker build failed with exit code 1"


@pytest.mark.usefixtures("interrupts")
def test_a_short_write_is_finished_at_the_first_signal_and_not_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, done = [100.0], list[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with pytest.raises(StoppedBySignal), stopping(), finishing():
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("after the first")
        now[0] += 2
        os.kill(os.getpid(), signal.SIGTERM)
        done.append("not reached")
    assert done == ["after the first"]
    assert signal.getsignal(signal.SIGTERM) is harmless


@pytest.mark.usefixtures("interrupts")
def test_an_error_without_a_signal_stays_as_it_is() -> None:
    with pytest.raises(BuildError), stopping(), deferred():
        raise BuildError("no such image")


def test_the_first_signal_of_a_release_lets_the_program_end(interrupts: Interrupts) -> None:
    with interrupts.watched(lambda _: None):
        with deferred() as deferral:
            os.kill(os.getpid(), signal.SIGTERM)
            assert deferral.raised is None
        with pytest.raises(LeaveAtOnce), deferred():
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.usefixtures("interrupts")
def test_the_innermost_explanation_counts() -> None:
    with (
        pytest.raises(StoppedBySignal) as caught,
        stopping(),
        explained("nothing was applied", "Run: invoke bootstrap"),
        explained("part of it was applied", "Look: invoke plan"),
    ):
        os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.message == "interrupted by SIGINT: part of it was applied"
    assert caught.value.hint == "Look: invoke plan"
