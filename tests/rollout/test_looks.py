from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from itertools import pairwise

import pytest

from longshore.errors import AwsError
from longshore.rollout.looks import Look, looks
from tests.fakes.samples import moved_clock

THROTTLED = AwsError("slow down", code="ThrottlingException")


def script(*answers: int | AwsError) -> Callable[[], int]:
    """A read that gives these answers in turn, and the last one from then on; an error is raised."""
    remaining = list(answers)

    def read() -> int:
        answer = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if isinstance(answer, AwsError):
            raise answer
        return answer

    return read


def test_each_look_carries_its_result_and_its_time() -> None:
    clock = moved_clock()
    first, second, third, *_ = looks(script(1, 2, 3), clock, 10)
    assert [look.seen for look in (first, second, third)] == [1, 2, 3]
    assert 0 == first.begun < second.begun < third.begun
    assert {look.unread for look in (first, second, third)} == {""}


def test_a_failed_read_that_may_succeed_later_is_a_look_without_a_result() -> None:
    results = [
        (look.seen, look.unread) for look in looks(script(1, THROTTLED, AwsError("no answer"), 2), moved_clock(), 3)
    ]
    assert results[:4] == [(1, ""), (None, "slow down"), (None, "no answer"), (2, "")]


def test_a_denied_read_is_raised_at_once() -> None:
    with pytest.raises(AwsError, match="denied"):
        list(looks(script(AwsError("denied", code="AccessDeniedException"), 1), moved_clock(), 60))


def test_an_error_of_the_loop_body_is_not_forgiven() -> None:
    with pytest.raises(AwsError, match="slow down"):
        for _ in looks(script(1), moved_clock(), 60):
            raise THROTTLED


@pytest.mark.parametrize("deadline", [0.0, 5.0])
def test_the_last_look_is_taken_at_the_deadline(deadline: float) -> None:
    clock = moved_clock()
    begun = [look.begun for look in looks(script(1), clock, deadline)]
    assert begun[-1] == clock.now() == deadline


def test_hurrying_brings_the_next_look_forward() -> None:
    clock = moved_clock()
    begun = []
    for look in looks(script(1), clock, 20, first=1.0, longest=8.0):
        begun.append(look.begun)
        if len(begun) == 4:
            look.pace.hurry()
    pauses = [later - earlier for earlier, later in pairwise(begun)]
    assert pauses[3] < pauses[2]
    assert pauses[3] <= 1.2


def test_a_look_is_frozen() -> None:
    look: Look[int] = next(looks(script(1), moved_clock(), 1))
    with pytest.raises(FrozenInstanceError):
        look.seen = 2  # type: ignore[misc]
