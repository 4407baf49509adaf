"""How results read: one text for people, one JSON document for programs."""

from __future__ import annotations

from collections.abc import Sequence

from longshore.console import Console
from longshore.errors import LongshoreError
from longshore.result import ReleaseResult, Verdict
from longshore.status import Status


def result(console: Console, outcome: ReleaseResult, *, as_json: bool) -> None:
    """The end of a release or roll-back."""
    if outcome.verdict is not Verdict.SUCCEEDED:
        console.error(LongshoreError(outcome.message, outcome.hint))
    what = f"{outcome.release}: {outcome.version or outcome.kind} {outcome.verdict.value.replace('_', ' ')}"
    if as_json:
        console.document(outcome.masked(console.masks).document())
    else:
        console.result(f"{what} in {outcome.environment} after {outcome.seconds or 0:.0f} s")


def history(console: Console, releases: Sequence[ReleaseResult], *, as_json: bool) -> None:
    """The releases, newest first."""
    if as_json:
        console.document([release.document() for release in releases])
        return
    rows = [
        {
            "release": release.release,
            "version": release.version or "-",
            "kind": release.kind,
            "commit": (release.commit or "-")[:12] + ("+" if release.dirty else ""),
            "who": release.actor.user,
            "started": f"{release.started:%Y-%m-%d %H:%M:%S}",
            "took": f"{release.seconds:.0f} s" if release.seconds is not None else "-",
            "outcome": release.verdict.value + (f" ({release.cause.value})" if release.cause else ""),
        }
        for release in releases
    ]
    console.table(rows, "No releases yet.")


def status(console: Console, found: Status, *, as_json: bool) -> None:
    """One environment."""
    if as_json:
        console.document(found.document())
        return
    console.result(f"{found.application} in {found.environment}")
    console.result(f"released last:   {found.released}{f' ({found.release})' if found.release else ''}")
    console.result(f"registered last: {found.registered}")
    rows = [
        {
            "service": row.name,
            "version": row.version,
            "revision": row.revision,
            "running": f"{row.running}/{row.desired}",
            "state": row.deployment,
            "since": row.since[:19],
            "digest": (row.digest or "-")[:19],
            "url": row.url or "-",
        }
        for row in found.services
    ]
    console.table(rows, "No services.")
    for row in found.services:
        if row.registered_differs:
            console.result(f"{row.name}: configuration registered ({row.registered}), not running:")
            for line in row.registered_differs:
                console.result(f"  {line}")
