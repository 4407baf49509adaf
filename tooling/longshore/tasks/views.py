"""Views of results: text for people, or one JSON document for programs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from longshore.commands.continue_deployment import Continued
from longshore.commands.drift import Drift
from longshore.commands.dry_run import Forecast
from longshore.commands.status import Status
from longshore.errors import LongshoreError, UsageError
from longshore.ledger.lock import Lock
from longshore.ledger.releases import Entry, Ledger, NewerRecord
from longshore.result import ImageResult, ReleaseResult, ServiceResult
from longshore.terminal.console import Console
from longshore.verdict import Verdict

_LONGEST_EXPORT = 1000
"""Characters of a message that a build exports."""


def result(console: Console, release: ReleaseResult, *, as_json: bool) -> None:
    """The end of a run: its message unless it succeeded, then one line or document."""
    if release.verdict is Verdict.WAITING:
        console.say(release.message)
        console.hint(release.hint)
    elif release.verdict is not Verdict.SUCCEEDED:
        console.error(LongshoreError(release.message, release.hint))
    if as_json:
        console.document(release.masked(console.masks).document())
    else:
        console.result(_summary(release))


def _summary(release: ReleaseResult) -> str:
    """A line such as ``staging-000012: v1.0.3 succeeded in staging after 61 s``."""
    subject = release.version or release.kind
    if not release.judges_version:
        subject = f"{release.kind} of {subject}"
    verdict = release.verdict.value.replace("_", " ")
    return f"{release.release}: {subject} {verdict} in {release.environment} after {release.seconds or 0:.0f} s"


def forecast(console: Console, foreseen: Forecast, *, as_json: bool) -> None:
    """Why a release would be refused, and the end of its dry run."""
    for error in foreseen.refusals:
        console.warn(f"the release would be refused: {error.message}")
        if error.hint:
            console.hint(error.hint)
    if as_json:
        console.document(foreseen.masked(console.masks))
        return
    entry = foreseen.entry
    would = "would be refused" if foreseen.refusals else "could begin"
    console.result(f"dry run: the release of {entry.version} to {entry.environment} {would}; nothing was changed")


def history(console: Console, entries: Sequence[Entry], *, as_json: bool) -> None:
    """A table of releases, in the order given."""
    if as_json:
        console.document([_masked(console, entry).document() for entry in entries])
        return
    console.table([_row(entry) for entry in entries], "No releases yet.")
    for entry in entries:
        if isinstance(entry, NewerRecord):
            console.warn(f"{entry.error.message}. {entry.error.hint}")


def _masked(console: Console, entry: Entry) -> Entry:
    """An entry as it would be recorded today: an earlier version of Longshore has masked less."""
    return entry if isinstance(entry, NewerRecord) else entry.masked(console.masks)


def _row(entry: Entry) -> dict[str, str]:
    if isinstance(entry, NewerRecord):
        known = {name: str(entry.item.get(name) or "-") for name in ("version", "kind", "commit", "started", "verdict")}
        return {
            "release": entry.release,
            "version": known["version"],
            "kind": known["kind"],
            "commit": known["commit"][:12],
            "who": "-",
            "started": known["started"][:19].replace("T", " "),
            "took": "-",
            "outcome": f"{known['verdict']} (newer Longshore)",
        }
    return {
        "release": entry.release,
        "version": entry.version or "-",
        "kind": _kind(entry),
        "commit": (entry.commit or "-")[:12] + ("+" if entry.dirty else ""),
        "who": entry.actor.user,
        "started": f"{entry.started:%Y-%m-%d %H:%M:%S}",
        "took": f"{entry.seconds:.0f} s" if entry.seconds is not None else "-",
        "outcome": entry.verdict.value + (f" ({entry.cause.value})" if entry.cause else ""),
    }


def status(console: Console, environment: Status, *, as_json: bool) -> None:
    """The services of an environment, and the versions released and registered."""
    if as_json:
        console.document(environment.document())
        return
    console.result(f"{environment.application} in {environment.environment}")
    console.result(f"released:   {environment.released}{f' ({environment.release})' if environment.release else ''}")
    console.result(f"registered: {environment.registered}")
    rows = [
        {
            "service": service.name,
            "version": service.version,
            "revision": service.revision,
            "running": f"{service.running}/{service.desired}",
            "state": service.deployment,
            "since": service.since[:19],
            "digest": (service.digest or "-")[:19],
            "url": service.url or "-",
        }
        for service in environment.services
    ]
    console.table(rows, "No services.")
    for service in environment.services:
        if service.waits:
            console.result(f"{service.name} {service.waits}. Answer: invoke continue --service {service.key}")
        if service.registered_differs:
            console.result(f"{service.name}: configuration registered ({service.registered}), not running:")
            for line in service.registered_differs:
                console.result(line, "  ")


def continued(console: Console, answers: Continued, *, as_json: bool) -> None:
    """The answers to pause hooks, and your next step."""
    if as_json:
        console.document(answers.document())
        return
    for answer in answers.answers:
        console.result(str(answer))
    console.say(answers.next_step)


def drift(console: Console, differences: Drift, *, as_json: bool) -> None:
    """The differences between an environment and its last release."""
    if as_json:
        console.document(differences.document())
        return
    sections = {
        "Terraform would change": differences.terraform,
        "running, but not released here": differences.running,
        "registered, but not running": differences.content,
    }
    for title, lines in sections.items():
        if lines:
            console.result(f"{title}:")
        for line in lines:
            console.result(line, "  ")
    if not differences:
        released = differences.released or "nothing yet"
        console.result(f"{differences.application} in {differences.environment}: no drift (released: {released})")


def lock(console: Console, environment: str, held: Lock | None, *, as_json: bool) -> None:
    """The holder of an environment's lock."""
    if as_json:
        console.document({"id": held.id, **held.model_dump(mode="json")} if held else None)
    else:
        console.result(f"{environment} is {held or 'free'}")


def images(console: Console, results: Mapping[str, ImageResult]) -> None:
    """A line for each image that was built or pushed."""
    for image in results.values():
        console.result(f"{image.repository} {image.tag} {image.digest}")


def exports(console: Console, file: Path) -> None:
    """The outcome of a release as shell variables, read from its JSON; prints nothing if there is none."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        exit_code = int(document["exit_code"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    message = " ".join(str(document.get("message") or "").split())
    variables = {
        "LONGSHORE_RELEASE": document.get("release"),
        "LONGSHORE_EXIT_CODE": exit_code,
        "LONGSHORE_MESSAGE": message[:_LONGEST_EXPORT],
    }
    for name, value in variables.items():
        if value not in (None, ""):
            console.result(f"export {name}={shlex.quote(str(value))}")


def show_release(console: Console, ledger: Ledger, name: str, *, as_json: bool) -> None:
    """Everything recorded about a release: its entry, and its events in their order.

    Raises:
        UsageError: there is no such release.
    """
    release = ledger.look_up(name)
    if release is None:
        raise UsageError(f"there is no release {name!r}", "See: invoke history")
    if isinstance(release, NewerRecord):
        _show_newer(console, release, as_json=as_json)
        return
    release = release.masked(console.masks)
    events, answers = list(ledger.events(name).read()), ledger.answers(name).read()
    if as_json:
        told = [str(answer) for answer in answers] or release.answers
        rows = [event.model_dump(mode="json") for event in events]
        console.document({**release.document(), "answers": told, "events": rows})
        return
    for title, text in _facts(release):
        if text:
            console.result(text, f"{title + ':':<16} ")
    _list(console, "changes", release.changes)
    _list(console, "images", [f"{i.repository}:{i.tag} {i.digest}" for i in release.images.values()])
    _list(console, "services", [_service(key, service) for key, service in release.services.items()])
    _list(console, "steps", [f"{s.name}: {s.seconds or 0:.1f} s" for s in release.steps])
    _list(console, "warnings", release.warnings)
    _list(console, "answers", [str(answer) for answer in answers] or release.answers)
    _list(console, "events", [f"{e.number} {e.at:%H:%M:%S} {e.kind} {e.what} {e.detail}".rstrip() for e in events])
    for failure in release.failures:
        console.failure(failure)


def _show_newer(console: Console, record: NewerRecord, *, as_json: bool) -> None:
    """Everything that a newer Longshore recorded, by its own names."""
    console.warn(f"{record.error.message}. {record.error.hint}")
    if as_json:
        console.document(record.document())
        return
    for name, value in record.item.items():
        console.result(f"{name + ':':<16} {value if isinstance(value, str) else json.dumps(value)}")


def _facts(release: ReleaseResult) -> list[tuple[str, str]]:
    actor, migration = release.actor, release.migration
    return [
        ("release", f"{release.release} ({_kind(release)})"),
        ("version", f"{release.version or '-'} after {release.previous_version}"),
        ("outcome", f"{release.verdict.value} ({release.cause.value})" if release.cause else release.verdict.value),
        ("why", release.message),
        ("hint", release.hint),
        ("commit", f"{release.commit or '-'} {release.subject or ''}".rstrip()),
        ("author", release.author or ""),
        ("who", f"{actor.user} on {actor.host} ({actor.arn}) {actor.ci_url or ''}".rstrip()),
        ("build", ", started by ".join(filter(None, (actor.build, actor.initiator)))),
        ("started", f"{release.started:%Y-%m-%d %H:%M:%S} UTC, took {release.seconds or 0:.0f} s"),
        ("resumed", f"{release.resumed} times" if release.resumed else ""),
        ("promoted from", release.promoted_from or ""),
        ("options", ", ".join(f"{name}={_option(value)}" for name, value in release.options.items())),
        ("variable files", release.variables_digest),
        ("plan", release.fingerprint),
        ("migration", f"{migration.task_definition} exit code {migration.exit_code}" if migration else ""),
    ]


def _kind(release: ReleaseResult) -> str:
    """The kind of a run; marks a release that left the infrastructure untouched."""
    return f"{release.kind} (--only-release)" if release.options.get("only_release") else release.kind


def _option(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _service(key: str, service: ServiceResult) -> str:
    after = service.after.task_definition if service.after else "-"
    return f"{key} (wave {service.wave}): {service.before.task_definition} → {after}: {service.outcome}"


def _list(console: Console, title: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines):
        console.result(line, f"{title + ':' if not number else '':<16} ")
