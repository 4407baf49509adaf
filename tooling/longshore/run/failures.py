"""The explanation of a failure: shown and recorded before the evidence is gone."""

from __future__ import annotations

from contextlib import suppress

from longshore.environment.environment import Environment
from longshore.errors import AwsError, LongshoreError, RolloutError, SupersededError, VerifyError
from longshore.result import Failure
from longshore.rollout.diagnosis import Diagnosis
from longshore.run import service_checks
from longshore.run.run import Run


def diagnosis_of(env: Environment, cluster: str) -> Diagnosis:
    """The diagnosis of the services of a cluster."""
    return Diagnosis(env.aws.ecs, env.aws.logs, env.aws.target_groups, cluster, env.console.masks)


def explain(run: Run, env: Environment, error: LongshoreError) -> None:
    """Determines why a service failed, shows it, and records it, before a rollback removes the evidence."""
    run.console.failed(error)
    key = next(
        (key for key, service in run.result.services.items() if service.name == getattr(error, "service", "")), None
    )
    failed = isinstance(error, RolloutError) and not isinstance(error, SupersededError)
    if failed and key in run.tracked:
        tracked = run.tracked[key]
        failure = _diagnose(run, env, error, tracked.deployment)
        failure.alarms = _alarms(run, env, failure.subject, tracked.arn)
    for failure in run.result.failures:
        run.console.failure(failure)


def _alarms(run: Run, env: Environment, name: str, service_deployment: str | None) -> list[str]:
    """The alarms of a service that ended its deployment, or are in ALARM now; empty if they cannot be read."""
    ecs, alarms = env.aws.ecs, set[str]()
    with suppress(AwsError):
        services = ecs.services(run.contract.cluster, [name])
        if not services[name].settings.alarms:
            return []
        if service_deployment:
            described = ecs.service_deployments([service_deployment]).values()
            alarms.update(alarm for deployment in described for alarm in deployment.alarms)
        alarms.update(*service_checks.alarms_in_alarm(env, services.values()).values())
    return sorted(alarms)


def explain_silence(run: Run, env: Environment, error: VerifyError) -> None:
    """Determines why a health URL does not answer after a rollback, shows it, and records it."""
    run.console.failed(error)
    deployments = (s.deployment for s in run.result.services.values() if s.name == error.service)
    _diagnose(run, env, error, next(deployments, None) or "")
    run.console.failure(run.result.failures[-1])


def _diagnose(run: Run, env: Environment, error: LongshoreError, deployment: str) -> Failure:
    failure = diagnosis_of(env, run.contract.cluster).of_service(
        getattr(error, "service", ""), deployment, getattr(error, "answer", "")
    )
    run.result.failures = [*run.result.failures, failure]
    return failure
