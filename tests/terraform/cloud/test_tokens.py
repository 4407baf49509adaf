from __future__ import annotations

import json
from pathlib import Path

import pytest

from longshore.errors import TerraformError
from longshore.masking import is_secret
from longshore.terraform.cloud.tokens import token, variable_name


def write(folder: Path, **tokens: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "credentials.tfrc.json"
    file.write_text(json.dumps({"credentials": {host.replace("_", "."): {"token": t} for host, t in tokens.items()}}))
    return file


def test_the_variable_name_of_a_host() -> None:
    assert variable_name("app.terraform.io") == "TF_TOKEN_app_terraform_io"
    assert variable_name("my-host.example.com") == "TF_TOKEN_my__host_example_com"
    assert is_secret(variable_name("app.terraform.io"))


def test_the_order_of_places_for_a_token(
    tmp_path: Path,
) -> None:
    environ = {"HOME": str(tmp_path), "TF_CLI_CONFIG_FILE": str(tmp_path / "own" / "terraform.rc")}
    write(tmp_path / ".terraform.d", app_terraform_io="of-the-home", other_example_com="other")
    assert token("app.terraform.io", environ) == "of-the-home"
    write(tmp_path / "own", app_terraform_io="beside-the-configuration")
    assert token("app.terraform.io", environ) == "beside-the-configuration"
    assert token("other.example.com", environ) == "other"
    assert token("app.terraform.io", environ | {"TF_TOKEN_app_terraform_io": "first"}) == "first"


def test_a_missing_token_names_the_ways_to_set_one(tmp_path: Path) -> None:
    with pytest.raises(TerraformError) as caught:
        token("app.terraform.io", {"HOME": str(tmp_path)})
    assert "terraform login app.terraform.io" in caught.value.hint
    assert "TF_TOKEN_app_terraform_io" in caught.value.hint


def test_an_invalid_credentials_file_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / ".terraform.d")
    file.write_text("{")
    with pytest.raises(TerraformError, match=r"credentials\.tfrc\.json"):
        token("app.terraform.io", {"HOME": str(tmp_path)})


@pytest.mark.parametrize("around", ["\n", "\r\n", " "])
def test_whitespace_around_a_token_is_removed(tmp_path: Path, around: str) -> None:
    name = "TF_TOKEN_app_terraform_io"
    assert token("app.terraform.io", {"HOME": str(tmp_path), name: f"abcdef{around}"}) == "abcdef"
    write(tmp_path / ".terraform.d", app_terraform_io=f"abcdef{around}")
    assert token("app.terraform.io", {"HOME": str(tmp_path), name: around}) == "abcdef"


@pytest.mark.parametrize("given", ["canary\nof two lines", "canary\u2013"])
def test_a_token_invalid_in_a_header_is_refused_and_not_shown(tmp_path: Path, given: str) -> None:
    with pytest.raises(TerraformError, match="the value in TF_TOKEN_app_terraform_io is not a valid token") as caught:
        token("app.terraform.io", {"HOME": str(tmp_path), "TF_TOKEN_app_terraform_io": given})
    assert "canary" not in f"{caught.value}{caught.value.hint}"
