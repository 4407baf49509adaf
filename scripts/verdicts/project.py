"""A separate project and sandbox for the comparison, with one service that Longshore releases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".longshore" / "verdicts"
APP = FOLDER / "app"
INVOKE = ROOT / ".venv" / "bin" / "invoke"

CLUSTER = "verdicts-sandbox"
SERVICE = f"{CLUSTER}-web"
REPOSITORY = "verdicts/app"
PARAMETER = "/verdicts/password"
ALARM = "verdicts-errors"
TASKS = 2

_INVOKE_YAML = """longshore:
  applications:
    verdicts:
      region: eu-central-1
      images: {{app: {{context: app}}}}
      environments:
        sandbox:
          endpoint: sandbox
          account: "123456789012"
          deadlines: {{rollout: {deadline}, verify: 10}}
"""
_SANDBOX_TFVARS = f"""application      = "verdicts"
environment_name = "sandbox"
region           = "eu-central-1"
services = {{
  web = {{
    desired_count  = {TASKS}
    cpu            = 128
    memory         = 32
    stop_timeout   = 2
    init_process   = true
    writable_paths = ["/tmp"]
    secrets        = {{ PASSWORD = "ssm:{PARAMETER}" }}
    alarms         = {{ names = ["{ALARM}"] }}
  }}
}}
verify = [{{ service = "web", path = "/health" }}]
"""
_FOUNDATION_TFVARS = 'application = "verdicts"\nregion = "eu-central-1"\nimages = ["app"]\n'
_DOCKERFILE = 'FROM busybox:stable\nCOPY run /run\nCMD ["sh", "/run"]\n'


def make(deadline: float) -> None:
    """Write the project's files, after removing those of an earlier comparison."""
    if FOLDER.exists():
        run("sandbox.down")
        shutil.rmtree(FOLDER)
    for name in ("terraform", "environments"):
        ignored = shutil.ignore_patterns(".terraform*", "*.tftest.hcl")
        shutil.copytree(ROOT / name, FOLDER / name, ignore=ignored)
    (FOLDER / "environments" / "sandbox.tfvars").write_text(_SANDBOX_TFVARS)
    (FOLDER / "environments" / "foundation.tfvars").write_text(_FOUNDATION_TFVARS)
    (FOLDER / "invoke.yaml").write_text(_INVOKE_YAML.format(deadline=deadline))
    (FOLDER / "tasks.py").write_text('"""The release tasks."""\nfrom longshore.tasks import namespace\n')
    rc = ROOT / ".longshore" / "terraform.rc"
    if rc.exists():
        (FOLDER / ".longshore").mkdir()
        shutil.copy(rc, FOLDER / ".longshore")
    APP.mkdir()
    (APP / "Dockerfile").write_text(_DOCKERFILE)
    _git("init", "-q")


def run(*arguments: str) -> str:
    """Run an Invoke task of the project and return its stdout."""
    done = subprocess.run(
        [INVOKE, *arguments], cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"invoke {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(tag: str, script: str) -> None:
    """Commit a version and push its image."""
    (APP / "run").write_text(f"#!/bin/sh\n# {tag}\n{script}")
    _git("add", "-A")
    _git("-c", "user.name=Bench", "-c", "user.email=bench@example.com", "-c", "commit.gpgsign=false",
         "commit", "-q", "-m", tag)  # fmt: skip
    run("build", "--tag", tag)


def variables() -> dict[str, str]:
    """The variables that point other programs at the sandbox."""
    status: dict[str, Any] = json.loads(run("sandbox.status", "--json"))
    rc = FOLDER / ".longshore" / "terraform.rc"
    return dict(status["environment"]) | ({"TF_CLI_CONFIG_FILE": str(rc)} if rc.exists() else {})


def environment(sandbox: dict[str, str]) -> dict[str, str]:
    """The environment of a program that reaches the sandbox, and no other AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))} | sandbox


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=APP, check=True, capture_output=True)
