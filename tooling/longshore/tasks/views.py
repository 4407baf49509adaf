"""How results read: one text for people, one JSON document for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from longshore.commands.drift import Drift
from longshore.commands.status import Status
from longshore.console import Console
from longshore.errors import LongshoreError, UsageError
from longshore.ledger.lock import Lock
from longshore.ledger.releases import Ledger
from longshore.result import STAYING, ImageResult, ReleaseResult, ServiceResult, Verdict

_LONGEST_EXPORT = 1000
"""Characters of a message that a build exports."""


def result(console: Console, outcome: ReleaseResult, *, as_json: bool) -> None:
    """The end of a release or roll-back."""
    if outcome.verdict is Verdict.WAITING:
        console.say(outcome.message)
        console.say(f"  → {outcome.hint}")
    elif outcome.verdict is not Verdict.SUCCEEDED:
        console.error(LongshoreError(outcome.message, outcome.hint))
    named = outcome.version or outcome.kind
    what = f"{outcome.kind} of {named}" if outcome.kind in ("apply", *STAYING) else named
    what = f"{outcome.release}: {what} {outcome.verdict.value.replace('_', ' ')}"
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
            "kind": _kind(release),
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


def drift(console: Console, found: Drift, *, as_json: bool) -> None:
    """What is not as it was released."""
    if as_json:
        console.document(found.document())
        return
    sections = {
        "Terraform would change": found.terraform,
        "runs, and was not released here": found.running,
        "registered, and does not run": found.content,
    }
    for title, lines in sections.items():
        for number, line in enumerate(lines):
            console.result(f"{title}:\n  {line}" if not number else f"  {line}")
    if not found:
        console.result(
            f"{found.application} in {found.environment} is as it was released: {found.released or 'not yet'}"
        )


def lock(console: Console, environment: str, held: Lock | None, *, as_json: bool) -> None:
    """Who holds an environment."""
    if as_json:
        console.document({"id": held.id, **held.model_dump(mode="json")} if held else None)
    else:
        console.result(f"{environment} is {held or 'free'}")


def images(console: Console, made: Mapping[str, ImageResult]) -> None:
    """A line for each image."""
    for image in made.values():
        console.result(f"{image.repository} {image.tag} {image.digest}")


def exports(console: Console, file: Path) -> None:
    """What a release said in JSON, as variables for a shell; nothing where it said nothing."""
    try:
        document = json.loads(file.read_text())
        exit_code = int(document["exit_code"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    message = " ".join(str(document.get("message") or "").split())
    found = {
        "LONGSHORE_RELEASE": document.get("release"),
        "LONGSHORE_EXIT_CODE": exit_code,
        "LONGSHORE_MESSAGE": message[:_LONGEST_EXPORT],
    }
    for name, value in found.items():
        if value not in (None, ""):
            console.result(f"export {name}={shlex.quote(str(value))}")


def show_release(console: Console, ledger: Ledger, release: str, *, as_json: bool) -> None:
    """All that is known of a release: its entry, and its events in their order.

    Raises:
        UsageError: there is no such release.
    """
    found = ledger.find(release)
    if found is None:
        raise UsageError(f"there is no release {release!r}", "See: invoke history")
    events = list(ledger.events(release).read())
    if as_json:
        console.document({**found.document(), "events": [event.model_dump(mode="json") for event in events]})
        return
    for name, text in _facts(found):
        if text:
            console.result(f"{name + ':':<16} {text}")
    _listed(console, "changes", found.changes)
    _listed(console, "images", [f"{i.repository}:{i.tag} {i.digest}" for i in found.images.values()])
    _listed(console, "services", [_service(key, service) for key, service in found.services.items()])
    _listed(console, "steps", [f"{s.name}: {s.seconds or 0:.1f} s" for s in found.steps])
    _listed(console, "warnings", found.warnings)
    _listed(console, "events", [f"{e.number} {e.at:%H:%M:%S} {e.kind} {e.what} {e.detail}".rstrip() for e in events])
    for failure in found.failures:
        console.failure(failure)


def _facts(found: ReleaseResult) -> list[tuple[str, str]]:
    actor, migration = found.actor, found.migration
    return [
        ("release", f"{found.release} ({_kind(found)})"),
        ("version", f"{found.version or '-'} after {found.previous_version}"),
        ("outcome", f"{found.verdict.value} ({found.cause.value})" if found.cause else found.verdict.value),
        ("why", found.message),
        ("hint", found.hint),
        ("commit", f"{found.commit or '-'} {found.subject or ''}".rstrip()),
        ("author", found.author or ""),
        ("who", f"{actor.user} on {actor.host} ({actor.arn}) {actor.ci_url or ''}".rstrip()),
        ("build", ", started by ".join(filter(None, (actor.build, actor.initiator)))),
        ("started", f"{found.started:%Y-%m-%d %H:%M:%S} UTC, took {found.seconds or 0:.0f} s"),
        ("resumed", f"{found.resumed} times" if found.resumed else ""),
        ("promoted from", found.promoted_from or ""),
        ("options", ", ".join(f"{name}={_option(value)}" for name, value in found.options.items())),
        ("variable files", found.variables_digest),
        ("plan", found.fingerprint),
        ("migration", f"{migration.task_definition} exit code {migration.exit_code}" if migration else ""),
    ]


def _kind(found: ReleaseResult) -> str:
    """What it was; a release that left the infrastructure alone is said to be one."""
    return f"{found.kind} (--only-release)" if found.options.get("only_release") else found.kind


def _option(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _service(key: str, service: ServiceResult) -> str:
    after = service.after.task_definition if service.after else "-"
    return f"{key} (wave {service.wave}): {service.before.task_definition} → {after}: {service.outcome}"


def _listed(console: Console, title: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines):
        console.result(f"{title + ':' if not number else '':<16} {line}")
