"""Answering the pause hook at which a deployment waits: from any machine, and without the lock of the release."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from longshore.aws.ecs_hooks import Hook
from longshore.aws.ecs_types import ServiceDeployment
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import AwsError, NotReadyError, UsageError
from longshore.ledger.answers import Action, Answer
from longshore.result import Actor, ReleaseResult
from longshore.rollout.pauses import brief
from longshore.run import checks

_REFUSED = ("InvalidParameter", "ClientException", "ServiceDeploymentNotFound", "UnsupportedFeature")
"""Codes with which ECS refuses an answer: the hook does not wait any more (ECS API, ContinueServiceDeployment)."""


@dataclass(frozen=True)
class Continued:
    """The answers that were given.

    Attributes:
        environment: its name.
        release: the id of the release that waits; None if no release of the ledger does.
        alive: whether a process holds the lock for that release.
        answers: one for each hook.
    """

    environment: str
    release: str | None
    alive: bool
    answers: tuple[Answer, ...]

    def document(self) -> dict[str, Any]:
        """The JSON document."""
        answers = [answer.model_dump(mode="json") for answer in self.answers]
        return {"environment": self.environment, "release": self.release, "alive": self.alive, "answers": answers}

    @property
    def next_step(self) -> str:
        """Your next step, as a sentence."""
        if self.release is None:
            return "No release of the ledger waits for it, so the answer was not recorded."
        if not self.alive:
            return f"No process runs {self.release} any more. Resume it: invoke release --resume"
        return f"{self.release} continues automatically. If its process was killed, resume it: invoke release --resume"


def continue_deployment(
    env: Environment, *, service: str | None = None, rollback: bool = False, yes: bool = False
) -> Continued:
    """Answers the pause hooks at which the deployment of a service waits; the release then continues automatically.

    Args:
        env: the environment.
        service: the key of the service; it can be left out if only one waits.
        rollback: let ECS roll the deployment back.
        yes: do not ask for confirmation.

    Raises:
        LockedError: a person, or a command other than the release that waits, holds the environment.
        UsageError: no deployment waits for an answer, or several do; nothing was answered.
        NotReadyError: ECS refused the answer, because the hook does not wait any more.
    """
    checks.account(env)
    actor, contract = checks.caller(env), env.contract()
    if service and service not in contract.services:
        raise UsageError(f"there is no service {service!r}", f"The services: {', '.join(sorted(contract.services))}")
    entry = _waiting_release(env)
    _refuse_other_holder(env, entry)
    deployments = _deployments(env, contract, [service] if service else sorted(contract.services))
    waiting = {key: deployment for key, deployment in deployments.items() if _asking(deployment)}
    if not waiting:
        raise _nothing_waits(env, deployments, entry)
    if len(waiting) > 1:
        listed = "; ".join(f"{key} {brief(deployment)}" for key, deployment in waiting.items())
        raise UsageError(f"several services wait: {listed}", f"Name one: --service {next(iter(waiting))}")
    key, deployment = next(iter(waiting.items()))
    question = f"{key} {brief(deployment)}. {'Roll it back' if rollback else 'Continue'}?"
    env.console.prompt.approve(question, yes=yes)
    action: Action = "ROLLBACK" if rollback else "CONTINUE"
    answers = [
        _give(env, entry, deployment.arn, _intended(key, deployment, hook, action, actor))
        for hook in _asking(deployment)
    ]
    return Continued(env.target.environment, entry.release if entry else None, _is_alive(env, entry), tuple(answers))


def _waiting_release(env: Environment) -> ReleaseResult | None:
    """The release that holds the lock, or has kept it; else the newest one without an end."""
    lock = env.ledger.locks.read()
    holder = env.ledger.find(lock.release) if lock and lock.release else None
    return holder or next((entry for entry in env.ledger.recent() if entry.unfinished), None)


def _refuse_other_holder(env: Environment, entry: ReleaseResult | None) -> None:
    """Refuses if the environment is locked by a person, or by a command other than the release that waits.

    Raises:
        LockedError: names the holder.
    """
    lock = env.ledger.locks.read()
    if lock and (entry is None or lock.release != entry.release):
        raise env.ledger.locks.refuse(lock)


def _is_alive(env: Environment, entry: ReleaseResult | None) -> bool:
    lock = env.ledger.locks.read()
    return entry is not None and lock is not None and lock.release == entry.release


def _deployments(env: Environment, contract: Contract, keys: list[str]) -> dict[str, ServiceDeployment]:
    """The current service deployment of each service, by its key."""
    ecs, cluster = env.aws.ecs, contract.cluster
    names = {key: contract.services[key].name for key in keys}
    services = ecs.services(cluster, list(names.values()))
    arns = {
        key: services[name].current_deployment or ecs.newest_deployment(cluster, name) for key, name in names.items()
    }
    described = ecs.service_deployments([arn for arn in arns.values() if arn])
    return {key: described[arn] for key, arn in arns.items() if arn in described}


def _asking(deployment: ServiceDeployment) -> list[Hook]:
    return [hook for hook in deployment.hooks if hook.asks and deployment.waits]


def _nothing_waits(
    env: Environment, deployments: Mapping[str, ServiceDeployment], entry: ReleaseResult | None
) -> UsageError:
    states = [text for key, deployment in deployments.items() if (text := _state(key, deployment))]
    if entry is None:
        newest = next(env.ledger.releases(page=1), None)
        states += [f"{newest.release} has ended: {newest.verdict}"] if newest else []
    reasons = f" ({'; '.join(states)})" if states else ""
    return UsageError(f"no deployment in {env.target.environment} waits for an answer{reasons}", "See: invoke status")


def _state(key: str, deployment: ServiceDeployment) -> str:
    """Why a deployment with hooks waits for no answer; empty if it has reached none."""
    for hook in deployment.hooks:
        if hook.holds and deployment.waits:
            return f"{key} waits at {deployment.stage} for a function, which takes no answer"
        if hook.status == "TIMED_OUT":
            return f"the time of the hook of {key} at {deployment.stage} is over"
        if hook.kind == "PAUSE":
            return f"the hook of {key} at {deployment.stage} was answered already"
    return ""


def _intended(key: str, deployment: ServiceDeployment, hook: Hook, action: Action, actor: Actor) -> Answer:
    return Answer(
        key=uuid.uuid4().hex,
        service=key,
        stage=deployment.stage,
        hook=hook.id,
        action=action,
        actor=actor,
        at=datetime.now(UTC),
    )


def _give(env: Environment, entry: ReleaseResult | None, deployment: str, answer: Answer) -> Answer:
    """Answers a hook; the ledger has the intent before the call and its outcome afterwards."""
    ledger = env.ledger.answers(entry.release) if entry else None
    if ledger:
        ledger.write(answer)
    try:
        env.aws.ecs.continue_deployment(deployment, answer.hook, rollback=answer.action == "ROLLBACK")
    except AwsError as error:
        if ledger and not error.ambiguous:
            ledger.write(answer.model_copy(update={"state": "refused", "detail": error.message}))
        if error.code.startswith(_REFUSED):
            hint = "It may have been answered, or its time may be over. See: invoke status"
            text = f"the hook of {answer.service} does not wait any more: {error.message}"
            raise NotReadyError(text, hint) from error
        raise
    given = answer.model_copy(update={"state": "given"})
    try:
        if ledger:
            ledger.write(given)
    except AwsError as error:
        env.console.warn(f"the answer was given, but the ledger could not be written: {error.message}")
    return given
