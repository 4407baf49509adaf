"""Resuming an interrupted run: its process was killed, or its record is incomplete."""

from __future__ import annotations

from dataclasses import dataclass, replace

from longshore.commands import apply, restart, scale
from longshore.commands.release import run_steps
from longshore.commands.rollback import rollback_to
from longshore.environment.environment import Environment
from longshore.errors import AbortError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.lock import Lock
from longshore.result import Actor, ReleaseResult
from longshore.run import autoscaling, checks, consistency, lock_checks, released_tag, snapshot
from longshore.run.contract_check import read_contract
from longshore.run.lifecycle import RunRequest, running
from longshore.run.options import resumed_options
from longshore.run.resumption import Resumption, interrupted_run, is_open, lock_outlived_its_run, plan_resumption
from longshore.run.run import Run
from longshore.run.undo import roll_back, undone_on_failure


@dataclass(frozen=True)
class _Interrupted:
    """An interrupted run, and the process that resumes it.

    Attributes:
        entry: the run's entry in the ledger.
        actor: the caller.
        stale_lock: the lock that the run left behind, if it did.
        yes: do not ask for confirmation.
        abort: roll back instead.
    """

    entry: ReleaseResult
    actor: Actor
    stale_lock: Lock | None
    yes: bool
    abort: bool

    @property
    def request(self) -> RunRequest:
        """How the run begins again."""
        entry = self.entry
        return RunRequest(
            entry.kind, self.actor, read_contract, options=entry.options, stale_lock=self.stale_lock, resumes=entry
        )


def resume(env: Environment, *, yes: bool, abort: bool = False) -> ReleaseResult:
    """Resumes the newest interrupted run; its lock is taken over once its lease has expired.

    AWS shows the outcome of every side effect that the killed process had started: nothing is done twice.

    Args:
        env: the environment.
        yes: do not ask for confirmation.
        abort: roll back instead.

    Raises:
        LongshoreError: there is nothing to resume, or its process is alive: nothing was touched.
    """
    actor = checks.reach(env)
    stale = lock_checks.stale_lock(env)
    run = _Interrupted(_find(env, stale, actor), actor, stale, yes, abort)
    match plan_resumption(run.entry, stale_lock=stale is not None, abort=abort):
        case Resumption.CLOSE:
            _release_lock(env, stale, actor)
            return run.entry
        case Resumption.REPEAT_ROLLBACK:
            return rollback_to(env, run.entry.version or None, actor=actor, yes=yes, stale_lock=stale)
        case Resumption.REPEAT_CHANGE:
            return _repeat_change(env, run)
        case Resumption.COMPLETE_RECORD:
            return _complete_record(env, run)
        case Resumption.ROLL_BACK:
            return _roll_back(env, run)
        case Resumption.CONTINUE:
            return _continue(env, run)


def _find(env: Environment, stale: Lock | None, actor: Actor) -> ReleaseResult:
    """The run to resume.

    Raises:
        NotReadyError: the process that held the lock was killed before its run began; the lock is released now.
        UsageError: there is no run to resume.
    """
    recent = list(env.ledger.recent())
    holder = env.ledger.find(stale.release) if stale and stale.release else None
    entry = interrupted_run(recent, holder)
    if stale and lock_outlived_its_run(entry, stale):
        _release_lock(env, stale, actor)
        raise NotReadyError(
            f"the process that held {env.target.environment} was killed before its release began; its lock has been"
            " released",
            "Run the same command again.",
        )
    if entry is None:
        raise UsageError("nothing was released yet, so there is nothing to resume", "Release: invoke release")
    if not stale and not is_open(entry, stale_lock=False):
        raise UsageError(f"{entry.release} has ended: {entry.verdict}", "There is nothing to resume.")
    return entry


def _release_lock(env: Environment, stale: Lock | None, actor: Actor) -> None:
    if stale:
        with env.ledger.locks.taken_over(stale, f"{actor.user}-frees-{stale.id}", actor, "releases a leftover lock"):
            pass
        run = stale.release or stale.purpose
        env.console.say(f"{run} had already finished; its leftover lock has been released")


def _repeat_change(env: Environment, interrupted: _Interrupted) -> ReleaseResult:
    """Continues a scale or a restart, which cannot be rolled back."""
    options, entry = interrupted.entry.options, interrupted.entry
    with running(env, interrupted.request) as run:
        _inspect(run, env)
        if interrupted.abort:
            raise AbortError(
                f"aborted by {interrupted.actor.user}",
                "No revision had changed; counts and restarted tasks stay as they are.",
            )
        if entry.kind == "scale":
            counts = scale.counts_of(_list_option(entry, "counts"))
            scale.run_steps(run, env, counts, force=bool(options.get("force")), yes=interrupted.yes)
        else:
            keys, allow_alarm = _list_option(entry, "services"), bool(options.get("allow_alarm"))
            restart.run_steps(run, env, keys, yes=interrupted.yes, allow_alarm=allow_alarm)
    return run.result


def _complete_record(env: Environment, interrupted: _Interrupted) -> ReleaseResult:
    """Completes the record of a verified release: nothing is planned, updated or rolled back for it."""
    with running(env, interrupted.request) as run:
        run.record_facts(done=True, record_incomplete=True)  # the release stands, even if a step below fails
        run.conclude()
        try:
            _inspect(run, env)
            _refuse_changed(run, env)
        except LongshoreError as error:
            run.warn(f"the record was not completed: {error.message}. {error.hint}")
            return run.result
        run.record_facts(record_incomplete=False)
        with run.steadfast_step("record"):
            autoscaling.set_minimum(run, env.aws.scaling)
            if interrupted.entry.kind == "release":
                released_tag.write(run, env.aws.parameters, env.target.tag_parameter)
    return run.result


def _roll_back(env: Environment, interrupted: _Interrupted) -> ReleaseResult:
    """Rolls back; a rollback that the killed process had begun keeps its cause and its message."""
    entry = interrupted.entry
    reason = entry.message if entry.going_back else ""
    error = AbortError(reason or f"aborted by {interrupted.actor.user}", "All changes were rolled back.")
    with running(env, interrupted.request) as run:
        with run.hold_signals():
            _inspect(run, env)
            run.record_facts(first_cause=entry.cause if entry.going_back else None)
            roll_back(run, env, error)
        raise error
    return run.result


def _continue(env: Environment, interrupted: _Interrupted) -> ReleaseResult:
    entry = interrupted.entry
    options = resumed_options(entry.options, yes=interrupted.yes)
    inputs = checks.ReleaseInputs(interrupted.actor, None)
    if entry.kind == "release":
        inputs = checks.resumed(env, interrupted.actor, entry)
    request = replace(interrupted.request, source=inputs.source)
    # After a failure, the changes of the killed process are rolled back as well.
    with running(env, request) as run, undone_on_failure(run, env):
        _inspect(run, env)
        if entry.kind == "apply":
            apply.run_steps(run, env, options)
        else:
            run_steps(run, env, options, inputs)
    return run.result


def _refuse_changed(run: Run, env: Environment) -> None:
    """Refuses to record as released a version that is no longer running.

    Raises:
        NotReadyError: names the revisions that are running, or registered, instead.
    """
    contract, result = run.contract, run.result
    declared = {key: service for key, service in contract.services.items() if key in result.services}
    running_services = env.aws.ecs.services(contract.cluster, [service.name for service in declared.values()])
    services = {
        key: snapshot.service_before(service, running_services[service.name]) for key, service in declared.items()
    }
    schedules = snapshot.schedules_before(env.aws.events, contract, result.schedules)
    differences = list(consistency.strayed(services, schedules, result))
    if contract.image_tag != result.version:
        differences.append(f"{contract.image_tag} is registered, not {result.version}")
    if differences:
        raise NotReadyError("; ".join(differences), "Roll back: invoke rollback. Or release again: invoke release")


def _inspect(run: Run, env: Environment) -> None:
    """Shows the side effects that the killed process had started, and the state of AWS now."""
    with run.step("resume"):
        for intent in run.journal.open_intents():
            run.detail(f"{intent.what} {intent.detail}: no outcome was recorded; checking AWS")
        run.detail(f"registered: {run.contract.image_tag}; released before: {run.result.previous_version}")
        records = {s.name: s for key, s in run.result.services.items() if key in run.contract.services}
        for name, service in env.aws.ecs.services(run.contract.cluster, list(records)).items() if records else ():
            state = service.primary.rollout_state if service.primary else "no deployment"
            revision = service.task_definition.rpartition("/")[2]
            run.detail(f"{name}: deploying {revision} ({state}); recorded: {records[name].outcome}")


def _list_option(entry: ReleaseResult, name: str) -> list[str]:
    value = entry.options.get(name)
    return value if isinstance(value, list) else []
