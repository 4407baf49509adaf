"""A dry run on real Terraform, a real registry and real containers: the sandbox's request log has reads only."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import Answer, Project, invoke_yaml, make

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make(tmp_path_factory.mktemp("dry-run"))
    made.write("invoke.yaml", invoke_yaml(deadlines={"bake": 1}))
    try:
        made.invoke("sandbox.up")
        made.commit("storefront", "First")
        made.invoke("bootstrap", "--yes")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


def everything(project: Project) -> dict[str, Any]:
    """All that a dry run could change: the ledger, the files of the tree, and the repository's status."""
    files = [path for path in sorted(project.folder.rglob("*")) if path.is_file()]
    own = project.folder / ".longshore"
    status = ["git", "status", "--porcelain", "--ignored"]
    return {
        "ledger": project.client("dynamodb").scan(TableName="storefront-releases")["Items"],
        "tags": project.client("ecr").list_images(repositoryName="storefront/app")["imageIds"],
        "files": {str(f): digest(f) for f in files if own not in f.parents},
        "status": subprocess.run(
            status, cwd=project.folder / "storefront", capture_output=True, text=True, check=True
        ).stdout,
    }


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def rehearse(project: Project, *arguments: str, expect: int) -> Answer:
    """A dry run, after which everything is as it was."""
    with only_reading(project):
        return project.invoke("release", "--dry-run", *arguments, expect=expect)


@contextmanager
def only_reading(project: Project) -> Iterator[None]:
    """The commands in the block make requests, and change nothing."""
    before, (since, _) = everything(project), project.requests()
    yield
    _, requests = project.requests(since)
    assert requests
    assert [f"{r['service']}:{r['operation']}" for r in requests if r["mutating"]] == []
    assert everything(project) == before


def test_a_dry_run_only_reads(project: Project) -> None:
    """Before the first release, before and after a build, with a dirty tree, and while the environment is locked."""
    first = rehearse(project, "--json", expect=20).json()
    assert (first["version"], first["previous_version"]) == ("v1.0.0", "unreleased")
    assert [image["action"] for image in first["images"]] == ["build"]

    released = project.invoke("release", "--yes", "--json").json()
    assert first["changes"] == released["changes"]
    again = rehearse(project, "--json", expect=20).json()
    assert (again["version"], [image["action"] for image in again["images"]]) == ("v1.0.1", ["reuse"])
    assert again["images"][0]["digest"] == released["images"]["app"]["digest"]
    assert [(wave["number"], bool(wave["migration"])) for wave in again["waves"]] == [(1, True), (2, False)]

    for command in ("plan", "drift", "status", "history", "doctor", "lock.status", "version"):
        with only_reading(project):
            project.invoke(command)
    project.write("storefront/greeting.txt", "Second\n")
    dirty = rehearse(project, "--json", expect=1).json()
    assert "uncommitted changes" in dirty["refusals"][0]["message"]
    assert dirty["changes"]
    project.commit("storefront", "Second")
    assert [i["action"] for i in rehearse(project, "--json", expect=20).json()["images"]] == ["build"]
    project.invoke("build")
    built = rehearse(project, "--json", expect=20).json()
    assert (built["version"], [image["action"] for image in built["images"]]) == ("v1.0.2", ["reuse"])

    project.invoke("lock.take", "--why", "a database is moved")
    locked = rehearse(project, expect=3)
    assert "the release would be refused: sandbox is locked by" in locked.err
    assert "v1.0.2" in locked.out
