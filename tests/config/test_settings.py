from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longshore.config.settings import load
from longshore.config.target import Workspace, select
from longshore.errors import ConfigError
from longshore.verdict import ExitCode, exit_code_of


def settings(**environment: Any) -> dict[str, Any]:
    return {
        "applications": {
            "shop": {
                "region": "eu-central-1",
                "environments": {"test": {"account": "123456789012", **environment}},
            }
        }
    }


def test_one_application_and_one_image_are_the_default() -> None:
    target = select(load(settings()), Path("/project"), None, "test")
    assert target.application == "shop"
    assert list(target.app.images) == ["app"]
    assert target.stack.directory == Path("/project/terraform/app")
    assert target.stack.var_files == (Path("/project/environments/test.tfvars"),)
    assert target.stack.backend == {
        "bucket": "shop-123456789012-eu-central-1-tfstate",
        "key": "shop/test.tfstate",
        "region": "eu-central-1",
    }


def test_a_complete_backend_block_gets_no_settings() -> None:
    target = select(load(settings(backend=None)), Path("/project"), "shop", "test")
    assert target.stack.backend == {}


def test_all_errors_are_reported_together_with_the_paths_of_their_keys() -> None:
    raw = settings(acount="1", deadlines={"rollout": -1}) | {"sandbox": {"prt": 1}}
    raw["applications"]["shop"]["terraform"] = {"dirr": "x"}
    raw["applications"]["shop"]["environments"]["test"]["account"] = 12345
    with pytest.raises(ConfigError) as caught:
        load(raw)
    assert exit_code_of(caught.value) == ExitCode.USAGE
    assert caught.value.message.splitlines() == [
        "invoke.yaml has 5 errors:",
        "  longshore.applications.shop.terraform.dirr: unknown key; did you mean 'dir'?",
        "  longshore.applications.shop.environments.test.account: must be a string, got 12345 (put it in quotes)",
        "  longshore.applications.shop.environments.test.deadlines.rollout: Input should be greater than 0, got -1",
        "  longshore.applications.shop.environments.test.acount: unknown key; did you mean 'account'?",
        "  longshore.sandbox.prt: unknown key; did you mean 'port'?",
    ]


def test_an_unknown_environment_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"no environment of shop 'tset'; did you mean 'test'\?"):
        select(load(settings()), Path(), None, "tset")


def test_several_applications_need_a_choice() -> None:
    raw = settings()
    raw["applications"]["blog"] = raw["applications"]["shop"]
    with pytest.raises(ConfigError, match="several applications: blog, shop"):
        select(load(raw), Path(), None, "test")


def test_an_unknown_placeholder_in_a_path_is_refused() -> None:
    raw = settings()
    raw["applications"]["shop"]["terraform"] = {"var_files": ["{enviroment}.tfvars"]}
    with pytest.raises(ConfigError, match=r"unknown placeholder 'enviroment'"):
        select(load(raw), Path(), None, "test")


def test_missing_settings_are_an_error() -> None:
    with pytest.raises(ConfigError, match="no settings under longshore:"):
        load({})


def cloud(**fields: Any) -> dict[str, Any]:
    return settings(terraform={"cloud": {"organization": "acme", "workspace": "{application}-{environment}", **fields}})


def test_an_environment_on_terraform_cloud_has_a_workspace_instead_of_a_backend() -> None:
    target = select(load(cloud(project="{application}s")), Path("/project"), None, "test")
    assert target.stack.workspace == Workspace("app.terraform.io", "acme", "shop-test", "shops")
    assert target.stack.backend == {}
    assert target.foundation is not None
    assert target.foundation.workspace is None
    assert target.foundation.backend["key"] == "shop/foundation.tfstate"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"workspace": "a workspace"}, "environments.test.terraform.cloud.workspace: 'a workspace' does not match"),
        ({"hostname": "https://x"}, "environments.test.terraform.cloud.hostname: 'https://x' does not match"),
        ({"organisation": "x"}, "terraform.cloud.organisation: unknown key; did you mean 'organization'?"),
        ({"workspace": None}, "environments.test.terraform.cloud.workspace: must be a string"),
    ],
)
def test_errors_in_the_settings_of_terraform_cloud(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(cloud(**fields))
    assert message in caught.value.message


def test_an_unknown_placeholder_in_a_workspace_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown placeholder 'stage'"):
        select(load(cloud(workspace="{application}-{stage}")), Path("/project"), None, "test")


@pytest.mark.parametrize("key", ["endpoint", "base_url"])
@pytest.mark.parametrize(
    ("url", "refusal"),
    [
        ("https://ann:canary@shop.example", "must not contain a user name or a password"),
        ("https://canary@shop.example", "must not contain a user name or a password"),
        ("ftp://ann:canary@shop.example", "'ftp://(masked)@shop.example' is not a URL"),
        (f"ftp://ann:canary{'x' * 80}@shop.example", "'ftp://(masked)@shop.example' is not a URL"),
    ],
)
def test_a_url_with_a_login_is_refused_and_not_shown(key: str, url: str, refusal: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(settings(**{key: url}))
    assert f"{key}: {refusal}" in caught.value.message
    assert "canary" not in caught.value.message
