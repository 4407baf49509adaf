from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from longshore.aws.ecs import Ecs
from longshore.aws.rates import RATES, SHARE, Budget, Rate
from longshore.clock import Clock
from longshore.environment.access import Access
from tests.fakes.clients import REGION, scripted
from tests.fakes.environments import environment
from tests.fakes.samples import moved_clock

RATE = Rate("reads", frozenset({"ListTasks", "DescribeTasks"}), burst=8, steady=4)
"""Our share of it: four calls at once, and two in a second."""


def times(budget: Budget, clock: Clock, *operations: str) -> list[float]:
    made = []
    for operation in operations:
        budget.wait(operation)
        made.append(clock.now())
    return made


def test_calls_pass_until_the_share_of_the_burst_is_used_and_then_at_the_steady_rate() -> None:
    clock = moved_clock()
    assert times(Budget(clock, [RATE]), clock, *["ListTasks"] * 7) == [0, 0, 0, 0, 0.5, 1, 1.5]


def test_the_operations_of_a_category_share_a_bucket_and_other_calls_pass() -> None:
    clock = moved_clock()
    made = times(Budget(clock, [RATE]), clock, *["ListTasks", "DescribeTasks"] * 2, "UpdateService", "DescribeTasks")
    assert made == [0, 0, 0, 0, 0, 0.5]


def test_the_bucket_fills_up_while_nothing_is_read_and_no_further_than_its_capacity() -> None:
    clock = moved_clock()
    budget = Budget(clock, [RATE])
    times(budget, clock, *["ListTasks"] * 4)
    clock.sleep(1)
    assert times(budget, clock, *["ListTasks"] * 3) == [1, 1, 1.5]
    clock.sleep(1000)
    assert times(budget, clock, *["ListTasks"] * 5)[-2:] == [1001.5, 1002]


def test_a_sleep_that_a_signal_ends_early_is_not_repeated() -> None:
    slept: list[float] = []
    clock = Clock(now=lambda: 0.0, sleep=slept.append)
    budget = Budget(clock, [RATE])
    for _ in range(6):
        budget.wait("ListTasks")
    assert slept == [0.5, 1.0], "the debt stays: calls that were made anyway count"


def test_a_client_waits_before_every_call_and_every_page() -> None:
    client, script = scripted("ecs")
    clock = moved_clock()
    Budget(clock, [RATE]).attach(client)
    pages = 6
    for page in range(pages):
        more = {"nextToken": str(page + 1)} if page + 1 < pages else {}
        script.add_response("list_tasks", {"taskArns": [], **more})
    Ecs(client).tasks("shop", "web")
    assert clock.now() == 1.0
    script.assert_no_pending_responses()


def test_the_reads_of_an_environment_have_a_budget_on_its_clock(tmp_path: Path) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "secret"}
    env = environment(tmp_path, access=Access(REGION, keys, lambda _cluster, _service: None))
    with Stubber(env.aws.ecs._client) as script:
        for _ in range(51):
            script.add_response("list_tasks", {"taskArns": []})
        for _ in range(51):
            env.aws.ecs.tasks("shop", "web")
    assert env.clock.now() == 0.1, "after half of 100 calls, half of 20 a second"


def test_every_operation_with_which_longshore_reads_has_a_rate() -> None:
    model: Any = botocore.session.get_session().get_service_model("ecs")
    limited = {operation for rate in RATES for operation in rate.operations}
    assert limited <= set(model.operation_names)
    assert limited == {
        "DescribeServices", "DescribeTasks", "ListTasks", "DescribeServiceDeployments", "ListServiceDeployments",
        "DescribeTaskDefinition",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "burst", "steady"),
    [
        ("DescribeServices", 100, 20),
        ("DescribeTasks", 100, 20),
        ("ListTasks", 100, 20),
        ("DescribeServiceDeployments", 50, 20),
        ("ListServiceDeployments", 50, 20),
        ("DescribeTaskDefinition", 50, 20),
    ],
)
def test_the_rates_are_those_that_aws_publishes(operation: str, burst: float, steady: float) -> None:
    (rate,) = [rate for rate in RATES if operation in rate.operations]
    assert (rate.burst, rate.steady) == (burst, steady)
    assert SHARE <= 0.5, "others need the rest"
