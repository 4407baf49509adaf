"""Plays every fault on copies of one service, in parallel, and prints who said what, and when.

The seconds are from the moment at which the truth could be known; what is said before it is 0.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from longshore.sandbox import control
from longshore.sandbox.state import State
from scripts.verdicts import project, tools
from scripts.verdicts.copies import LOOK, Copies, Watch
from scripts.verdicts.faults import FAULTS, GOOD, Fault
from scripts.verdicts.tools import TOOLS, Said

DEADLINE = 120.0
FIRST = "v1.0.0"
LONGSHORE = "Longshore"


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    fault: Fault
    tool: str
    said: Said
    late: float

    @property
    def right(self) -> bool:
        """Whether what was said is true."""
        return self.said.success is self.fault.holds


def main(names: Sequence[str]) -> int:
    """Play the faults, or those whose names begin with one of these.

    Returns:
        1 if Longshore was wrong, or later than a peer that was right.
    """
    chosen = [fault for fault in FAULTS if not names or fault.name.startswith(tuple(names))]
    say(f"Setting up: a sandbox, one service and a copy for each peer; {len(chosen)} versions.")
    tools.install_peers()
    project.make(DEADLINE)
    project.run("sandbox.up")
    try:
        rows = _play_all(chosen)
    finally:
        project.run("sandbox.down")
    _print(rows)
    return _judge(rows)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _play_all(chosen: Sequence[Fault]) -> list[Row]:
    sandbox = project.variables()
    environ = project.environment(sandbox)
    copies = Copies(sandbox)
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
        found = _play(fault, tags[fault.name], copies, environ)
        rows += found
        say(f"  {fault.name}: " + "; ".join(f"{row.tool}: {row.said.text}, {row.late:.1f} s" for row in found))
    return rows


def _play(fault: Fault, tag: str, copies: Copies, environ: dict[str, str]) -> list[Row]:
    """Play one fault: Longshore begins, and the peers the moment its deployment is there."""
    names = [tool.copy for tool in TOOLS]
    copies.restore(names, FIRST)
    state = control.status(project.FOLDER / ".longshore" / "sandbox").state
    if not isinstance(state, State):
        raise TypeError("the sandbox does not run")
    control.settings(state, rollback_window=fault.window)
    revisions = {tool.copy: copies.register(tool.copy, tag) for tool in TOOLS}
    with (
        Watch(copies, fault, [project.SERVICE, *names], DEADLINE, FIRST) as watch,
        ThreadPoolExecutor(len(TOOLS) + 1) as threads,
    ):
        # After its checks, which want the image, and before any task of the version starts.
        strike = partial(copies.delete_image, tag) if fault.deleted else nothing
        ours = threads.submit(tools.longshore, tag, environ, strike)
        while not watch.began.wait(0.1):
            if ours.done():
                raise RuntimeError(f"Longshore did not begin: {ours.result()}")
        theirs = {t: threads.submit(t.deploy, t.copy, revisions[t.copy], DEADLINE, environ) for t in TOOLS}
        said = {LONGSHORE: (project.SERVICE, ours.result())}
        said |= {tool.name: (tool.copy, future.result()) for tool, future in theirs.items()}
    return [Row(fault, name, what, _late(watch, copy, what)) for name, (copy, what) in said.items()]


def nothing() -> None:
    """Do nothing before the apply."""


def _late(watch: Watch, copy: str, said: Said) -> float:
    known = watch.seen[copy].known
    return max(0.0, said.at - known) if known is not None else 0.0


def _print(rows: Sequence[Row]) -> None:
    cells = [("fault", "truth", "tool", "said", "right", "seconds after")]
    cells += [
        (
            row.fault.name,
            row.fault.truth,
            row.tool,
            row.said.text,
            "yes" if row.right else "-" if row.said.success is None else "NO",
            f"{row.late:.1f}" if row.said.success is not None else "-",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    say("")
    for line in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _judge(rows: Sequence[Row]) -> int:
    """Compare Longshore with each peer that was right; what differs by less than one look of the watch is the same.

    Not where nothing is wrong: Longshore then asks the health URL and writes its record, and is later for that.
    """
    problems = []
    for ours in (row for row in rows if row.tool == LONGSHORE):
        problems += [] if ours.right else [f"{ours.fault.name}: Longshore is wrong"]
        peers = [r for r in rows if r.fault is ours.fault and r.right and r.tool != LONGSHORE]
        quicker = [row for row in peers if row.late < ours.late - LOOK]
        for row in quicker if not ours.fault.holds else []:
            problems.append(f"{row.fault.name}: {row.tool} was {ours.late - row.late:.1f} s quicker")
    right = {tool: sum(row.right for row in rows if row.tool == tool) for tool in dict.fromkeys(r.tool for r in rows)}
    say(
        "\nRight of "
        + str(len({row.fault.name for row in rows}))
        + ": "
        + ", ".join(f"{t} {n}" for t, n in right.items())
    )
    for problem in problems:
        say(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
