"""docs/getting-started.md and docs/walkthrough.md, one after the other, followed to the letter on a new sandbox."""

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
from tests.e2e.walkthrough import PAGES, Commands, File, read

pytestmark = pytest.mark.e2e

PREPARED = ("make setup", "source .venv/bin/activate")
"""Commands that a machine needs once. The long test runs them; the other one uses the packages of the tests."""

PATIENCE = 180
FIRST, BACK = "Minute 7: the first release", "Minute 8: a second release, and back"
REMOTE, FROM_HERE, BY_PUSH = "Release there", "Build there, release from here", "A push is enough"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    copy = whole(tmp_path / "shop")
    try:
        yield copy
    finally:
        copy.invoke("sandbox.down", expect=None)


@pytest.mark.parametrize("setup", [False, pytest.param(True, marks=pytest.mark.long)], ids=["prepared", "from nothing"])
def test_the_pages_lead_to_releases_by_a_push(project: Project, setup: object) -> None:
    pages: dict[str, str] = {}
    printed: dict[str, str] = {}
    for step in (step for page in PAGES for step in read(page.read_text())):
        if isinstance(step, File):
            step.write(project.folder)
            continue
        output = type_in(project, step, setup=bool(setup))
        printed[step.section] = printed.get(step.section, "") + output
        if step.section == BY_PUSH:
            pages[step.section] = awaited(project, "The very best shop, version v1.0.4")
        elif step.section in (FIRST, BACK, REMOTE, FROM_HERE):
            pages[step.section] = page_of(project)
    assert "The shop, version v1.0.0" in printed[FIRST]
    assert "The better shop, version v1.0.2" in printed[REMOTE]
    assert pages == {
        FIRST: "The shop, version v1.0.0\n",
        BACK: "The shop, version v1.0.0\n",
        REMOTE: "The better shop, version v1.0.2\n",
        FROM_HERE: "The best shop, version v1.0.3\n",
        BY_PUSH: "The very best shop, version v1.0.4\n",
    }
    history = project.invoke("history", "--json").json()
    assert [(release["kind"], release["version"], release["verdict"]) for release in history] == [
        ("release", "v1.0.4", "succeeded"),
        ("release", "v1.0.3", "succeeded"),
        ("release", "v1.0.2", "succeeded"),
        ("rollback", "v1.0.0", "succeeded"),
        ("release", "v1.0.1", "succeeded"),
        ("release", "v1.0.0", "succeeded"),
    ]
    by_push, from_here, remote = history[:3]
    assert by_push["actor"]["build"].startswith("shop-sandbox-release:")
    assert by_push["actor"]["initiator"].startswith("GitHub-Hookshot/")
    assert by_push["commit"] == head(project)
    assert from_here["build"]["id"].startswith("shop-build:")
    assert remote["actor"]["build"].startswith("shop-sandbox-release:")
    assert "assumed-role/shop-sandbox-release" in remote["actor"]["arn"]
    assert project.invoke("plan", expect=None).code == 0


def type_in(project: Project, commands: Commands, *, setup: bool) -> str:
    """Types commands into a shell, as the page has them; returns their output."""
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


def page_of(project: Project) -> str:
    with urlopen(project.url("shop-sandbox-web"), timeout=10) as answer:
        return str(answer.read().decode())


def awaited(project: Project, wanted: str) -> str:
    """The page, once it shows the text and the release that brought it has been recorded."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if wanted in page_of(project) and project.invoke("history", "--json").json()[0]["verdict"] == "succeeded":
            break
        time.sleep(1)
    return page_of(project)


def head(project: Project) -> str:
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True
    ).stdout.strip()
