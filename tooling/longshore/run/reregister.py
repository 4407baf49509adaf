"""Registering an earlier tag again after a rollback, so that Terraform's next plan is empty."""

from __future__ import annotations

from longshore.environment.environment import Environment
from longshore.errors import PlanError
from longshore.run import plan_scope
from longshore.run.run import Run
from longshore.terminal.bugs import as_longshore_error
from longshore.terraform import gate, plan
from longshore.terraform.driver import PlanOptions
from longshore.terraform.task_definition_diff import revisions


def register_again(run: Run, env: Environment, tag: str) -> None:
    """Applies an earlier tag. A failure is a warning: the verdict stays.

    A pending change of the infrastructure is left untouched. If the registered content differs from the running one,
    it warns: variable files may have changed since.
    """
    try:
        with run.steadfast_step(f"register {tag} again"):
            _register(run, env, tag)
            _warn_of_differences(run, env)
    except Exception as error:  # noqa: BLE001 - the verdict stays
        run.warn(
            f"Terraform pending: {tag} could not be registered again: {as_longshore_error(error).message}"
            f" (see invoke plan -e {env.target.environment}, then run invoke bootstrap -e {env.target.environment})"
        )


def _register(run: Run, env: Environment, tag: str) -> None:
    """Applies a tag; if the gate refuses the whole plan, the task definitions alone."""
    targeted = plan_scope.only_task_definitions(run.result)
    try:
        _apply(run, env, tag, targeted=targeted)
    except PlanError as refusal:
        if targeted:
            raise
        try:
            _apply(run, env, tag, targeted=True)
        except PlanError as error:
            # On Terraform Cloud no plan can be targeted: the operator has to fix the first refusal.
            raise PlanError(
                f"{refusal.message} (and with the task definitions alone: {error.message})", refusal.hint
            ) from error
        run.warn(f"a pending change was left untouched: {refusal.message}")


def _apply(run: Run, env: Environment, tag: str, *, targeted: bool) -> None:
    terraform, options = env.terraform, PlanOptions(after_rollback=True)
    with plan_scope.planned(terraform, run.contract, tag, targeted=targeted, options=options) as saved:
        if not saved.changed:
            return
        changes = plan.changes(terraform.show(saved))
        run.hide(plan.secret_values(changes))
        gate.check(changes, gate.Allowed(env.target.app.allow_changes))
        with run.effect(f"apply {tag} again"):
            outputs = terraform.apply(saved, run.detail)
    run.contract = env.contract(plan_scope.update_outputs(run, terraform, tag) if targeted else outputs)


def _warn_of_differences(run: Run, env: Environment) -> None:
    """Warns of services whose registered content is not the running one."""
    ecs, services = env.aws.ecs, run.contract.services
    running = ecs.services(run.contract.cluster, [service.name for service in services.values()])
    differing = []
    for service in services.values():
        current = ecs.task_definition(running[service.name].task_definition)
        registered = ecs.task_definition(service.task_definition)
        if any(revisions(current, registered)):
            differing.append(service.name)
    if differing:
        run.warn(f"configuration registered, not running: {', '.join(differing)} (see invoke status)")
