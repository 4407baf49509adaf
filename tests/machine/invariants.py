"""What must hold after every command, for both environments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from longshore.errors import LongshoreError
from longshore.ledger.lock import Lock
from longshore.result import ReleaseResult
from longshore.verdict import Cause, Verdict
from tests.machine.stack import KEYS, NIGHTLY, name_of, parameter_of
from tests.machine.world import ENVIRONMENTS, Process, World

_MISTAKE = re.compile(r"\b\w+Error: ")
"""How a mistake in Longshore, or in the fakes of this world, is told: never what AWS, or the package itself, said."""
_STANDS_BEFORE = (Verdict.FAILED, Verdict.ROLLED_BACK, Verdict.INTERRUPTED, Verdict.SUPERSEDED, Verdict.WAITING)
"""After these every service runs what it ran before, but for those that are somebody else's."""


def violations(world: World, ran: Sequence[Process]) -> Iterator[str]:
    """What does not hold, one sentence each.

    Args:
        world: as it is now.
        ran: the processes that have run since it was looked at last, in the order in which they ended.
    """
    yield from world.witness.violations
    for name in ENVIRONMENTS:
        yield from _of_the_lock(world, name)
        yield from _of_the_record(world, name)
    yield from _of_the_versions(world)
    for process in ran:
        yield from _of_a_refusal(process)
    for name in ENVIRONMENTS:
        settled = [process for process in ran if process.environment == name and _says_what_runs(world, process)]
        for process in settled[-1:]:
            assert isinstance(process.found, ReleaseResult)
            yield from _of_the_verdict(world, process, process.found)


def entries(world: World, environment: str) -> list[ReleaseResult]:
    """All entries of an environment, oldest first."""
    keys = sorted(key for key in world.table.items if key[0] == f"release#{environment}")
    return [ReleaseResult.model_validate(world.table.items[key]) for key in keys]


def _says_what_runs(world: World, process: Process) -> bool:
    """Whether it has ended, and nobody has held the environment since.

    An approval that is void says nothing: another release was in between.
    """
    last = world.witness.newest.get(process.environment) == process.owner
    void = process.command == "approve" and not process.calls
    return isinstance(process.found, ReleaseResult) and "release" in process.wrote and last and not void


def _of_a_refusal(process: Process) -> Iterator[str]:
    if not isinstance(process.found, LongshoreError):
        return
    if process.calls:
        yield f"{process} refused ({process.found}), but did {', '.join(map(str, process.calls))}"
    if "release" in process.wrote:
        yield f"{process} refused ({process.found}), but wrote an entry"


def _of_the_lock(world: World, environment: str) -> Iterator[str]:
    item = world.witness.lock(environment)
    if not item["owner"]:
        return
    lock = Lock.model_validate(item)
    holder = world.witness.holders.get(lock.owner)
    if holder is None or not (lock.actor.user and lock.purpose):
        yield f"{environment} is held by nobody that it lists: {lock}"
    elif not (holder.alive or holder.died or holder.left or lock.why or holder.command == "take"):
        yield f"{holder} has ended, but holds {environment}: {lock}"
    if lock.release and lock.release not in world.witness.writers:
        yield f"the lock of {environment} names {lock.release}, which has no entry"


def _of_the_record(world: World, environment: str) -> Iterator[str]:
    found = entries(world, environment)
    if [entry.sequence for entry in found] != list(range(1, len(found) + 1)):
        yield f"the entries of {environment} are not numbered one by one"
    for entry in found:
        writer = world.witness.writers[entry.release]
        abandoned = writer.alive or writer.died or writer.left or world.witness.lost(writer)
        if entry.verdict is Verdict.RUNNING and not abandoned:
            yield f"{entry.release} is running, but {writer} has ended"
        if entry.verdict is Verdict.RUNNING and not world.witness.lock(environment)["owner"]:
            # By the fencing token: what waited for approval may run after a release of a higher number.
            later = [other for other in found if other.fence > entry.fence]
            if any(other.verdict is not Verdict.RUNNING for other in later):
                yield f"{entry.release} is running for ever: {later[-1].release} came later"
        if entry.verdict not in (Verdict.RUNNING, Verdict.SUCCEEDED) and not entry.message:
            yield f"{entry.release} is {entry.verdict} and does not say why"
        numbers = sorted(key[1] for key in world.table.items if key[0] == f"event#{entry.release}")
        if numbers != [f"{number:06d}" for number in range(1, len(numbers) + 1)]:
            yield f"the events of {entry.release} are not numbered one by one: {numbers}"


def _of_the_versions(world: World) -> Iterator[str]:
    pushed = [call.subject for process in world.processes for call in process.calls if call.what == "push"]
    everything = [entry for name in ENVIRONMENTS for entry in entries(world, name)]
    issued = [entry for entry in everything if entry.kind == "release" and entry.version and not entry.promoted_from]
    versions = [entry.version for entry in issued]
    if len(versions) != len(set(versions)) or len(pushed) != len(set(pushed)):
        yield f"a version was issued twice: {versions}, or pushed: {pushed}"
    for entry in everything:
        yield from _of_the_images(world, entry)


def _of_the_images(world: World, entry: ReleaseResult) -> Iterator[str]:
    registry = world.registry
    for image in entry.images.values():
        if registry.tags.get(image.tag) != image.digest:
            yield f"{entry.release} has {image.digest}, which is not {image.tag}"
        if registry.commits[image.digest] != entry.commit:
            yield f"{entry.release} is of {entry.commit}, its image of {registry.commits[image.digest]}"


def _of_the_verdict(world: World, process: Process, found: ReleaseResult) -> Iterator[str]:
    written = next(entry for entry in entries(world, process.environment) if entry.release == found.release)
    if (written.verdict, written.cause) != (found.verdict, found.cause):
        yield f"{process} ended {found.verdict} ({found.cause}), but {written.verdict} ({written.cause}) is recorded"
    _ = found.exit_code
    yield from (f"{found.release}: {text}" for text in (found.message, *found.warnings) if _MISTAKE.search(text))
    aside = bool(found.signal) and found.message.startswith("aborted immediately")
    if found.verdict is Verdict.SUCCEEDED:
        yield from _of_success(world, found)
    elif found.verdict in _STANDS_BEFORE and not aside:
        yield from _of_the_way_back(world, found)
        if any(call.what == "register" for call in process.calls):
            yield from _of_terraform(world, found, found.previous_version)
    else:
        yield from _of_the_unknown(world, found)
    if found.verdict is Verdict.WAITING and any(call.what not in {"push", "build"} for call in process.calls):
        yield f"{found.release} waits for approval, but did {process.calls}"


def _of_success(world: World, found: ReleaseResult) -> Iterator[str]:
    name = found.environment
    for key, service in found.services.items():
        wanted = service.after
        if wanted is None:
            yield f"{found.release} succeeded, but says not what {key} runs"
        elif (name, key) not in world.witness.strayed:
            yield from _runs(world, found, key, wanted.task_definition)
            digests = {task.containers[0].digest for task in world.fleet.tasks(name_of(name, key))}
            if digests != {found.images["app"].digest} and wanted.count:
                yield f"{found.release} succeeded, but {key} runs {digests}"
    if name_of(name, NIGHTLY) not in world.rules_on:
        yield f"{found.release} succeeded, but nothing starts {NIGHTLY}"
    if found.cause is not Cause.RECORD:
        yield from _of_terraform(world, found, found.version)


def _of_the_way_back(world: World, found: ReleaseResult) -> Iterator[str]:
    for schedule in found.schedules.values():
        if schedule.switched_on and schedule.rule in world.rules_on:
            yield f"{found.release} is {found.verdict}, but {schedule.rule}, which it has switched on, is on"
    for key, service in found.services.items():
        if service.outcome != "superseded" and (found.environment, key) not in world.witness.strayed:
            yield from _runs(world, found, key, service.before.task_definition, settled=service.outcome == "moved back")
            desired = world.fleet.service(name_of(found.environment, key)).desired
            if desired != service.before.count:
                yield f"{found.release} is {found.verdict}, but {key} has count {desired}, not {service.before.count}"


def _of_the_unknown(world: World, found: ReleaseResult) -> Iterator[str]:
    """A service may be wherever the record names, and where ECS itself went back to."""
    for key, service in found.services.items():
        primary = world.fleet.service(name_of(found.environment, key)).primary
        revision = primary.revision
        named = {service.before.task_definition, service.after.task_definition if service.after else ""}
        strayed = (found.environment, key) in world.witness.strayed
        if revision.arn not in named and revision.tag != found.version and not (strayed or primary.by_ecs):
            yield f"{found.release} is {found.verdict}, and {key} is on {revision.arn}, which it does not name"


def _runs(world: World, found: ReleaseResult, key: str, arn: str, *, settled: bool = True) -> Iterator[str]:
    service = world.fleet.service(name_of(found.environment, key))
    running = service.primary
    if running.revision.arn != arn:
        yield (
            f"{found.release} is {found.verdict}, but {key} runs {running.revision.arn} ({running.revision.tag}),"
            f" not {arn} ({world.fleet.revisions[arn].tag})"
        )
    elif settled and running.state != "COMPLETED" and service.desired:
        yield f"{found.release} is {found.verdict}, but {key} is {running.state}"


def _of_terraform(world: World, found: ReleaseResult, tag: str) -> Iterator[str]:
    name = found.environment
    parameter = world.parameters[parameter_of(name)]
    if parameter != tag:
        yield f"{found.release} is {found.verdict}, but the parameter says {parameter}, not {tag}"
    pending = [key for key in KEYS if world.states[name].revisions[key].tag != parameter]
    if pending and not any("Terraform pending" in text for text in found.warnings):
        yield f"{found.release} is {found.verdict}, but a plan without a tag would register {', '.join(pending)}"
