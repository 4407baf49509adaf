"""The settings of services, read from ECS: services that Longshore cannot release are refused before a plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from longshore.aws.ecs_hooks import KINDS
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import AwsError, NotReadyError
from longshore.run.run import Run


@dataclass(frozen=True)
class _Requirement:
    """A setting with the only value that Longshore can release.

    Attributes:
        field: its path in the answer of DescribeServices.
        value: reads it.
        supported: the value; anything else is refused, also a value that AWS introduces later.
        hint: the change that makes the service releasable.
    """

    field: str
    value: Callable[[ServiceSettings], str]
    supported: str
    hint: str


_REQUIREMENTS = (
    _Requirement(
        "resourceManagementType",
        lambda settings: settings.managed_by,
        "CUSTOMER",
        "ECS manages a service of Express Mode itself: define the service with aws_ecs_service instead.",
    ),
    _Requirement(
        "deploymentController.type",
        lambda settings: settings.controller,
        "ECS",
        'Set deployment_controller { type = "ECS" }; CodeDeploy and external controllers move services themselves.',
    ),
    _Requirement(
        "schedulingStrategy",
        lambda settings: settings.scheduling,
        "REPLICA",
        'Create the service again with scheduling_strategy = "REPLICA".',
    ),
    _Requirement(
        "deploymentConfiguration.strategy",
        lambda settings: settings.strategy,
        "ROLLING",
        'Set deployment_configuration { strategy = "ROLLING" }.',
    ),
    _Requirement(
        "loadBalancers.loadBalancerName",
        lambda settings: ", ".join(settings.classic_load_balancers),
        "",
        "Use a target group: behind a Classic Load Balancer, ECS does not report the state of a deployment.",
    ),
)
"""ECS reports a ``rolloutState`` only for rolling deployments by its own controller, without a Classic Load Balancer.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
"""

_HOOKS = "deploymentConfiguration.lifecycleHooks"
_REMOVE_HOOKS = "Remove the hook: Longshore cannot tell how its wait ends."


def refuse_unsupported(services: Iterable[Service], *, new_release: bool = True) -> None:
    """Refuses services that Longshore cannot move, or whose deployments it cannot judge.

    Args:
        services: the services.
        new_release: whether they get a deployment that may as well wait. Lifecycle hooks of an unknown kind keep you
            neither from rolling back nor from scaling.

    Raises:
        NotReadyError: names each service with field and value, and what to change.
    """
    problems, hints = [], []
    for service in services:
        for field, value, hint in _unsupported(service.settings, new_release=new_release):
            problems.append(f"{service.name}: {field} is {value}")
            hints.append(hint)
    if problems:
        raise NotReadyError(
            f"Longshore cannot release services with these settings: {'; '.join(problems)}",
            " ".join(dict.fromkeys(hints)),
        )


def _unsupported(settings: ServiceSettings, *, new_release: bool) -> Iterator[tuple[str, str, str]]:
    for requirement in _REQUIREMENTS:
        value = requirement.value(settings)
        if value != requirement.supported:
            yield requirement.field, value, requirement.hint
    unknown = [hook for hook in settings.hooks if hook.partition(" ")[0] not in KINDS]
    if unknown and new_release:
        yield _HOOKS, "; ".join(unknown), _REMOVE_HOOKS


def refuse_unready(run: Run, env: Environment, *, allowed: bool, keys: Collection[str] | None = None) -> None:
    """Refuses to move services that Longshore does not support, or whose alarms include one in ALARM already.

    ECS then ignores all alarms of the service for the whole deployment, so nothing would roll a bad release back.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html

    It does so to let a new deployment fix what set them off, which is why a rollback is never refused. Alarms that
    cannot be read are a warning.

    Args:
        run: the run.
        env: its environment.
        allowed: warn of alarms instead.
        keys: the services that will be moved; all by default.

    Raises:
        NotReadyError: names the services with their settings or their alarms.
    """
    if run.begun:
        return  # our own deployments may have set them off
    services = _read(run, env, keys)
    refuse_unsupported(services)
    message = _ignored_alarms(run, env, services)
    if message and not allowed:
        raise NotReadyError(message, "Wait until they are OK. Or continue without them: --allow-alarm")
    if message:
        run.warn(message)


def warn_before_rollback(run: Run, env: Environment) -> None:
    """Warns of lifecycle hooks and of alarms in ALARM; neither keeps you from rolling back."""
    services = _read(run, env, None)
    for service in services:
        if service.settings.hooks:
            hooks = "; ".join(service.settings.hooks)
            run.warn(
                f"{service.name} has lifecycle hooks ({hooks}): its rollback is a deployment that waits for them, too"
            )
    if message := _ignored_alarms(run, env, services):
        run.warn(message)


def warn_before_plan(env: Environment, contract: Contract) -> None:
    """Warns of services with settings that Longshore cannot release; a plan changes nothing, and may be the remedy."""
    try:
        names = [service.name for service in contract.services.values()]
        refuse_unsupported(env.aws.ecs.services(contract.cluster, names).values())
    except NotReadyError as error:
        env.console.warn(f"a release would be refused: {error.message}. {error.hint}")
    except AwsError as error:
        env.console.warn(f"could not read the settings of the services: {error.message}. {error.hint}".rstrip())


def alarms_in_alarm(env: Environment, services: Iterable[Service]) -> dict[str, list[str]]:
    """The alarms in ALARM among those that ECS watches, by the name of their service; CloudWatch is asked once.

    Raises:
        AwsError: CloudWatch could not be read.
    """
    watched = {service.name: service.settings.alarms for service in services if service.settings.alarms}
    names = sorted({name for alarms in watched.values() for name in alarms})
    in_alarm = set(env.aws.alarms.in_alarm(names)) if names else set()
    return {name: alarms for name, all_alarms in watched.items() if (alarms := sorted(in_alarm & {*all_alarms}))}


def _read(run: Run, env: Environment, keys: Collection[str] | None) -> list[Service]:
    names = [service.name for key, service in run.contract.services.items() if keys is None or key in keys]
    return list(env.aws.ecs.services(run.contract.cluster, names).values())


def _ignored_alarms(run: Run, env: Environment, services: Iterable[Service]) -> str:
    """Names the alarms that ECS would ignore; empty if there are none, or if CloudWatch could not be read."""
    try:
        ignored = alarms_in_alarm(env, services)
    except AwsError as error:
        run.warn(f"could not read whether an alarm is in ALARM already: {error.message}. {error.hint}".rstrip())
        return ""
    listed = "; ".join(f"{name}: {', '.join(alarms)}" for name, alarms in ignored.items())
    return f"ECS ignores the alarms of a service while one of them is in ALARM: {listed}" if ignored else ""
