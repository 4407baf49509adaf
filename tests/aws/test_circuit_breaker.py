from __future__ import annotations

import botocore.loaders
import pytest

from longshore.aws.circuit_breaker import CircuitBreaker, circuit_breaker_of


@pytest.mark.parametrize(
    ("desired", "threshold"), [(0, 3), (1, 3), (2, 3), (6, 3), (7, 4), (20, 10), (25, 13), (400, 200), (1000, 200)]
)
def test_by_default_half_of_the_desired_count_is_too_many(desired: int, threshold: int) -> None:
    assert CircuitBreaker().threshold(desired) == threshold


@pytest.mark.parametrize(
    ("kind", "value", "desired", "threshold"),
    [
        ("COUNT", 5, 1000, 5),
        ("COUNT", 1, 20, 1),
        ("BOUNDED_PERCENT", 10, 20, 3),
        ("BOUNDED_PERCENT", 90, 1000, 200),
        ("UNBOUNDED_PERCENT", 50, 1000, 500),
        ("UNBOUNDED_PERCENT", 50, 2, 1),
        ("UNBOUNDED_PERCENT", 50, 0, 1),
    ],
)
def test_the_settings_of_a_service_replace_the_default(kind: str, value: int, desired: int, threshold: int) -> None:
    breaker = circuit_breaker_of(
        {"enable": True, "rollback": True, "thresholdConfiguration": {"type": kind, "value": value}}
    )
    assert breaker.threshold(desired) == threshold


def test_settings_that_are_missing_have_the_defaults_of_aws() -> None:
    assert circuit_breaker_of({}) == circuit_breaker_of({"enable": False, "rollback": False}) == CircuitBreaker()
    assert not circuit_breaker_of({"resetOnHealthyTask": False}).resets


def test_every_type_of_threshold_of_aws_has_its_rule() -> None:
    model = botocore.loaders.create_loader().load_service_model("ecs", "service-2")
    kinds = model["shapes"]["ThresholdType"]["enum"]
    assert sorted(kinds) == ["BOUNDED_PERCENT", "COUNT", "UNBOUNDED_PERCENT"]
    assert len({CircuitBreaker(threshold_type=kind, threshold_value=45).threshold(1000) for kind in kinds}) == 3
