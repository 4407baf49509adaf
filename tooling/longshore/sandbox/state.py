"""The state file of a running sandbox: where it answers, and with which key."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from longshore.sandbox.processes import is_running

FILE = "state.json"


@dataclass(frozen=True)
class State:
    """The state of a sandbox that was started.

    Attributes:
        pid: process id of the server.
        endpoint: URL of the AWS API, without a trailing slash.
        registry: ``127.0.0.1:PORT`` that images are pushed to and pulled from.
        region: the region that the sandbox simulates.
        account_id: the account that it simulates, 12 digits.
        access_key_id: the only key that it accepts from the outset; a new one at every start.
        secret_access_key: the secret of that key.
        directory: where the sandbox keeps its files.
        started_at: ISO 8601, UTC.
        terraform_cloud: URL of the stand-in for Terraform Cloud, whose token is the secret access key.
    """

    pid: int
    endpoint: str
    registry: str
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    directory: Path
    started_at: str
    terraform_cloud: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that make boto3, Terraform and the aws command line use this sandbox."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def authorization(self) -> dict[str, str]:
        """The headers of a request to the sandbox's own pages, /_sandbox/*."""
        return {"Authorization": f"Bearer {self.secret_access_key}"}


def mark(directory: Path) -> str:
    """A text that the command line of every process of this sandbox contains."""
    return str(directory.resolve())


def read(directory: Path) -> State | None:
    """The contents of the state file, even if the sandbox has ended; None without a readable file."""
    try:
        values = json.loads((directory / FILE).read_text(encoding="utf-8"))
        return State(**{**values, "directory": Path(values["directory"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def load(directory: Path) -> State | None:
    """The state of the sandbox that is running in a directory; None if there is none."""
    state = read(directory)
    return state if state and is_running(state.pid, mark(directory)) else None


def save(state: State) -> None:
    """Write the state file atomically, readable by its owner only."""
    path = state.directory / FILE
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**asdict(state), "directory": str(state.directory)}, file, indent=2)
    draft.replace(path)
