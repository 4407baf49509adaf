"""The explanation of a failure: shown and recorded before the evidence is gone."""

from __future__ import annotations

import traceback
from pathlib import Path

from longshore.environment.environment import Environment
from longshore.errors import LongshoreError, RolloutError, SupersededError, VerifyError
from longshore.rollout.diagnosis import Diagnosis
from longshore.run.run import Run


def explain(run: Run, env: Environment, error: LongshoreError) -> None:
    """Determines why a service failed, shows it, and records it, before a rollback removes the evidence."""
    run.console.failed(error)
    key = next(
        (key for key, service in run.result.services.items() if service.name == getattr(error, "service", "")), None
    )
    failed = isinstance(error, RolloutError) and not isinstance(error, SupersededError)
    if failed and key in run.tracked:
        _diagnose(run, env, error, run.tracked[key].deployment)
    for failure in run.result.failures:
        run.console.failure(failure)


def explain_silence(run: Run, env: Environment, error: VerifyError) -> None:
    """Determines why a health URL does not answer after a rollback, shows it, and records it."""
    run.console.failed(error)
    deployments = (s.deployment for s in run.result.services.values() if s.name == error.service)
    _diagnose(run, env, error, next(deployments, None) or "")
    run.console.failure(run.result.failures[-1])


def _diagnose(run: Run, env: Environment, error: LongshoreError, deployment: str) -> None:
    diagnosis = Diagnosis(env.aws.ecs, env.aws.logs, run.contract.cluster, env.console.masks)
    failure = diagnosis.of_service(getattr(error, "service", ""), deployment, getattr(error, "answer", ""))
    run.result.failures = [*run.result.failures, failure]


def as_longshore_error(error: Exception) -> LongshoreError:
    """An error of Longshore as it is; any other exception as a bug, with the place where it was raised."""
    if isinstance(error, LongshoreError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return LongshoreError(
        f"{type(error).__name__}: {error}{place}",
        "This is a bug in Longshore: please report it with this message.",
    )
