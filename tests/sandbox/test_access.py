"""Finding the sandbox, from outside and from inside one of its builds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.aws.session import Aws
from longshore.clock import Clock
from longshore.environment import access
from longshore.sandbox import processes, state
from tests.sandbox.test_control import STATE

WAITS = "import sys; print('ready', flush=True); sys.stdin.read()"
PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A folder whose sandbox seems to be running."""
    folder = tmp_path / ".longshore" / "sandbox"
    folder.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", WAITS, str(folder)], **PIPES) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        state.save(replace(STATE, pid=process.pid, directory=folder))
        yield folder


def target(root: Path) -> Any:
    return SimpleNamespace(
        root=root, region="eu-central-1", environment="sandbox", env=SimpleNamespace(endpoint="sandbox", base_url=None)
    )


def test_outside_a_build_the_sandboxs_own_key_is_used(directory: Path, tmp_path: Path) -> None:
    resolved = access.resolve(target(tmp_path))

    assert resolved.endpoint_url == STATE.endpoint
    assert resolved.environ["AWS_ACCESS_KEY_ID"] == STATE.access_key_id


def test_inside_a_build_the_credentials_of_its_role_are_used(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    monkeypatch.setenv("LONGSHORE_SANDBOX", str(directory))
    for name, value in {"ACCESS_KEY_ID": "ASIAROLE", "SECRET_ACCESS_KEY": "secret", "SESSION_TOKEN": "token"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    resolved = access.resolve(target(clone))

    assert resolved.environ == {
        "AWS_ENDPOINT_URL": STATE.endpoint,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    passed_on = resolved.process_environment()
    assert (passed_on["AWS_ACCESS_KEY_ID"], passed_on["AWS_SESSION_TOKEN"]) == ("ASIAROLE", "token")
    credentials = Aws(resolved, Clock())._session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.token) == ("ASIAROLE", "token")


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:1"])
def test_the_shells_endpoints_reach_neither_terraform_nor_boto3(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_DYNAMODB"):
        monkeypatch.setenv(name, "http://127.0.0.1:18555")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false" if endpoint is None else "true")
    own = {"AWS_ENDPOINT_URL": endpoint} if endpoint else {}
    resolved = access.Access("eu-central-1", own, lambda _cluster, _service: None)

    passed_on = resolved.process_environment()
    assert {name: value for name, value in passed_on.items() if "ENDPOINT_URL" in name} == (
        own or {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    )
    aws = Aws(resolved, Clock())
    for service in ("ecs", "s3", "dynamodb"):
        assert aws._client(service).meta.endpoint_url.startswith(endpoint or "https://")


def test_processes_with_all_of_some_variables_are_ended(tmp_path: Path) -> None:
    mark = f"LONGSHORE_TEST={tmp_path}"
    both = os.environ | {"LONGSHORE_TEST": str(tmp_path), "CODEBUILD_BUILD_ID": "p:1"}
    one = os.environ | {"LONGSHORE_TEST": str(tmp_path)}
    command = [sys.executable, "-c", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"]
    with subprocess.Popen(command, env=both, **PIPES) as first, subprocess.Popen(command, env=one, **PIPES) as second:
        for each in (first, second):
            assert each.stdout
            assert each.stdout.readline() == b"ready\n"

        assert processes.end_all((mark, "CODEBUILD_BUILD_ID="), grace=0.1) == [first.pid]
        assert processes.end_all((mark, "CODEBUILD_BUILD_ID="), grace=0.1) == []
        assert first.wait() == -9
        assert second.poll() is None
