"""Starting the stand-in, in a sandbox's process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from longshore.sandbox import serving
from longshore.sandbox.terraform_cloud.application import Application
from longshore.sandbox.terraform_cloud.execution import Execution, Terraform
from longshore.sandbox.terraform_cloud.model import Store
from longshore.sandbox.terraform_cloud.worker import Worker

FOLDER = "terraform-cloud"


def start(directory: Path, token: str, environ: Mapping[str, str], cleanup: ExitStack) -> str:
    """Start the stand-in on loopback; its runs use the sandbox's AWS.

    Args:
        directory: the sandbox's directory.
        token: the only token that is accepted.
        environ: the variables that point terraform at the sandbox's AWS.
        cleanup: gets the callbacks that stop it.

    Returns:
        Its URL, without a trailing slash.
    """
    config = directory.parent / "terraform.rc"
    configuration = {"TF_CLI_CONFIG_FILE": str(config)} if config.is_file() else {}
    return serve(directory / FOLDER, token, Terraform({**environ, **configuration}), cleanup)


def serve(folder: Path, token: str, execution: Execution, cleanup: ExitStack) -> str:
    """Serve a stand-in that executes its runs in a given way; other arguments as in `start`."""
    store = Store(folder)
    worker = Worker(store, execution)
    listener = cleanup.enter_context(serving.listen(0))
    server = serving.serve(Application(store, worker, token), listener, "terraform-cloud")
    cleanup.callback(server.shutdown)
    cleanup.callback(worker.stop)
    return f"http://{server.host}:{server.port}"
