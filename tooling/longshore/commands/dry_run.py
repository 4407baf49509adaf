"""A dry run of a release: its steps, and the reasons for which it would be refused. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from longshore.environment.environment import Environment
from longshore.errors import LongshoreError
from longshore.images import images
from longshore.images.images import BuildOptions, ForecastImage
from longshore.masking import Masks
from longshore.result import ReleaseResult
from longshore.run import build_and_plan, checks, image_checks, inspection, lifecycle, lock_checks, plan_scope
from longshore.run.checks import ReleaseInputs
from longshore.run.contract_check import read_contract
from longshore.run.deployer import Deployer
from longshore.run.lifecycle import RunRequest
from longshore.run.migration_step import belongs_before
from longshore.run.options import ReleaseOptions
from longshore.run.preview import Preview, Refusals
from longshore.terraform import plan
from longshore.terraform.driver import PlanOptions
from longshore.verdict import ExitCode, exit_code_of


@dataclass(frozen=True)
class WaveForecast:
    """One wave.

    Attributes:
        number: its number.
        migration: the family of the migration that would run before it; empty if none would.
        services: a line for each service, with the longest time that its roll-out may take.
    """

    number: int
    migration: str
    services: tuple[str, ...]


@dataclass(frozen=True)
class Forecast:
    """The steps that a release would take.

    Attributes:
        entry: the record that it would begin with; it is not stored.
        images: which images would be built or reused.
        planned: whether the plan has changes.
        waves: in order.
        refusals: the errors with which the release would end, in order.
    """

    entry: ReleaseResult
    images: tuple[ForecastImage, ...]
    planned: bool
    waves: tuple[WaveForecast, ...]
    refusals: Sequence[LongshoreError]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code with which the release would be refused; otherwise that of `plan`."""
        if self.refusals:
            return exit_code_of(self.refusals[0])
        return ExitCode.DIFFERENCES if self.planned else ExitCode.SUCCEEDED

    def masked(self, masks: Masks) -> dict[str, Any]:
        """The JSON document, without secrets in its texts."""
        entry = self.entry.masked(masks)
        return {
            "dry_run": True,
            "application": entry.application,
            "environment": entry.environment,
            "version": entry.version,
            "previous_version": entry.previous_version,
            "commit": entry.commit,
            "images": [asdict(image) for image in self.images],
            "changes": entry.changes,
            "waves": [asdict(wave) for wave in self.waves],
            "schedules": sorted(schedule.rule for schedule in entry.schedules.values()),
            "warnings": entry.warnings,
            "refusals": [
                {"message": masks.mask(error.message), "hint": masks.mask(error.hint)} for error in self.refusals
            ],
            "exit_code": int(self.exit_code),
        }


def preview(env: Environment, options: ReleaseOptions, promoted: ReleaseResult | None = None) -> Forecast:
    """Shows the steps that a release would take, and everything that would refuse it; reads only.

    Args:
        env: the environment.
        options: of the release.
        promoted: the release to another environment, whose version would be promoted.

    Raises:
        LongshoreError: nothing can be foreseen: credentials or Terraform's state are missing, for example.
    """
    refusals = Refusals()
    inputs = _checked(env, options, refusals, promoted)
    contract, last = read_contract(env), env.ledger.last_good()
    run = Preview.of(env, _entry(env, options, inputs, promoted), contract)
    if options.wait and (lock := env.ledger.locks.read()):
        run.warn(f"the release would wait up to {options.wait_lock}: {env.target.environment} is {lock}")
    with run.step("inspect"):
        for check in inspection.of_release(run, env, options, inputs.commit, last):
            refusals.collect(check)
    with run.step("version"):
        run.result.version = build_and_plan.foresee_tag(env, options, inputs.source)
        run.detail(f"{run.result.previous_version} → {run.result.version} (not reserved)")
    with run.step("images"):
        forecast = _images(run, env, options, inputs)
        digests = {image.name: image.digest for image in forecast}
        refusals.collect(lambda: build_and_plan.refuse_other_digests(run.result.images, digests))
    with run.step("plan"):
        planned = _plan(run, env, options, refusals)
    with run.step("roll-out"):
        waves = tuple(_waves(run, Deployer.of(env)))
    return Forecast(run.result, forecast, planned, waves, refusals.errors)


def _checked(
    env: Environment, options: ReleaseOptions, refusals: Refusals, promoted: ReleaseResult | None
) -> ReleaseInputs:
    """The inputs of the release. Guards are lowered for the checks, and looked at one by one: one hides no other."""
    if not options.wait:
        refusals.collect(lambda: lock_checks.refuse_locked(env))
    inputs = checks.release(env, options.without_guards())
    tag = options.tag
    if tag:
        allowed = options.allow_failed_version
        refusals.collect(lambda: image_checks.refuse_failed_version(env, tag, allowed=allowed))
    else:
        on = options.on or env.target.app.build_on
        refusals.collect(lambda: image_checks.check_source(env, options, on))
    return replace(inputs, commit=None) if promoted else inputs


def _entry(
    env: Environment, options: ReleaseOptions, inputs: ReleaseInputs, promoted: ReleaseResult | None
) -> ReleaseResult:
    recent = list(env.ledger.recent())
    for entry in recent:
        if entry.unfinished:
            env.console.warn(
                f"{entry.release} has not ended: a release would record it as interrupted, and it could not be resumed"
                " any more (to resume it: invoke release --resume)"
            )
    request = RunRequest(
        "release", inputs.actor, read_contract, inputs.commit, options=options.document(), promoted=promoted
    )
    return lifecycle.new_entry(env, request, recent)


def _images(
    run: Preview, env: Environment, options: ReleaseOptions, inputs: ReleaseInputs
) -> tuple[ForecastImage, ...]:
    how = BuildOptions(on=options.on or env.target.app.build_on, rebuild=options.rebuild)
    forecast = images.foresee(env, inputs.source, run.result.version, how)
    for image in forecast:
        run.detail(str(image))
    return forecast


def _plan(run: Preview, env: Environment, options: ReleaseOptions, refusals: Refusals) -> bool:
    targeted = plan_scope.only_task_definitions(run.result)
    how = PlanOptions(plan_only=True)
    version = run.result.version
    with plan_scope.planned(env.terraform, run.contract, version, targeted=targeted, options=how) as saved:
        changes = plan.changes(env.terraform.show(saved)) if saved.changed else []
        refusals.collect(lambda: build_and_plan.judge(run, env, options, changes))
        return saved.changed


def _waves(run: Preview, deployer: Deployer) -> list[WaveForecast]:
    """The waves, which are shown as well; they are those of the contract in the state."""
    limits, forecasts = deployer.limits_of(run), []
    for number, keys in zip(run.contract.wave_numbers(), run.contract.waves(), strict=True):
        migration = run.contract.migration if belongs_before(run.contract, number) else None
        family = migration.task_definition.rpartition("/")[2].partition(":")[0] if migration else ""
        services = tuple(limits.of(run.contract, key).describe(key) for key in keys)
        forecasts.append(WaveForecast(number, family, services))
        if family:
            run.detail(f"before wave {number}: the migration {family}")
        for line in services:
            run.detail(f"wave {number}: {line}")
    if schedules := sorted(schedule.rule for schedule in run.result.schedules.values()):
        run.detail(f"scheduled tasks: {', '.join(schedules)}")
    if warning := limits.describe_total(run.contract):
        run.warn(warning)
    return forecasts
