"""The approval of a plan: at the terminal, in advance, or in another process."""

from __future__ import annotations

from longshore.errors import PlanError
from longshore.run.recorder import Recorder


def approve(recorder: Recorder, *, yes: bool, question: str = "") -> None:
    """Asks the operator to approve the plan, unless it was approved in another process.

    Args:
        recorder: of the run.
        yes: do not ask.
        question: a question other than the usual one.

    Raises:
        DeclinedError: the answer was no, or the process is not running in a terminal.
        PlanError: the plan differs from the one that was approved.
    """
    result = recorder.result
    if result.approved not in ("", result.fingerprint):
        raise PlanError(
            "the plan has changed since it was approved, so the approval is void",
            "Release again: invoke release --until approve",
        )
    usual = f"{result.kind.capitalize()} {result.version} to {result.environment}?"
    recorder.console.prompt.approve(question or usual, yes=yes)


def wait_for_approval(recorder: Recorder) -> None:
    """Ends the run before anything is applied: another process continues it once it is approved."""
    result = recorder.result
    recorder.record_facts(waiting=True)
    result.message = f"{result.version} waits for approval; plan {result.fingerprint}"
    scope = f"-a {result.application} -e {result.environment}"
    result.hint = f"Approve with: invoke release {scope} --continue {result.release}"
