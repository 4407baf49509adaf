"""Longshore and its peers: each one deploys a revision and reports a verdict."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.setup.pinned import install
from scripts.verdicts.project import ALARM, CLUSTER, FOLDER, INVOKE, ROOT, TASKS

PEERS = ROOT / ".longshore" / "peers" / "bin"
STEADY = FOLDER / "steady"

STEADY_TF = f"""terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws", version = "~> 5.100" }}
  }}
}}

provider "aws" {{}}

variable "task_definition" {{ type = string }}
variable "name" {{ type = string }}

resource "aws_ecs_service" "this" {{
  name                  = var.name
  cluster               = "{CLUSTER}"
  task_definition       = var.task_definition
  desired_count         = {TASKS}
  wait_for_steady_state = true

  deployment_circuit_breaker {{
    enable   = true
    rollback = true
  }}

  alarms {{
    alarm_names = ["{ALARM}"]
    enable      = true
    rollback    = true
  }}

  timeouts {{
    create = "2m"
    update = "2m"
  }}
}}
"""


@dataclass(frozen=True)
class Report:
    """The verdict of a tool, its time (seconds since the epoch), and whether it means success; None for no verdict."""

    text: str
    at: float
    success: bool | None


@dataclass(frozen=True)
class Tool:
    """A peer: its name, its copy of the service, and a function that deploys a revision within seconds."""

    name: str
    copy: str
    deploy: Callable[[str, str, float, dict[str, str]], Report]


def longshore(tag: str, environ: dict[str, str], before_apply: Callable[[], None]) -> Report:
    """Release a tag. A failure counts from its line on the terminal, a success from the end of the command."""
    command = [str(INVOKE), "release", "--tag", tag, "--yes", "--json"]
    failed: float | None = None
    with subprocess.Popen(
        command, cwd=FOLDER, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None  # noqa: S101 - for the type checker
        assert process.stderr is not None  # noqa: S101
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("==> apply"):
                before_apply()
            if failed is None and line.startswith("failed: "):
                failed = time.time()
        out = process.stdout.read()
    if not out:
        raise RuntimeError("".join(lines))
    document = json.loads(out)
    return Report(f"{document['verdict']} ({document['exit_code']})", failed or time.time(), not document["exit_code"])


def services_stable(name: str, revision: str, deadline: float, environ: dict[str, str]) -> Report:
    """`aws ecs update-service`, then `aws ecs wait services-stable`."""
    aws = [str(PEERS / "aws"), "ecs"]
    update = [*aws, "update-service", "--cluster", CLUSTER, "--service", name, "--task-definition", revision]
    subprocess.run(update, env=environ, check=True, capture_output=True)
    wait = [*aws, "wait", "services-stable", "--cluster", CLUSTER, "--services", name]
    return _judge(wait, deadline, environ, "stable")


def ecs_deploy(name: str, revision: str, deadline: float, environ: dict[str, str]) -> Report:
    """The `ecs deploy` of fabfuel, with the options of its README."""
    command = [str(PEERS / "ecs"), "deploy", CLUSTER, name, "--task", revision, "--timeout", str(int(deadline))]
    return _judge(command, deadline + 10, environ, "successful")


def steady_state(name: str, revision: str, deadline: float, environ: dict[str, str]) -> Report:
    """`terraform apply` of a service with wait_for_steady_state."""
    return _judge(_terraform(name, revision), deadline + 30, environ, "applied", STEADY)


def install_peers() -> None:
    """Install the peers, pinned, in their own virtual environment, unless they are there."""
    install("peers", PEERS.parent)


def prepare_steady_state(name: str, revision: str, environ: dict[str, str]) -> None:
    """Create the copy of the service with Terraform."""
    STEADY.mkdir()
    (STEADY / "main.tf").write_text(STEADY_TF)
    for command in (["terraform", "init", "-input=false"], _terraform(name, revision)):
        subprocess.run(command, cwd=STEADY, env=environ, check=True, capture_output=True)


TOOLS = (
    Tool("aws ecs wait services-stable", "verdicts-stable", services_stable),
    Tool("ecs deploy (fabfuel)", "verdicts-fabfuel", ecs_deploy),
    Tool("terraform wait_for_steady_state", "verdicts-steady", steady_state),
)


def _terraform(name: str, revision: str) -> list[str]:
    variables = [f"-var=name={name}", f"-var=task_definition={revision}"]
    return ["terraform", "apply", "-auto-approve", "-input=false", "-no-color", *variables]


def _judge(
    command: Sequence[str], deadline: float, environ: dict[str, str], success: str, folder: Path = FOLDER
) -> Report:
    """The verdict of a program by its exit code; none if it is still running at the deadline."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=deadline,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Report("no verdict", time.time(), None)
    return Report(success if done.returncode == 0 else f"failed ({done.returncode})", time.time(), done.returncode == 0)
