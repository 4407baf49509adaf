"""The plan of task definitions alone is made only where the contract can be written afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from longshore.errors import PlanError, TerraformError
from longshore.run import plan_scope
from longshore.terraform import plan
from longshore.terraform.driver import PLAN_DEFAULTS, PlanOptions, SavedPlan
from tests.fakes.runs import contract


class Terraform:
    """A stack to which a pending change adds a service: its outputs can't be planned by themselves."""

    def __init__(self) -> None:
        self.planned: list[PlanOptions] = []

    def state(self) -> dict[str, Any]:
        return {}

    @contextmanager
    def plan(self, variables: Mapping[str, Any], options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        self.planned.append(options)
        if options.refresh_only:
            raise TerraformError("terraform plan of test failed: Invalid index (../modules/releaser/main.tf)")
        yield SavedPlan(Path("plan"), changed=True)


def test_a_pending_change_that_terraform_trips_over_refuses_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    terraform = Terraform()
    monkeypatch.setattr(plan, "addresses", lambda state, arns: ["aws_ecs_task_definition.web"])
    with (
        pytest.raises(PlanError, match=r"a pending change adds to the contract.*Invalid index") as caught,
        plan_scope.planned(cast(Any, terraform), contract(), "v1.0.1", targeted=True),
    ):
        pytest.fail("there is no plan to apply")
    assert "invoke apply --allow-infra" in caught.value.hint
    assert [options.refresh_only for options in terraform.planned] == [True]
