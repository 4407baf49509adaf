"""The stand-in for Terraform Cloud, over HTTP, without terraform."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from longshore.clock import Clock
from longshore.errors import CloudError
from longshore.sandbox.terraform_cloud.execution import Terraform
from longshore.sandbox.terraform_cloud.model import Run, Workspace
from longshore.sandbox.terraform_cloud.serving import serve
from longshore.terraform.cloud.api import Api, HttpTransport
from tests.fakes.terraform_cloud import ScriptedExecution

TOKEN = "the-secret"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with ExitStack() as cleanup:
        yield Api(serve(tmp_path / "kept", TOKEN, ScriptedExecution(), cleanup), TOKEN, HttpTransport(), Clock())


def workspace(api: Api) -> str:
    document = {"data": {"type": "workspaces", "attributes": {"name": "shop"}}}
    return str(api.send("POST", "organizations/acme/workspaces", document)["data"]["id"])


def uploaded(api: Api, where: str, *, speculative: bool = False) -> str:
    document = {"data": {"attributes": {"speculative": speculative}}}
    configuration = api.send("POST", f"workspaces/{where}/configuration-versions", document)["data"]
    assert configuration["attributes"]["status"] == "pending"
    api.upload(configuration["attributes"]["upload-url"], b"tar")
    assert api.get(f"configuration-versions/{configuration['id']}")["data"]["attributes"]["status"] == "uploaded"
    return str(configuration["id"])


def run(api: Api, where: str, configuration: str = "", tag: str = "") -> str:
    related = {"workspace": {"data": {"id": where}}, "configuration-version": {"data": {"id": configuration}}}
    variables = [{"key": "image_tag", "value": json.dumps(tag)}] if tag else []
    document = {"data": {"attributes": {"variables": variables}, "relationships": related}}
    return str(api.send("POST", "runs", document)["data"]["id"])


def becomes(api: Api, which: str, status: str) -> dict[str, Any]:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        attributes = dict(api.get(f"runs/{which}")["data"]["attributes"])
        if attributes["status"] == status:
            return attributes
        time.sleep(0.02)
    raise AssertionError(f"{attributes['status']}, not {status}")


def test_a_run_does_not_inherit_the_operators_aws_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim, seen = tmp_path / "terraform", tmp_path / "seen"
    shim.write_text(f"#!/bin/sh\nenv >> {seen}\nexit 1\n")
    shim.chmod(0o755)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-person")
    monkeypatch.setenv("AWS_PROFILE", "of-a-person")
    monkeypatch.setenv("TF_CLI_ARGS", "of-a-person")
    archive = tmp_path / "archive"
    tarfile.open(archive, "w:gz").close()
    where = Workspace("ws-1", "acme", tmp_path, {"name": "shop"})
    planned = Run("run-1", "ws-1", "cv-1", tmp_path / "run-1", "m", [], plan_only=False, destroy=False)
    assert Terraform({"AWS_ACCESS_KEY_ID": "sandbox"}, str(shim)).plan(where, planned, archive) is None
    assert "AWS_ACCESS_KEY_ID=sandbox" in seen.read_text()
    assert "of-a-person" not in seen.read_text()


def test_only_the_token_is_accepted(api: Api) -> None:
    for token in ("", "another"):
        with pytest.raises(CloudError) as caught:
            Api(api.url, token, HttpTransport(), Clock()).get("organizations/acme/workspaces/shop")
        assert caught.value.status == 401


@pytest.mark.parametrize("path", ["runs/run-1", "workspaces/ws-1", "plans/plan-1", "organizations/acme/workspaces/x"])
def test_missing_objects_are_not_found(api: Api, path: str) -> None:
    with pytest.raises(CloudError) as caught:
        api.get(path)
    assert caught.value.status == 404


def test_a_name_is_taken_once(api: Api) -> None:
    workspace(api)
    with pytest.raises(CloudError, match="taken"):
        workspace(api)


def test_a_run_requires_a_configuration_and_uses_the_latest_by_default(api: Api) -> None:
    where = workspace(api)
    with pytest.raises(CloudError, match="Configuration"):
        run(api, where)
    uploaded(api, where)
    assert becomes(api, run(api, where), "planned_and_finished")["has-changes"] is False


def test_runs_queue_but_plan_only_runs_do_not(api: Api) -> None:
    where = workspace(api)
    configuration = uploaded(api, where)
    first = run(api, where, configuration, "v1")
    becomes(api, first, "policy_checked")
    second = run(api, where, configuration, "v2")
    looks = run(api, where, uploaded(api, where, speculative=True), "v3")
    assert becomes(api, looks, "planned_and_finished")["plan-only"] is True
    assert becomes(api, second, "pending")["position-in-queue"] == 1
    current = api.get(f"workspaces/{where}")["data"]["relationships"]["current-run"]["data"]["id"]
    assert current == first
    api.send("POST", f"runs/{first}/actions/apply", {})
    becomes(api, first, "applied")
    becomes(api, second, "policy_checked")
    api.send("POST", f"runs/{second}/actions/discard", {})
    becomes(api, second, "discarded")


def test_an_action_that_a_run_does_not_allow_is_a_conflict(api: Api) -> None:
    where = workspace(api)
    which = run(api, where, uploaded(api, where))
    becomes(api, which, "planned_and_finished")
    for action in ("apply", "discard", "cancel"):
        with pytest.raises(CloudError) as caught:
            api.send("POST", f"runs/{which}/actions/{action}", {})
        assert caught.value.status == 409


def test_a_log_is_served_between_its_markers_and_from_any_offset(api: Api) -> None:
    where = workspace(api)
    which = run(api, where, uploaded(api, where))
    becomes(api, which, "planned_and_finished")
    url = api.get(f"plans/{which.replace('run-', 'plan-')}")["data"]["attributes"]["log-read-url"]
    whole = api.download(url)
    assert (whole[:1], whole[-1:]) == (b"\x02", b"\x03")
    assert api.download(url, {"offset": 5, "limit": 7}) == whole[5:12]
    assert api.download(url, {"offset": len(whole)}) == b""


def test_a_sensitive_output_has_no_value(api: Api) -> None:
    where = workspace(api)
    which = run(api, where, uploaded(api, where), "v1")
    becomes(api, which, "policy_checked")
    api.send("POST", f"runs/{which}/actions/apply", {})
    becomes(api, which, "applied")
    state = api.get(f"workspaces/{where}/current-state-version")["data"]
    assert state["relationships"]["run"]["data"]["id"] == which
    outputs = api.get(f"state-versions/{state['id']}/outputs")["data"]
    assert {output["attributes"]["name"]: output["attributes"]["value"] for output in outputs} == {
        "release": {"image_tag": '"v1"'},
        "secret": None,
    }


def test_an_unknown_fault_is_refused_and_the_valid_ones_are_listed(api: Api) -> None:
    page, signed = f"{api.url}/_sandbox/script", {"Authorization": f"Bearer {TOKEN}"}
    with urlopen(Request(page, headers=signed)) as answer:
        assert json.load(answer) == []
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(page, b'["politics"]', signed))
    with caught.value as answer:
        assert (answer.code, b"the faults are " in answer.read()) == (400, True)


def test_the_faults_are_closed_to_callers_without_the_token(api: Api) -> None:
    for method in ("GET", "POST", "DELETE"):
        with pytest.raises(HTTPError) as caught:
            urlopen(Request(f"{api.url}/_sandbox/script", b"[]" if method == "POST" else None, method=method))
        with caught.value as answer:
            assert answer.code == 401
