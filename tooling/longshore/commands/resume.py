"""Goes on with a release that another process has begun: one that died, or one that waits for approval."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from longshore.commands import apply, restart, scale
from longshore.commands.release import release, run_steps
from longshore.commands.remote_release import release_remotely
from longshore.commands.rollback import rollback_to
from longshore.environment.environment import Environment
from longshore.errors import AbortError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.lock import Lock
from longshore.result import Actor, Cause, ReleaseResult, Verdict
from longshore.run import autoscaling, checks, consistency, snapshot, undo, waves
from longshore.run.options import ReleaseOptions, resumed_options
from longshore.run.run import Run, RunRequest, running

_OPEN = (Verdict.RUNNING, Verdict.UNKNOWN, Verdict.INTERRUPTED, Verdict.ROLLBACK_FAILED)


def begin_or_go_on(env: Environment, order: ReleaseOptions) -> ReleaseResult:
    """What `invoke release` does, by its options: a new release, or one that another process has begun.

    Raises:
        LongshoreError: it could not begin: nothing was touched.
    """
    if order.remote:
        return release_remotely(env, order)
    if order.resume:
        return resume(env, yes=order.yes, abort=order.abort)
    if order.continued:
        return continue_(env, order.continued, wait=order.wait)
    return release(env, order)


def resume(env: Environment, *, yes: bool, abort: bool = False) -> ReleaseResult:
    """Goes on with the newest release whose process has died; its lock is taken over once its lease has run out.

    What the dead process was about to do, and whether it took effect, is looked up: nothing is done twice.

    Args:
        env: the environment.
        yes: ask nothing.
        abort: go back instead of on.

    Raises:
        LongshoreError: there is nothing to go on with, or its process lives: nothing was touched.
    """
    actor = checks.reach(env)
    dead = checks.dead_lock(env)
    found = _left_behind(env, dead, actor)
    if not _is_open(found, dead):
        _give_back(env, dead, actor)
        return found
    order = resumed_options(found.options, yes=yes)
    if found.kind == "rollback":
        return rollback_to(env, found.version or None, actor=actor, yes=yes, dead=dead)
    opening = RunRequest(found.kind, actor, checks.contract, options=found.options, dead=dead, again=found)
    if found.keeps_revisions:
        return _start_anew(env, found, opening, yes=yes, abort=abort)
    if found.verdict is Verdict.SUCCEEDED and not abort:
        return _complete(env, found, opening)
    back = abort or found.going_back
    cause, message = (found.cause, found.message) if found.going_back else (Cause.INTERRUPT, "")
    builds_nothing = back or found.kind == "apply"
    start = checks.Start(actor, None) if builds_nothing else checks.again(env, actor, found)
    with running(env, replace(opening, source=start.source)) as run:
        if back:
            with env.interrupts.held():
                _look(run)
            _go_back(run, cause, message or f"aborted by {actor.user}")
        with undo.undone_on_failure(run):  # what the dead process has moved goes back, whatever fails first
            _look(run)
            if found.kind == "apply":
                apply.run_steps(run, order)
            else:
                run_steps(run, order, start)
    return run.result


def _start_anew(
    env: Environment, found: ReleaseResult, opening: RunRequest, *, yes: bool, abort: bool
) -> ReleaseResult:
    """Goes on with what leaves every service on its revision: there is nothing that could be taken back."""
    with running(env, opening) as run:
        _look(run)
        if abort:
            raise AbortError(
                f"aborted by {opening.actor.user}",
                "No revision had changed; counts and restarted tasks stay as they are.",
            )
        if found.kind == "scale":
            counts = scale.counts_of(_words(found, "counts"))
            scale.run_steps(run, counts, force=bool(found.options.get("force")), yes=yes)
        else:
            restart.run_steps(run, _words(found, "services"), yes=yes)
    return run.result


def _complete(env: Environment, found: ReleaseResult, opening: RunRequest) -> ReleaseResult:
    """Completes the record of what stands: it was verified, so nothing is planned, moved or taken back for it."""
    with running(env, opening) as run:
        run.result.verdict, run.result.cause = found.verdict, found.cause  # whatever comes now, it stands
        try:
            _look(run)
            _refuse_other(run)
        except LongshoreError as error:
            run.warn(f"the record was not completed: {error.message}. {error.hint}")
            return run.result
        run.result.cause = None
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run)
            if found.kind == "release":
                waves.write_tag(run)
    return run.result


def _refuse_other(run: Run) -> None:
    """Refuses to write down as released what does not run any more.

    Raises:
        NotReadyError: names what runs, or is registered, in its place.
    """
    contract, result = run.contract, run.result
    known = {key: one for key, one in contract.services.items() if key in result.services}
    found = run.env.aws.ecs.services(contract.cluster, [one.name for one in known.values()])
    services = {key: snapshot.as_it_is(one, found[one.name]) for key, one in known.items()}
    schedules = snapshot.schedules_now(run.env, contract, result.schedules)
    said = list(consistency.strayed(services, schedules, result))
    if contract.image_tag != result.version:
        said.append(f"registered last is {contract.image_tag}, not {result.version}")
    if said:
        raise NotReadyError("; ".join(said), "Go back with: invoke rollback. Or release anew.")


def _words(found: ReleaseResult, option: str) -> list[str]:
    given = found.options.get(option)
    return given if isinstance(given, list) else []


def continue_(env: Environment, waiting: str, *, wait: float = 0.0) -> ReleaseResult:
    """Goes on with a release that waits for approval; that it is called is the approval.

    Args:
        env: the environment.
        waiting: its id.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: it does not wait, or is locked out: nothing was touched.
    """
    actor = checks.reach(env, planning=True)
    if not wait:
        checks.refuse_locked(env)
    found = env.ledger.find(waiting)
    if found is None:
        raise UsageError(f"there is no release {waiting!r} in {env.target.environment}", "See: invoke history")
    if found.verdict is not Verdict.WAITING:
        raise UsageError(f"{waiting} does not wait for approval: it is {found.verdict}", f"See: invoke show {waiting}")
    order = resumed_options(found.options, yes=True)
    start = checks.again(env, actor, found)
    opening = RunRequest("release", actor, checks.contract, options=found.options, wait=wait, again=found)
    with running(env, opening) as run:
        with run.step("look"):
            _refuse_overtaken(run)
            run.result.approved = run.result.fingerprint
        run_steps(run, order, start)
    return run.result


def _left_behind(env: Environment, dead: Lock | None, actor: Actor) -> ReleaseResult:
    """The release whose lock was left, or the newest, which must be one to go on with."""
    recent = list(islice(env.ledger.releases(page=20), 20))
    # An approved release is not the newest where another one has failed while it waited.
    named = env.ledger.find(dead.release) if dead and dead.release else None
    left = (r for r in recent if r.left_behind)
    ended = (r for r in recent if r.verdict is not Verdict.WAITING)
    newest = named or next(left, None) or next(ended, None)
    if dead and (newest is None or (newest.ended and dead.release != newest.release)):
        _give_back(env, dead, actor)
        raise NotReadyError(
            f"the process that held {env.target.environment} died before its release began; the lock is free again",
            "Order it again, as it was ordered.",
        )
    if newest is None:
        raise UsageError("nothing was released yet that one could go on with", "Release: invoke release")
    if not dead and not _is_open(newest, dead):
        raise UsageError(f"{newest.release} has ended: {newest.verdict}", "There is nothing to go on with.")
    return newest


def _is_open(found: ReleaseResult, dead: Lock | None) -> bool:
    if found.verdict is Verdict.SUCCEEDED:
        return found.cause is Cause.RECORD
    if found.ended is None:
        return True  # its process died, whatever it had written down by then
    # What was said and given back is over; a kept lock says that it is not.
    return found.verdict in (_OPEN if dead else (Verdict.RUNNING, Verdict.UNKNOWN))


def _give_back(env: Environment, dead: Lock | None, actor: Actor) -> None:
    if dead:
        with env.ledger.locks.taken_over(dead, f"{actor.user}-frees-{dead.id}", actor, "frees what was left"):
            pass
        env.console.say(f"{dead.release or dead.purpose} had ended but for its lock, which is free now")


def _look(run: Run) -> None:
    """Shows what the dead process was about to do, and what is there now."""
    with run.step("look"):
        say = run.env.console.detail
        for intent in run.events.open_intents():
            say(f"{intent.what} {intent.detail}: nobody wrote down how it ended; it is looked up")
        say(f"registered last is {run.contract.image_tag}; {run.result.previous_version} was released before")
        known = run.contract.services
        names = {service.name: key for key, service in run.result.services.items() if key in known}
        if names:
            for name, service in run.env.aws.ecs.services(run.contract.cluster, list(names)).items():
                state = service.primary.rollout_state if service.primary else "no deployment"
                outcome = run.result.services[names[name]].outcome
                towards = service.task_definition.rpartition("/")[2]
                say(f"{name} works towards {towards} ({state}); written down: {outcome}")


def _go_back(run: Run, cause: Cause | None, message: str) -> None:
    error = AbortError(message, "What had moved went back.")
    with run.env.interrupts.held():
        undo.go_back(run, error)
    if run.result.verdict is Verdict.RUNNING:
        run.fail(Verdict.FAILED, error)
    run.result.cause = cause
    raise error


def _refuse_overtaken(run: Run) -> None:
    """Another release in between: what was approved was approved of something else."""
    later = [r for r in run.env.ledger.releases(page=20) if r.sequence > run.result.sequence and not r.keeps_revisions]
    moved = [r.release for r in later if any(service.outcome != "not moved" for service in r.services.values())]
    released = run.env.released_tag()
    if moved or released != run.result.previous_version:
        raise NotReadyError(
            f"another release was in between ({', '.join(reversed(moved)) or released}): this approval is void",
            "Order it again: invoke release --until approve",
        )
