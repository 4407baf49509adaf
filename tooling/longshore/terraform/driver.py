"""What runs a Terraform stack: terraform on this machine, or Terraform Cloud. Nothing above knows which."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from longshore.terraform.local import APPLIED, OnEvent, Purpose, SavedPlan


class Driver(Protocol):
    """One stack, and what runs it."""

    def check(self, *, before_setup: bool = False) -> str:
        """Says what runs it, and looks whether it can; with before_setup, whether it can be set up.

        Raises:
            TerraformError: it can't.
        """

    def set_up(self) -> list[str]:
        """Makes what the stack's runs need, apart from its state; safe to run again. Says what it changed."""

    def refuse_unsaved(self) -> None:
        """Refuses to go on from a state that is older than what is there.

        Raises:
            UnsavedStateError: a state was not saved.
        """

    def init(self) -> None:
        """Readies the stack."""

    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        destroy: bool = False,
        on_event: OnEvent | None = None,
        purpose: Purpose = APPLIED,
    ) -> AbstractContextManager[SavedPlan]:
        """Makes a plan and keeps it for as long as the block lasts."""

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as Terraform's JSON representation."""

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Applies exactly this plan; returns the values of all outputs that are not sensitive."""

    def state(self) -> dict[str, Any]:
        """What the state holds, as Terraform's JSON representation."""

    def unlock(self, lock_id: str) -> None:
        """Takes the lock of the state away from a terraform that has died."""

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs in the state."""
