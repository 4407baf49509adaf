from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from longshore.clock import Clock
from longshore.errors import InterruptError, LeaveAtOnce
from longshore.signals import WATCHED, Interrupts
from longshore.verdict import ExitCode, exit_code_of


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """With harmless handlers around it, in case a test fails half-way."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in WATCHED}
    yield Interrupts()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED),
        (signal.SIGTERM, ExitCode.TERMINATED),
        (signal.SIGHUP, ExitCode.TERMINATED),
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
        assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    assert [signal.getsignal(number) for number in WATCHED] == [signal.SIG_IGN] * 3


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
