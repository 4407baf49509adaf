"""docs/walkthrough.md, followed to the letter on a sandbox of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.project import Project, whole
from tests.e2e.walkthrough import PAGE, Commands, File, read

pytestmark = pytest.mark.e2e

PREPARED = ("make setup", "source .venv/bin/activate")
"""What a machine needs once, and this one has: the packages of the tests. The long test does it all the same."""
PATIENCE = 180
RELEASES_BY_ITSELF = "A push is enough"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = whole(tmp_path / "shop")
    try:
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


@pytest.mark.parametrize("setup", [False, pytest.param(True, marks=pytest.mark.long)], ids=["prepared", "from nothing"])
def test_the_walk_through_leads_to_releases_by_a_push(project: Project, setup: object) -> None:
    pages: dict[str, str] = {}
    for step in read(PAGE.read_text()):
        if isinstance(step, File):
            step.write(project.folder)
            continue
        said = type_in(project, step, setup=bool(setup))
        if step.section == "Three commands" and "invoke release" in step.text:
            pages[step.section] = page(project)
        elif step.section == "Three commands":
            assert "The shop, version v1.0.0" in said
        elif step.section == "Built there, released from here":
            pages[step.section] = page(project)
        elif step.section == RELEASES_BY_ITSELF:
            pages[step.section] = awaited(project, "The best shop, version v1.0.2")
    assert pages == {
        "Three commands": "The shop, version v1.0.0\n",
        "Built there, released from here": "The better shop, version v1.0.1\n",
        RELEASES_BY_ITSELF: "The best shop, version v1.0.2\n",
    }
    history = project.invoke("history", "--json").json()
    assert [(one["version"], one["verdict"]) for one in history] == [
        ("v1.0.2", "succeeded"),
        ("v1.0.1", "succeeded"),
        ("v1.0.0", "succeeded"),
    ]
    by_push, from_here, remote = history
    assert by_push["actor"]["build"].startswith("shop-sandbox-release:")
    assert by_push["actor"]["initiator"].startswith("GitHub-Hookshot/")
    assert by_push["commit"] == head(project)
    assert from_here["build"]["id"].startswith("shop-build:")
    assert remote["actor"]["build"].startswith("shop-sandbox-release:")
    assert "assumed-role/shop-sandbox-release" in remote["actor"]["arn"]
    assert project.invoke("plan", expect=None).code == 0


def type_in(project: Project, commands: Commands, *, setup: bool) -> str:
    """Types commands into a shell, as the page has them; returns what they said."""
    lines = [line for line in commands.text.splitlines() if setup or line not in PREPARED]
    active = [". .venv/bin/activate"] if setup and (project.folder / ".venv" / "bin" / "activate").exists() else []
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "INVOKE_", "LONGSHORE_", "ECS_"))}
    path = os.environ["PATH"] if setup else f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    author = {"GIT_AUTHOR_NAME": "Ann", "GIT_AUTHOR_EMAIL": "ann@example.com"}
    committer = {"GIT_COMMITTER_NAME": "Ann", "GIT_COMMITTER_EMAIL": "ann@example.com"}
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", "\n".join([*active, *lines])],
        cwd=project.folder,
        env=kept | author | committer | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{commands.text}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    return done.stdout


def page(project: Project) -> str:
    with urlopen(project.url("shop-sandbox-web"), timeout=10) as answer:
        return str(answer.read().decode())


def awaited(project: Project, wanted: str) -> str:
    """The page, once it is as wanted and the release that brought it has been recorded."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if wanted in page(project) and project.invoke("history", "--json").json()[0]["verdict"] == "succeeded":
            break
        time.sleep(1)
    return page(project)


def head(project: Project) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True
    ).stdout.strip()
