from __future__ import annotations

import pytest
from invoke.config import Config

from longshore.environment.environment import Environment, open_environment
from longshore.errors import LongshoreError
from longshore.masking import MASK, shared_masks, sharing_masks
from tests.fakes.samples import release_output

ENVIRONMENTS = {"test": {"account": "123456789012"}, "live-eu": {"account": "123456789012"}}
SETTINGS = {"applications": {"shop": {"region": "eu-west-1", "environments": ENVIRONMENTS}}}


def opened(environment: str) -> Environment:
    return open_environment(Config(overrides={"longshore": SETTINGS}), "shop", environment)


def test_names_of_the_configuration_and_of_the_contract_are_not_masked() -> None:
    output = release_output()
    configured = ["live-eu", "shop-test-release", "shop-releases", "shop/app", "eu-west-1", "123456789012"]
    described = [output["cluster"], output["services"]["web"]["name"], output["services"]["web"]["log_group"], "worker"]
    with sharing_masks([*configured, *described, "hush-hush"]):
        env = opened("test")
        text = " ".join([*configured, "hush-hush"])
        assert env.console.masks.mask(text) == text.replace("hush-hush", MASK)
        env.contract({"release": output})
        text = " ".join([*described, "hush-hush"])
        assert env.console.masks.mask(text) == text.replace("hush-hush", MASK)


def test_an_error_about_an_unknown_environment_names_the_others() -> None:
    with sharing_masks(["live-eu"]):
        with pytest.raises(LongshoreError) as caught:
            opened("tset")
        masks = shared_masks()
    assert masks
    assert "live-eu" in masks.mask(f"{caught.value.message} {caught.value.hint}")
