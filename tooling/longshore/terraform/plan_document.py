"""The parts of Terraform's JSON representation that Longshore reads, as models.

Format: https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from typing import Any

from longshore.config.values import shown
from longshore.terraform.documents import Document, Text


class Importing(Document):
    """The ``import`` block behind a change."""

    id: Any = None


class Difference(Document):
    """The values of a resource, before and after."""

    actions: list[Text]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    before_sensitive: Any = None
    after_sensitive: Any = None
    importing: Importing | None = None


class ResourceChange(Document):
    """A change of a resource."""

    address: Text
    type: Text
    change: Difference
    previous_address: Text | None = None
    deposed: Any = None

    @property
    def sensitive(self) -> bool:
        """Whether the container definitions are: true, or an object with true for each sensitive argument."""
        sides = (self.change.before_sensitive, self.change.after_sensitive)
        return any(side is True or (isinstance(side, dict) and side.get("container_definitions")) for side in sides)

    @property
    def moved_from(self) -> str:
        """The address until now; empty if it stays."""
        return self.previous_address if self.previous_address and self.previous_address != self.address else ""

    @property
    def imported(self) -> str:
        """The id that the resource is imported by; empty if it is not imported."""
        importing = self.change.importing
        return (
            ""
            if importing is None
            else (shown(importing.id, bare=True) if importing.id else "an id known after the apply")
        )


class Invocation(Document):
    """An action that a provider would run."""

    address: Text
    type: Text
    config_values: dict[str, Any] | None = None


class Resources(Document):
    """The changes of a plan."""

    resource_changes: list[ResourceChange] | None = None
    action_invocations: list[Invocation] | None = None


class OutputChange(Document):
    """A change of an output."""

    actions: tuple[Text, ...] = ()
    after: Any = None
    after_unknown: Any = None


class Outputs(Document):
    """The changes of a plan's outputs."""

    output_changes: dict[Text, OutputChange] | None = None


class Variable(Document):
    """A variable or a secret of a container."""

    name: Text
    value: str | float | bool | None = None


class Container(Document):
    """A container definition, in ECS's form."""

    name: Text
    environment: list[Variable] | None = None
    secrets: list[Variable] | None = None
    portMappings: list[dict[str, Any]] | None = None  # noqa: N815 - a name of ECS
    command: list[str] | None = None
    entryPoint: list[str] | None = None  # noqa: N815


class Containers(Document):
    """The containers of a task definition."""

    container_definitions: list[Container]


class Capacity(Document):
    """A service of the contract, with its minimum."""

    min_capacity: int | None = None


class Release(Document):
    """The contract, as a plan shows it."""

    services: dict[Text, Capacity] | None = None


class Resource(Document):
    """A resource of any provider in a state."""

    address: Text
    type: Text
    mode: Text
    values: Any = None


class Revision(Document):
    """The values of a task definition in a state."""

    arn: Text | None = None


class Module(Document):
    """A module in a state."""

    resources: list[Resource] | None = None
    child_modules: list[Module] | None = None


class StateValues(Document):
    """The content of a state."""

    root_module: Module = Module()


class State(Document):
    """A state."""

    values: StateValues | None = None
