"""Continuing a release that waits for approval: the call is the approval."""

from __future__ import annotations

from itertools import takewhile

from longshore.commands.release import run_steps
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UsageError
from longshore.result import ReleaseResult
from longshore.run import checks, lock_checks
from longshore.run.contract_check import read_contract
from longshore.run.lifecycle import RunRequest, running
from longshore.run.options import resumed_options
from longshore.run.run import Run
from longshore.verdict import Verdict


def continue_release(env: Environment, release: str, *, wait: float = 0.0) -> ReleaseResult:
    """Continues a release that waits for approval.

    Args:
        env: the environment.
        release: its id.
        wait: seconds to wait for the lock.

    Raises:
        LongshoreError: it does not wait for approval, or the environment is locked: nothing was touched.
    """
    actor = checks.reach(env, planning=True)
    if not wait:
        lock_checks.refuse_locked(env)
    entry = env.ledger.find(release)
    if entry is None:
        raise UsageError(f"there is no release {release!r} in {env.target.environment}", "See: invoke history")
    if entry.verdict is not Verdict.WAITING:
        raise UsageError(f"{release} does not wait for approval: it is {entry.verdict}", f"See: invoke show {release}")
    options = resumed_options(entry.options, yes=True)
    inputs = checks.resumed(env, actor, entry)
    request = RunRequest("release", actor, read_contract, options=entry.options, wait=wait, resumes=entry)
    with running(env, request) as run:
        with run.step("approve"):
            _refuse_overtaken(run, env)
            run.result.approved = run.result.fingerprint
        run_steps(run, env, options, inputs)
    return run.result


def _refuse_overtaken(run: Run, env: Environment) -> None:
    """Refuses if another release came in between: the plan was approved for another state.

    Raises:
        NotReadyError: names that release.
    """
    later = takewhile(lambda entry: entry.sequence > run.result.sequence, env.ledger.releases(page=20))
    moved = [entry.release for entry in later if entry.facts.moved and not entry.keeps_revisions]
    released = env.released_tag()
    if moved or released != run.result.previous_version:
        raise NotReadyError(
            f"another release came in between ({', '.join(reversed(moved)) or released}), so the approval is void",
            "Release again: invoke release --until approve",
        )
