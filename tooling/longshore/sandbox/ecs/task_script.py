"""Scripts of tasks, as values and in the short form of scenario files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from longshore.sandbox.ecs.host import KILLED
from longshore.sandbox.ecs.target_health import PASSED, REFUSED, TIMED_OUT, Check, Outcome, answered


@dataclass(frozen=True)
class TaskScript:
    """The script of a task. Seconds count from RUNNING, except for ``starts_after``.

    Attributes:
        starts_after: seconds until it is RUNNING; None leaves it PENDING.
        pulls: whether its image can be pulled.
        reads_secret: whether its execution role may read its secret.
        listens: whether its port accepts connections.
        listens_after: when it accepts them to a target group's check.
        checked: the status with which it answers a target group's check; None for an answer that never comes.
        checked_from: when it begins to answer so; it answers 200 before.
        exits: exit code of its first container; None if it does not exit.
        exits_after: when it exits; None ends it before it is RUNNING.
        out_of_memory: whether the kernel killed it.
        unhealthy_after: when its container health check begins to fail; None for never.
        vanishes_after: when ECS forgets it; None for never.
        other_image: whether it runs an image other than that of its tag.
        answers: how it answers requests, in the words of the test's load balancer; empty for normally.
        says: lines of its log, once it is RUNNING.
    """

    starts_after: float | None = 0.25
    pulls: bool = True
    reads_secret: bool = True
    listens: bool = True
    listens_after: float = 0.0
    checked: int | None = 200
    checked_from: float = 0.0
    exits: int | None = None
    exits_after: float | None = None
    out_of_memory: bool = False
    unhealthy_after: float | None = None
    vanishes_after: float | None = None
    other_image: bool = False
    answers: str = ""
    says: tuple[str, ...] = ()

    def outcome(self, check: Check, age: float) -> Outcome:
        """The outcome of a target group's check, `age` seconds after RUNNING."""
        if not self.listens or age < self.listens_after:
            return REFUSED
        if check.protocol == "TCP" or age < self.checked_from:
            return PASSED
        return TIMED_OUT if self.checked is None else answered(check, self.checked)


_SECONDS = r"(\d+(?:\.\d+)?) s"
_PHRASES: tuple[tuple[str, Callable[..., dict[str, Any]]], ...] = (
    (r"runs|hangs", dict),
    (rf"runs after {_SECONDS}", lambda seconds: {"starts_after": float(seconds)}),
    (r"exits (\d+) at start", lambda code: {"exits": int(code)}),
    (rf"exits (\d+) after {_SECONDS}", lambda code, seconds: {"exits": int(code), "exits_after": float(seconds)}),
    (rf"flaps every {_SECONDS}", lambda seconds: {"exits": 1, "exits_after": float(seconds)}),
    (
        rf"killed for memory after {_SECONDS}",
        lambda seconds: {"exits": KILLED, "exits_after": float(seconds), "out_of_memory": True},
    ),
    (r"cannot pull", lambda: {"pulls": False}),
    (r"cannot read its secret", lambda: {"reads_secret": False}),
    (r"never listens", lambda: {"listens": False}),
    (rf"listens after {_SECONDS}", lambda seconds: {"listens_after": float(seconds)}),
    (r"health check answers (\d+)", lambda status: {"checked": int(status)}),
    (
        rf"health check answers (\d+) after {_SECONDS}",
        lambda status, seconds: {"checked": int(status), "checked_from": float(seconds)},
    ),
    (r"health check hangs", lambda: {"checked": None}),
    (r"never starts", lambda: {"starts_after": None}),
    (rf"unhealthy after {_SECONDS}", lambda seconds: {"unhealthy_after": float(seconds)}),
    (rf"vanishes after {_SECONDS}", lambda seconds: {"vanishes_after": float(seconds)}),
    (r"runs another image", lambda: {"other_image": True}),
    (r"answers (.+)", lambda manner: {"answers": manner}),
    (r'says "([^"]*)"', lambda line: {"says": (line,)}),
)
_HEALS = re.compile(r"heals after (\d+) failures?")
_PART = re.compile(r'(?:"[^"]*"|[^,"])+')
_TASK = re.compile(r'(?:"[^"]*"|[^;"])+')


def parse(text: str) -> tuple[TaskScript, ...]:
    """The scripts of a revision's tasks, in order; the last one applies to all further tasks.

    Args:
        text: phrases separated by commas, tasks by semicolons: ``exits 3 after 5 s, says "no"; runs``.

    Raises:
        ValueError: a phrase is unknown.
    """
    if heals := _HEALS.fullmatch(text.strip()):
        return (*[TaskScript(exits=1)] * int(heals[1]), TaskScript())
    return tuple(_parse_task(task) for task in _TASK.findall(text)) or (TaskScript(),)


def nth(scripts: Sequence[TaskScript], number: int) -> TaskScript:
    """The script of the n-th task, from 0."""
    return scripts[min(number, len(scripts) - 1)]


def _parse_task(text: str) -> TaskScript:
    script = TaskScript()
    for phrase in _PART.findall(text):
        changes = _parse_phrase(phrase.strip())
        script = replace(script, **changes | {"says": (*script.says, *changes.get("says", ()))})
    return script


def _parse_phrase(phrase: str) -> dict[str, Any]:
    for pattern, changes in _PHRASES:
        if match := re.fullmatch(pattern, phrase):
            return changes(*match.groups())
    raise ValueError(f"unknown phrase {phrase!r}; the phrases are: {', '.join(p for p, _ in _PHRASES)}")
