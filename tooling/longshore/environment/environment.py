"""An environment with the clients that act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from invoke.config import Config, DataProxy

from longshore.aws.session import Aws
from longshore.aws.sts import Caller
from longshore.clock import Clock, time_with_sleep
from longshore.config import contract as contracts
from longshore.config.contract import Contract
from longshore.config.project import project_root
from longshore.config.settings import load
from longshore.config.settings_file import SECTION
from longshore.config.target import Stack, Target, Workspace, select
from longshore.environment.access import Access, cloud_access, resolve
from longshore.errors import ConfigError
from longshore.ledger.releases import Ledger
from longshore.masking import secrets
from longshore.signals import Interrupts
from longshore.terminal.console import Console
from longshore.terraform import identity
from longshore.terraform.cloud.api import Api, HttpTransport
from longshore.terraform.cloud.driver import CloudDriver, Timeouts
from longshore.terraform.cloud.runs import Notifier
from longshore.terraform.driver import Driver
from longshore.terraform.local import Terraform


@dataclass(frozen=True)
class Environment:
    """A target with its clients, each created on first use."""

    target: Target
    console: Console
    clock: Clock
    interrupts: Interrupts = field(default_factory=Interrupts)

    @cached_property
    def access(self) -> Access:
        """The endpoint and the credentials.

        Raises:
            SandboxError: the environment is in the sandbox, which is not running.
        """
        return resolve(self.target)

    @cached_property
    def aws(self) -> Aws:
        """The AWS clients."""
        return Aws(self.access, self.clock)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of the application."""
        table, target = self.aws.table(self.target.ledger_table), self.target
        return Ledger(table, target.environment, self.console.masks, self.clock, target.env.lock.lease)

    @property
    def terraform(self) -> Driver:
        """The Terraform driver of this environment."""
        return self.terraform_of(self.target.stack)

    def terraform_of(self, stack: Stack) -> Driver:
        """A Terraform driver for a stack, with this environment's access."""
        settings = self.target.app.terraform
        local = Terraform(
            stack=stack,
            binary=settings.binary,
            environ=self.access.process_environment(),
            cli_config=self.target.root / ".longshore" / "terraform.rc",
            lock_timeout=settings.lock_timeout,
            masks=self.console.masks,
            inspect=self._compare_identity,
            say=self.console.say,
        )
        return self._on_cloud(local, stack.workspace) if stack.workspace else local

    def _compare_identity(self, plan: Mapping[str, Any]) -> None:
        warning = identity.compare(plan, self._caller.account, self._caller.arn)
        if warning and not self._identity_warnings:  # each plan of a role has another name of its session
            self._identity_warnings.append(warning)
            self.console.warn(warning)

    @cached_property
    def _caller(self) -> Caller:
        """The identity of boto3, asked for once: a command compares several plans with it."""
        return self.aws.identity.caller()

    @cached_property
    def _identity_warnings(self) -> list[str]:
        """The warning that a plan was made as another identity, once it was shown."""
        return []

    def _on_cloud(self, local: Terraform, workspace: Workspace) -> Driver:
        deadlines = self.target.env.deadlines
        return CloudDriver(
            local=local,
            api=self._api,
            workspace=workspace,
            root=self.target.root,
            clock=self.clock,
            notifier=Notifier(self.console.detail, self.console.warn),
            timeouts=Timeouts(deadlines.terraform, deadlines.terraform_back),
            masks=self.console.masks,
        )

    @cached_property
    def _api(self) -> Api:
        """The client of Terraform Cloud, for a stack that runs there."""
        url, token = cloud_access(self.target)
        self.console.masks.hide([token])
        return Api(url, token, HttpTransport(), self.clock)

    def sibling(self, name: str) -> Environment:
        """Another environment of the same application, with its own clients."""
        return replace(self, target=replace(self.target, environment=name, env=self.target.app.environments[name]))

    def contract(self, outputs: dict[str, Any] | None = None) -> Contract:
        """The contract, from the outputs of an apply or, by default, from the state."""
        outputs = self.terraform.outputs() if outputs is None else outputs
        contract = contracts.parse(outputs.get("release"), self.target.application, self.target.environment)
        self.console.masks.spare(contract.names())
        return contract

    def released_tag(self) -> str:
        """The released tag, from the SSM parameter; a plan without a tag uses the same."""
        return self.aws.parameters.get(self.target.tag_parameter) or contracts.UNRELEASED


def open_environment(config: Config, application: str | None, environment: str) -> Environment:
    """The environment that ``-a`` and ``-e`` name, from Invoke's configuration.

    Raises:
        ConfigError: invoke.yaml is invalid, or has no such application or environment.
    """
    settings = load(raw_settings(config))
    interrupts, console = Interrupts(), Console()
    # Before the first error that can name them.
    console.masks.spare(name for key, app in settings.applications.items() for name in (key, *app.environments))
    target = select(settings, project_root(config), application, environment)
    console.masks.spare(target.names)
    for image in target.app.images.values():
        console.masks.hide(secrets(image.build_args))
    return Environment(
        target, console, Clock(sleep=interrupts.sleep, check=interrupts.check, with_sleep=time_with_sleep), interrupts
    )


def raw_settings(config: Config) -> Any:
    """The settings under ``longshore:``, overridden by INVOKE_… variables.

    Raises:
        ConfigError: invoke.yaml cannot be read.
    """
    settings = config[SECTION] if SECTION in config else None  # noqa: SIM401 - a key `get` of the file hides config.get
    if isinstance(settings, ConfigError):
        raise settings
    return _plain(settings)


def _plain(value: Any) -> Any:
    if isinstance(value, DataProxy):
        return {str(key): _plain(value[key]) for key in map(str, value)}
    return value
