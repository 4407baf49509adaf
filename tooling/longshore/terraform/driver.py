"""The interface to a Terraform stack; it is the same on this machine and on Terraform Cloud."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

Variables = Mapping[str, Any]
"""Values of the root's input variables; they override the variable files."""

OnEvent = Callable[[str], None]
"""Receives Terraform's messages while it runs, one line at a time."""


class ApplyStage(StrEnum):
    """How far an apply has come; the value is how much of the plan may have been applied. Before the first, nothing."""

    STARTED = "part"
    ENDED = "all"


OnStage = Callable[[ApplyStage], object]
"""Receives each stage of an apply as soon as it is reached, before a signal can end the apply."""


@dataclass(frozen=True)
class SavedPlan:
    """A plan file, of mode 0600: it contains every variable in clear text."""

    file: Path
    changed: bool


@dataclass(frozen=True)
class PlanOptions:
    """Options of one plan.

    Attributes:
        destroy: plan to destroy the whole stack.
        refresh_only: change no resource; only update the state and the outputs that follow from it.
        targets: addresses; the plan contains only these and their dependencies. Empty for the whole stack.
        plan_only: the plan will not be applied, so it takes no lock of the state, which would be a write.
        after_rollback: the plan is made after a rollback, whose verdict must not wait long for it.
        still_needed: polled while the plan waits for its turn; if it returns False, the plan is given up.
        on_event: receives Terraform's messages.
    """

    destroy: bool = False
    refresh_only: bool = False
    targets: Sequence[str] = ()
    plan_only: bool = False
    after_rollback: bool = False
    still_needed: Callable[[], bool] = lambda: True
    on_event: OnEvent | None = None


PLAN_DEFAULTS = PlanOptions()


class Driver(Protocol):
    """Runs Terraform for one stack. Every method may raise a TerraformError."""

    def check(self, *, before_setup: bool = False) -> str:
        """Checks that Terraform can run, and describes where it runs; with before_setup, that it can be set up.

        Raises:
            TerraformError: it cannot.
            UnsavedStateError: as `refuse_unsaved`.
        """

    def set_up(self) -> list[str]:
        """Creates everything that a run needs except the state, and returns its changes; safe to run again."""

    def refuse_unsaved(self) -> None:
        """Refuses to continue from an outdated state.

        Raises:
            UnsavedStateError: an earlier apply could not save its state; the hint says where the state is and how to
                push it.
        """

    def init(self) -> None:
        """Prepares the stack's folder."""

    def plan(
        self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS
    ) -> AbstractContextManager[SavedPlan]:
        """Makes a plan and keeps it until the block ends."""

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan in Terraform's JSON representation."""

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None, on_stage: OnStage = bool) -> dict[str, Any]:
        """Applies exactly this plan, and returns the values of all outputs that are not sensitive.

        Args:
            plan: the plan.
            on_event: receives Terraform's messages.
            on_stage: receives the stages of the apply.

        Raises:
            StalePlanError: the state has changed since the plan was made; nothing was applied.
            UnsavedStateError: the state could not be saved; a copy is kept.
            TerraformError: any other failure; part of the plan may have been applied.
        """

    def state(self) -> dict[str, Any]:
        """The state in Terraform's JSON representation."""

    def unlock(self, lock_id: str) -> None:
        """Releases the state lock of a terraform process that was killed.

        Raises:
            TerraformError: the lock has a different id, or could not be released.
        """

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs in the state."""
