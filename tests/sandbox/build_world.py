"""A sandbox's CodeBuild in the test's process: builds run in bash, the rest is moto's."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore.sandbox import codebuild
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.serving import listen, serve
from longshore.sandbox.state import State, save
from tests.sandbox.moto_api import KEY, REGION, SECRET, aws

ACCOUNT_ID = "123456789012"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codebuild.amazonaws.com"}},
    ],
}
DEADLINE = 30.0


@dataclass
class World:
    """The AWS API with the sandbox's CodeBuild."""

    directory: Path
    endpoint: str
    log: RequestLog
    api: AwsApi
    builds: codebuild.Builds
    role: str = ""
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def codebuild(self) -> Any:
        return self.client("codebuild")

    @property
    def state(self) -> State:
        """The state that `control` needs for the sandbox's own pages."""
        return State(0, self.endpoint, "", REGION, ACCOUNT_ID, KEY, SECRET, self.directory, "")

    def client(self, service: str) -> Any:
        """A client, created once: creating one takes longer than a build."""
        if service not in self.clients:
            self.clients[service] = aws(service, self.endpoint)
        return self.clients[service]

    def create_role(self, trust: object = TRUST) -> str:
        """Create a service role, and return its ARN."""
        name = f"build-{uuid.uuid4().hex[:8]}"
        role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        return str(role["Role"]["Arn"])

    def project(self, spec: str = "", **given: Any) -> str:
        """Create a project with this buildspec, and return its name."""
        name = str(given.pop("name", f"shop-{uuid.uuid4().hex[:8]}-build"))
        environment = {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0"}
        environment |= {"computeType": "BUILD_GENERAL1_SMALL", **given.pop("environment", {})}
        source = given.pop("source", {"type": "NO_SOURCE", "buildspec": spec})
        fixed = {"artifacts": {"type": "NO_ARTIFACTS"}, "serviceRole": self.role}
        self.codebuild.create_project(name=name, source=source, environment=environment, **fixed | given)
        return name

    def start(self, project: str, **given: Any) -> str:
        """Start a build, and return its id."""
        return str(self.codebuild.start_build(projectName=project, **given)["build"]["id"])

    def look(self, build: str) -> Any:
        """A build as it is now."""
        return self.codebuild.batch_get_builds(ids=[build])["builds"][0]

    def wait(self, build: str, until: Callable[[Any], bool] = lambda build: bool(build["buildComplete"])) -> Any:
        """Wait until a build meets a condition, and return it."""
        deadline = time.monotonic() + DEADLINE
        while not until(current := self.look(build)):
            assert time.monotonic() < deadline, current
            time.sleep(0.01)
        return current

    def run(self, project: str, **given: Any) -> Any:
        """Start a build, and wait until it has ended."""
        return self.wait(self.start(project, **given))

    def build(self, spec: str, **given: Any) -> Any:
        """Run a build of a new project to its end."""
        return self.run(self.project(spec), **given)

    def lines(self, build: Any) -> list[str]:
        """The lines of the whole log."""
        where = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        events = self.client("logs").get_log_events(**where, startFromHead=True)["events"]
        assert all(event["message"].endswith("\n") for event in events)
        return [event["message"][:-1] for event in events]

    def output(self, build: Any) -> list[str]:
        """The output of the commands."""
        return [line for line in self.lines(build) if not line.startswith("[Container] ")]


@contextmanager
def world_in(directory: Path) -> Iterator[World]:
    """The API and CodeBuild of a sandbox that keeps its files in a directory."""
    directory.mkdir(parents=True)
    with listen(0) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
        builds = codebuild.Builds(codebuild.BuildHost(directory, endpoint, ACCOUNT_ID), grace=1.0)
        admin, log = codebuild.install(builds), RequestLog()
        api = AwsApi(
            moto_application(), AccessKeys(KEY, SECRET), log, lambda: {"builds": admin.status()}, (admin,), admin
        )
        server = serve(api, listener)
        world = World(directory, endpoint, log, api, builds)
        world.role = world.create_role()
        save(world.state)
        try:
            yield world
        finally:
            builds.close()
            server.shutdown()
            server.server_close()


def commands(**phases: list[str]) -> str:
    """A buildspec with these commands."""
    return json.dumps({"version": "0.2", "phases": {name: {"commands": lines} for name, lines in phases.items()}})


def phases(build: Any) -> list[tuple[str, str]]:
    """The phases with their statuses."""
    return [(phase["phaseType"], phase.get("phaseStatus", "")) for phase in build["phases"]]


def context(build: Any, phase: str) -> tuple[str, str]:
    """Status code and message of a phase."""
    phase_context = next(entry for entry in build["phases"] if entry["phaseType"] == phase)["contexts"][0]
    return phase_context.get("statusCode", ""), phase_context.get("message", "")


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return its output on both streams."""
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.test", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return (done.stdout + done.stderr).strip()


def commit(folder: Path, message: str = "Change", **files: str) -> str:
    """Commit files, named with underscores for dots, and return the commit."""
    for name, content in files.items():
        path = folder / name.replace("_", ".")
        path.write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
