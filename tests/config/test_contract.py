from __future__ import annotations

from typing import Any

import pytest

from longshore.config.contract import parse
from longshore.errors import ConfigError
from tests.fakes.samples import arn, release_output


def test_waves_are_listed_in_order() -> None:
    assert parse(release_output(), "shop", "test").waves() == [["worker"], ["web"]]


def broken(**changes: Any) -> dict[str, Any]:
    return release_output() | changes


def of_web(**changes: Any) -> dict[str, Any]:
    output = release_output()
    output["services"]["web"] |= changes
    return output


def migration(**launch: Any) -> dict[str, Any]:
    return dict(release_output()["migration"]) | {"launch": launch}


@pytest.mark.parametrize(
    ("output", "path"),
    [
        (broken(schema=2), "release.schema"),
        (broken(clutser="x"), "release.clutser"),
        (broken(services={}), "release.services"),
        (broken(images={}), "release.images"),
        (broken(verify=[{"service": "web", "path": "health"}]), "release.verify.0.path"),
        (broken(verify=[{"service": "wbe", "path": "/"}]), "verify: service 'wbe' is not in services"),
        (broken(migration={"task_definition": "migrate"}), "release.migration.task_definition"),
        (
            broken(migration=migration(type="FARGATE", capacity_provider_strategy=[{"weight": 1}])),
            "release.migration.launch.capacity_provider_strategy.0.capacity_provider",
        ),
        (broken(images={"other": {"repository": "shop/other"}}), "image 'app' is not in images"),
        (of_web(min_capacity=2), "services.web.min_capacity is set, but autoscaled is false"),
        (of_web(min_capacity=0, autoscaled=True), "release.services.web.min_capacity"),
    ],
)
def test_an_invalid_contract_is_refused_with_the_path_of_its_key(output: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(output, "shop", "test")
    assert path in caught.value.message


def test_a_task_definition_without_an_arn_is_refused() -> None:
    output = release_output()
    output["services"]["web"]["task_definition"] = "shop-test-web:2"
    with pytest.raises(ConfigError, match=r"release\.services\.web\.task_definition"):
        parse(output, "shop", "test")
    output["services"]["web"]["task_definition"] = arn("shop-test-web", 2)
    parse(output, "shop", "test")


def test_a_contract_of_another_environment_is_refused() -> None:
    with pytest.raises(ConfigError, match="describes shop/test, not shop/production"):
        parse(release_output(), "shop", "production")


def test_a_missing_output_suggests_bootstrap() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(None, "shop", "test")
    assert "invoke bootstrap -e test" in caught.value.hint


def test_a_migration_may_have_capacity_providers() -> None:
    strategy = [{"capacity_provider": "FARGATE_SPOT", "weight": 3}, {"capacity_provider": "FARGATE", "base": 1}]
    output = release_output() | {"migration": migration(type="FARGATE", capacity_provider_strategy=strategy)}
    parsed = parse(output, "shop", "test").migration
    assert parsed
    assert [(p.capacity_provider, p.weight, p.base) for p in parsed.launch.capacity_provider_strategy] == [
        ("FARGATE_SPOT", 3, 0),
        ("FARGATE", 1, 1),
    ]
