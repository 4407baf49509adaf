"""What decides a boto3 session: the environment that Terraform gets as well, and nothing else of the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longshore.aws.session import Aws
from longshore.clock import Clock
from longshore.environment.access import Access
from longshore.errors import AwsError, ConfigError

REGION = {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIAOWN", "AWS_SECRET_ACCESS_KEY": "own"}
SANDBOX = {**REGION, **KEYS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


BASE_PROFILE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = x\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without AWS files."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path


def aws(own: dict[str, str] = REGION) -> Aws:
    return Aws(Access("eu-central-1", own, lambda _cluster, _service: None), Clock())


def keys(own: dict[str, str] = REGION) -> Any:
    credentials = aws(own)._session.get_credentials()
    return credentials and (credentials.access_key, credentials.token)


def write_config(home: Path, text: str) -> None:
    (home / ".aws" / "config").write_text(text)


def set_all(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_keys_in_the_environment_win_over_a_profile_as_in_terraform(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, "[profile ops]\naws_access_key_id = AKIAOPS\naws_secret_access_key = x\n")
    set_all(monkeypatch, AWS_PROFILE="ops")
    assert keys() == ("AKIAOPS", None)
    set_all(monkeypatch, AWS_ACCESS_KEY_ID="AKIAENV", AWS_SECRET_ACCESS_KEY="x", AWS_SESSION_TOKEN="t")
    assert keys() == ("AKIAENV", "t")


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_PROFILE": "stale"},
        {"AWS_DEFAULT_PROFILE": "stale"},
        {"AWS_CONFIG_FILE": "/no/such"},
        {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_CA_BUNDLE": "/no/such"},
        {"AWS_SECURITY_TOKEN": "old", "AWS_SESSION_TOKEN": "new"},
    ],
)
def test_the_sandbox_is_reached_whatever_your_session_is(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    set_all(monkeypatch, **variables)
    assert keys(SANDBOX) == ("AKIAOWN", None)
    client = aws(SANDBOX)._client("ecs")
    request = client.generate_presigned_url("list_clusters")
    assert request.startswith("http://127.0.0.1:1/")


def test_your_config_file_does_not_reach_the_sandbox(home: Path) -> None:
    write_config(home, "[default]\nuse_fips_endpoint = true\nregion = us-gov-west-1\nca_bundle = /no/such\n")
    client = aws(SANDBOX)._client("ecs")
    assert client.generate_presigned_url("list_clusters").startswith("http://127.0.0.1:1/")
    assert client.meta.region_name == "eu-central-1"


def test_a_proxy_gets_no_call_for_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    assert aws(SANDBOX)._client("ecs")._endpoint.http_session._proxy_config.proxy_url_for("http://127.0.0.1:1") is None


def test_a_proxy_gets_calls_for_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, https_proxy="http://127.0.0.1:9", no_proxy="")
    proxies = aws()._client("ecs")._endpoint.http_session._proxy_config
    assert proxies.proxy_url_for("https://ecs.eu-central-1.amazonaws.com") == "http://127.0.0.1:9"


def test_models_in_your_home_folder_are_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "models" / "ecs" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text("{}")
    set_all(monkeypatch, AWS_DATA_PATH=str(home / "models"))
    assert aws(SANDBOX)._client("ecs").meta.service_model.api_version == "2014-11-13"


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_a_role_is_assumed_at_aws_and_not_at_an_endpoint_of_the_shell(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    role = "role_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = base\n"
    write_config(
        home,
        f"[profile ops]\n{role}services = local\n[services local]\nsts =\n  endpoint_url = http://127.0.0.1:7\n"
        + BASE_PROFILE,
    )
    set_all(monkeypatch, AWS_PROFILE="ops", **{variable: "http://127.0.0.1:8"})
    credentials: Any = aws()._session.get_credentials()
    client = credentials._refresh_using.__self__._client_creator(
        "sts", region_name=None, aws_access_key_id="x", aws_secret_access_key="x"
    )
    assert client.meta.endpoint_url == "https://sts.eu-central-1.amazonaws.com"


def test_an_empty_certificate_bundle_does_not_switch_verification_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    set_all(monkeypatch, AWS_CA_BUNDLE="")
    assert aws()._client("ecs")._endpoint.http_session._verify is True


@pytest.mark.parametrize(
    ("process", "said"),
    [
        ("echo no such login; exit 3", ""),
        ("echo not json", "Expecting value"),
        ("echo []", "list"),
        ("echo '{\"Version\": 1}'", "AccessKeyId"),
    ],
)
def test_a_credential_process_that_fails_is_named_with_its_profile(
    home: Path, monkeypatch: pytest.MonkeyPatch, process: str, said: str
) -> None:
    script = home / "process"
    script.write_text(f"#!/bin/sh\n{process}\n")
    script.chmod(0o755)
    write_config(home, f"[profile ops]\ncredential_process = {script}\n")
    set_all(monkeypatch, AWS_PROFILE="ops")
    with pytest.raises(AwsError, match="cannot get credentials from profile ops") as refused:
        aws()._client("ecs")
    assert said in refused.value.message


def test_a_credential_process_that_does_not_exist_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_config(home, "[profile ops]\ncredential_process = /no/such/program\n")
    set_all(monkeypatch, AWS_PROFILE="ops")
    with pytest.raises(AwsError, match=r"profile ops: .*/no/such/program"):
        aws()._client("ecs")


@pytest.mark.parametrize("profile", ["ops", "chained"])
def test_a_profile_that_asks_for_an_mfa_code_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    role = "role_arn = arn:aws:iam::123456789012:role/deploy\n"
    write_config(
        home,
        f"[profile ops]\n{role}source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ann\n"
        f"[profile chained]\n{role}source_profile = ops\n" + BASE_PROFILE,
    )
    set_all(monkeypatch, AWS_PROFILE=profile)
    with pytest.raises(ConfigError, match="profile ops asks for an MFA code"):
        aws()


def test_the_old_sources_of_boto_are_not_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".boto").write_text("[Credentials]\naws_access_key_id = AKIABOTO\naws_secret_access_key = x\n")
    set_all(monkeypatch, BOTO_CONFIG=str(home / ".boto"), AWS_ACCESS_KEY="AKIAOLD", AWS_SECRET_KEY="x")
    assert keys() is None
