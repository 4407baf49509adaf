from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from longshore.config.target import Stack
from longshore.errors import TerraformError
from longshore.terraform.cloud.api import Api
from longshore.terraform.cloud.archive import pack
from longshore.terraform.cloud.configuration import commit_mismatch, upload
from tests.fakes.terraform_cloud import HOST, TOKEN, FakeTime, FakeTransport, workspace_state


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text("# a root")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "First"]):
        who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *who, *command], cwd=tmp_path, check=True)
    return tmp_path


def commit(clone: Path) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True
    ).stdout.strip()


def warning(clone: Path, sha: str | None) -> str:
    fake, time = FakeTransport(), FakeTime()
    included = [{"type": "ingress-attributes", "attributes": {"commit-sha": sha}}] if sha else []
    fake.reply("GET runs/run-1", {"data": {}, "included": included})
    return commit_mismatch(Api(HOST, TOKEN, fake, time.clock()), "run-1", clone)


def test_a_different_commit_of_the_connected_branch_is_reported(clone: Path) -> None:
    here = commit(clone)
    assert warning(clone, here) == ""
    assert warning(clone, "f" * 40) == f"run-1 plans the connected branch at ffffffffffff; this clone is at {here[:12]}"
    assert warning(clone, None) == ""


def test_files_in_terraformignore_are_not_uploaded(clone: Path) -> None:
    for name in ("app/main.tf", "app/secrets/key", "app/notes.md", "app/kept.md", "app/.gitignore"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("secrets/\n")
    (clone / ".terraformignore").write_text("# what no run needs\nsecrets/\n*.md\n!kept.md\n")
    subprocess.run(["git", "add", "app/notes.md"], cwd=clone, check=True)
    stack = Stack("shop-test", clone / "app", (), clone, {})
    with tarfile.open(fileobj=io.BytesIO(pack(clone, stack))) as archive:
        assert sorted(archive.getnames()) == ["app/.gitignore", "app/kept.md", "app/main.tf"]


def test_without_a_repository_no_commits_are_compared(tmp_path: Path) -> None:
    assert warning(tmp_path, "f" * 40) == ""


def _uploaded(tmp_path: Path, *states: dict[str, Any]) -> str:
    fake, time = FakeTransport(), FakeTime()
    url = "https://archive.example.com/upload"
    fake.reply(
        "POST workspaces/ws-1/configuration-versions", {"data": {"id": "cv-1", "attributes": {"upload-url": url}}}
    )
    fake.reply("PUT /upload", b"")
    fake.reply("GET configuration-versions/cv-1", *({"data": {"attributes": state}} for state in states))
    root = tmp_path / "app"
    root.mkdir()
    stack = Stack("shop-test", root, (), tmp_path, {})
    return upload(
        Api(HOST, TOKEN, fake, time.clock()), workspace_state(), tmp_path, stack, time.clock(), plan_only=False
    )


def test_the_upload_waits_until_the_configuration_is_processed(tmp_path: Path) -> None:
    assert _uploaded(tmp_path, {"status": "pending"}, {"status": "uploaded"}) == "cv-1"


def test_a_rejected_configuration_is_reported(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="too large"):
        _uploaded(tmp_path, {"status": "errored", "error-message": "it is too large"})


def test_the_wait_for_a_configuration_has_a_limit(tmp_path: Path) -> None:
    with pytest.raises(TerraformError, match="still pending after 120 s"):
        _uploaded(tmp_path, {"status": "pending"})
