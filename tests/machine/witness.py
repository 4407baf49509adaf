"""What must hold at every single write and call, whoever makes it: the witness sees all of them as they happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from longshore.config.contract import UNRELEASED
from tests.crash.world import said
from tests.machine.stack import name_of

if TYPE_CHECKING:
    from tests.machine.cloud import Call
    from tests.machine.world import Process, World

TAKES_OVER = ("resume", "abort", "rollback")
"""The commands that may take over a lock whose holder gives no sign of life."""

Item = Mapping[str, Any]


class Witness:
    """Sees everything.

    Attributes:
        violations: what did not hold, one sentence each.
        strayed: services that somebody else has deployed since a release moved them last, by environment and key.
        writers: who wrote a release's entry last.
        holders: the process of each owner's token.
        newest: the token of who held an environment last.
        looked: when a process had written down what a service runs, by the name of the process and the service's key.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.violations: list[str] = []
        self.strayed: set[tuple[str, str]] = set()
        self.writers: dict[str, Process] = {}
        self.holders: dict[str, Process] = {}
        self.newest: dict[str, str] = {}
        self.looked: dict[tuple[str, str], float] = {}
        self._freed: list[str] = []
        self._beaten: dict[str, float] = {}
        self._migrations: Counter[str] = Counter()
        self._moves: Counter[tuple[str, str]] = Counter()

    def complain(self, text: str) -> None:
        """Something does not hold."""
        self.violations.append(text)

    def lock(self, environment: str) -> dict[str, Any]:
        """The lock as it is; no owner where nobody holds it."""
        return self.world.table.items.get((f"lock#{environment}", "lock"), {"owner": "", "release": "", "fence": 0})

    def holds(self, process: Process) -> bool:
        """Whether it holds the environment that it changes."""
        owner = self.lock(process.environment)["owner"]
        return bool(owner) and owner == process.owner

    def lost(self, process: Process) -> bool:
        """Whether it held the environment, and somebody took it from it."""
        lock = self.lock(process.environment)
        return bool(process.owner) and (process.owner in self._freed or lock["owner"] not in ("", process.owner))

    def deployed_theirs(self, environment: str, key: str) -> None:
        """Somebody else has deployed a service."""
        self.strayed.add((environment, key))

    # Writes

    def wrote(self, process: Process, pk: str, before: Item | None, item: Item) -> None:
        """A write took effect."""
        kind, _, rest = pk.partition("#")
        process.wrote.append(kind)
        if kind == "lock":
            self._wrote_lock(process, rest, before or {"owner": "", "fence": 0}, item)
        elif not (self.holds(process) or process.command == "free" or _allowed(item)):
            self.complain(f"{process} wrote {said(pk, item)!r} without the lock")
        if kind == "release":
            self.writers[item["release"]] = process
            for key in item["services"]:
                self.looked.setdefault((process.name, key), self.world.now)
            self._keeps_the_way_back(process, before or {"services": {}}, item)

    def _keeps_the_way_back(self, process: Process, before: Item, item: Item) -> None:
        for key, service in before["services"].items():
            if item["services"].get(key, {}).get("before") != service["before"]:
                self.complain(f"{process} changed what {item['release']} says that {key} ran before")

    def _wrote_lock(self, process: Process, environment: str, before: Item, item: Item) -> None:
        was, owner = before["owner"], item["owner"]
        if owner and owner != was:
            process.owner = owner
            self.holders[owner] = process
            self.newest[environment] = owner
            if item["fence"] != before["fence"] + 1:
                self.complain(f"{process} took the lock with fencing token {item['fence']} after {before['fence']}")
        elif item["fence"] != before["fence"]:
            self.complain(f"{process} changed the fencing token of a lock")
        if was and was not in (owner, process.owner):
            self._taken_from(process, environment, before)
        self._beaten[environment] = self.world.now

    def _taken_from(self, process: Process, environment: str, before: Item) -> None:
        self._freed.append(before["owner"])
        if process.command not in (*TAKES_OVER, "free"):
            self.complain(f"{process} took the lock silently")
        elif before.get("ended"):
            if self.holders[before["owner"]].alive:
                self.complain(f"{process} took the lock of one that recorded its end, and lives")
        elif before["lease"] and self.world.now - self._beaten[environment] < before["lease"] - 1e-6:
            self.complain(f"{process} took the lock of one that lives")
        elif not before["lease"] and process.command != "free":
            self.complain(f"{process} took the lock that a person holds")

    # Calls

    def called(self, process: Process, call: Call) -> None:
        """A call is made."""
        if not self.holds(process):
            self.complain(f"{process} did {call} without the lock")
        if call.environment not in ("", process.environment):
            self.complain(f"{process} did {call} in another environment")
        release = self.lock(process.environment)["release"]
        entry = self.world.table.items.get(_key(release), {})
        match call.what:
            case "update":
                self._updates(process, call, entry)
            case "run":
                self._migrates(process, release)
            case "build":
                self._builds(process, call)
            case "point" if call.subject not in (entry.get("version"), entry.get("previous_version")):
                self.complain(f"{process} wrote the tag {call.subject}, which is not of {release}")
            case _:
                pass

    def _updates(self, process: Process, call: Call, entry: Item) -> None:
        revision, service = call.revision, entry.get("services", {}).get(call.subject)
        if revision is None or service is None:
            self.complain(f"{process} did {call} before it wrote down what runs")
            return
        before = service["before"]["task_definition"]
        primary = self.world.fleet.service(name_of(call.environment, call.subject)).primary
        looked = self.looked.get((process.name, call.subject), primary.created)
        if primary.theirs and primary.created > looked and process.command not in ("resume", "abort"):
            self.complain(f"{process} did {call} over {primary.id}, which somebody has deployed since it looked")
        if (revision.environment, revision.key) != (call.environment, call.subject):
            self.complain(f"{process} did {call}: another family")
        if revision.tag != entry["version"] and revision.arn != before:
            self.complain(f"{process} did {call}: neither of {entry['version']} nor what ran before, {before}")
        if revision.arn != before:
            self._moves[entry["release"], call.subject] += 1
            if self._moves[entry["release"], call.subject] > 1:
                self.complain(f"{process} did {call}, which {entry['release']} had done before")
        if call.count is not None and entry["previous_version"] != UNRELEASED:
            self.complain(f"{process} did {call} and sent a count")
        self.strayed.discard((call.environment, call.subject))

    def _migrates(self, process: Process, release: str) -> None:
        self._migrations[release] += 1
        if self._migrations[release] > 1:
            self.complain(f"{process} started migration number {self._migrations[release]} of {release}")

    def _builds(self, process: Process, call: Call) -> None:
        if any(made.what == "build" and made.subject == call.subject for made in process.calls):
            self.complain(f"{process} built {call.subject} twice")
        if call.subject in self.world.registry.tags:
            self.complain(f"{process} built {call.subject}, which is in the registry")


def _allowed(item: Item) -> bool:
    """What it had done while it held the lock may still be written down, after it was lost."""
    return item.get("kind") == "outcome"


def _key(release: str) -> tuple[str, str]:
    environment, _, number = release.rpartition("-")
    return f"release#{environment}", number.rjust(10, "0")
