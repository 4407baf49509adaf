"""Plays every fault on copies of one service, in parallel, and prints the verdict of each tool and its delay.

The delay counts in seconds from the moment at which the outcome could be known; an earlier verdict has 0.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from longshore.sandbox import control
from longshore.sandbox.state import State
from scripts.console import say
from scripts.verdicts import project, tools
from scripts.verdicts.copies import INTERVAL, Copies, Watch
from scripts.verdicts.faults import FAULTS, GOOD, Fault
from scripts.verdicts.tools import TOOLS, Report

DEADLINE = 120.0
FIRST = "v1.0.0"
LONGSHORE = "Longshore"


@dataclass(frozen=True)
class Row:
    """A line of the table; ``delay`` is in seconds."""

    fault: Fault
    tool: str
    report: Report
    delay: float

    @property
    def right(self) -> bool:
        """Whether the verdict is true."""
        return self.report.success is self.fault.holds


def main(names: Sequence[str]) -> int:
    """Play all faults, or those whose names begin with one of these.

    Returns:
        1 if Longshore was wrong, or slower than a peer that was right.
    """
    chosen = [fault for fault in FAULTS if not names or fault.name.startswith(tuple(names))]
    say(f"Setting up a sandbox with one service, a copy for each peer, and {len(chosen)} versions.")
    tools.install_peers()
    project.make(DEADLINE)
    project.run("sandbox.up")
    try:
        rows = _play_all(chosen)
    finally:
        project.run("sandbox.down")
    _print(rows)
    return _judge(rows)


def _play_all(chosen: Sequence[Fault]) -> list[Row]:
    sandbox = project.variables()
    environ = project.environment(sandbox)
    copies = Copies(sandbox)
    copies.prepare()
    project.run("bootstrap", "--yes")
    tags = {fault.name: f"v1.0.{number}" for number, fault in enumerate(chosen, start=1)}
    project.build(FIRST, GOOD)
    for fault in chosen:
        project.build(tags[fault.name], fault.script)
    project.run("release", "--tag", FIRST, "--yes")
    for tool in TOOLS:
        revision = copies.register(tool.copy, FIRST)
        if tool.deploy is tools.steady_state:
            tools.prepare_steady_state(tool.copy, revision, environ)
        else:
            copies.create(tool.copy, revision)
    rows = []
    for fault in chosen:
        played = _play(fault, tags[fault.name], copies, environ)
        rows += played
        say(f"  {fault.name}: " + "; ".join(f"{row.tool}: {row.report.text}, {row.delay:.1f} s" for row in played))
    return rows


def _play(fault: Fault, tag: str, copies: Copies, environ: dict[str, str]) -> list[Row]:
    """Play one fault: Longshore starts first, and the peers as soon as its deployment exists."""
    names = [tool.copy for tool in TOOLS]
    copies.restore(names, FIRST)
    revisions = {tool.copy: copies.register(tool.copy, tag) for tool in TOOLS}
    with (
        copies.configured([project.SERVICE, *names], fault.configuration),
        _conditions(fault, copies, tag) as (before_apply, relent),
        Watch(copies, fault, [project.SERVICE, *names], DEADLINE, FIRST, relent) as watch,
        ThreadPoolExecutor(len(TOOLS) + 1) as threads,
    ):
        longshore = threads.submit(tools.longshore, tag, environ, before_apply)
        while not watch.began.wait(0.1):
            if longshore.done():
                raise RuntimeError(f"Longshore did not begin: {longshore.result()}")
        peers = {t: threads.submit(t.deploy, t.copy, revisions[t.copy], DEADLINE, environ) for t in TOOLS}
        reports = {LONGSHORE: (project.SERVICE, longshore.result())}
        reports |= {tool.name: (tool.copy, future.result()) for tool, future in peers.items()}
    return [Row(fault, name, report, _delay(watch, copy, report)) for name, (copy, report) in reports.items()]


@contextmanager
def _conditions(fault: Fault, copies: Copies, tag: str) -> Iterator[tuple[Callable[[], None], Callable[[], None]]]:
    """The settings of a fault, and two actions.

    Returns:
        The action between the checks of Longshore and the first task of the version, and the action once all outcomes
        are known: the secret can be read again, so that a rollback can start tasks.
    """
    state = control.status(project.FOLDER / ".longshore" / "sandbox").state
    if not isinstance(state, State):
        raise TypeError("the sandbox is not running")
    denial = {"operation": fault.denied, "kind": "denied"}
    defaults = control.settings(state)
    control.settings(state, **{"alarm_bake": 0.0, **fault.settings})
    try:
        if fault.deleted:
            yield partial(copies.delete_image, tag), do_nothing
        elif fault.denied:
            yield partial(control.add_fault, state, denial), partial(control.clear_faults, state)
        else:
            yield do_nothing, do_nothing
    finally:
        control.clear_faults(state)
        copies.set_alarm("OK")
        control.settings(state, **defaults)


def do_nothing() -> None:
    """Change nothing."""


def _delay(watch: Watch, copy: str, report: Report) -> float:
    known = watch.observed[copy].known
    return max(0.0, report.at - known) if known is not None else 0.0


def _print(rows: Sequence[Row]) -> None:
    cells = [("fault", "outcome", "tool", "verdict", "right", "delay (s)")]
    cells += [
        (
            row.fault.name,
            row.fault.outcome,
            row.tool,
            row.report.text,
            "yes" if row.right else "-" if row.report.success is None else "NO",
            f"{row.delay:.1f}" if row.report.success is not None else "-",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    say("")
    for line in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _judge(rows: Sequence[Row]) -> int:
    """Compare Longshore with each peer that was right; a difference below the interval of the watch does not count.

    The delay of a good version is not compared: Longshore still requests the health URL then, and writes its record.
    """
    problems = []
    for own in (row for row in rows if row.tool == LONGSHORE):
        problems += [] if own.right else [f"{own.fault.name}: Longshore is wrong"]
        peers = [r for r in rows if r.fault is own.fault and r.right and r.tool != LONGSHORE]
        faster = [row for row in peers if row.delay < own.delay - INTERVAL]
        for row in faster if not own.fault.holds else []:
            problems.append(f"{row.fault.name}: {row.tool} was {own.delay - row.delay:.1f} s faster")
    right = {tool: sum(row.right for row in rows if row.tool == tool) for tool in dict.fromkeys(r.tool for r in rows)}
    say(
        "\nRight verdicts of "
        + str(len({row.fault.name for row in rows}))
        + ": "
        + ", ".join(f"{t} {n}" for t, n in right.items())
    )
    for problem in problems:
        say(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
