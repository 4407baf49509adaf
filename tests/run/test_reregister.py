"""What a roll-back says where Terraform can't follow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from longshore.errors import PlanError
from longshore.run import reregister
from longshore.terraform.driver import PLAN_DEFAULTS, PlanOptions, SavedPlan
from tests.fakes.runs import started


class Remote:
    """A stack on Terraform Cloud whose run a policy holds, and whose state nobody can look at."""

    def state(self) -> dict[str, Any]:
        raise PlanError("what is in the state can't be looked up, which --only-release needs")

    @contextmanager
    def plan(self, variables: Mapping[str, Any], options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        raise PlanError("a policy failed for run-1: https://cloud.example.com/run-1")
        yield  # a generator all the same


def test_what_stood_in_the_way_of_the_earlier_tag_is_said_where_it_can_not_be_registered_alone_either() -> None:
    env: Any = SimpleNamespace(terraform=Remote(), target=SimpleNamespace(environment="test"))
    with started() as run:
        reregister.register_again(run, env, "v1.0.1")
        (warning,) = run.result.warnings
    assert warning.startswith(
        "Terraform pending: v1.0.1 could not be registered again: a policy failed for run-1: https://"
    )
    assert "can't be looked up" in warning
