"""Starts the stand-in in a sandbox's process."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from werkzeug.serving import WSGIRequestHandler, make_server

from longshore.sandbox.api.wsgi_front import listen
from longshore.sandbox.terraform_cloud.application import Application
from longshore.sandbox.terraform_cloud.execution import Execution, Terraform
from longshore.sandbox.terraform_cloud.model import Store
from longshore.sandbox.terraform_cloud.worker import Worker

FOLDER = "terraform-cloud"


class _Quiet(WSGIRequestHandler):
    """Keeps its connections open, and writes no line for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


def start(directory: Path, token: str, environ: Mapping[str, str], cleanup: ExitStack) -> str:
    """Starts the stand-in on loopback; its runs use the sandbox's AWS.

    Args:
        directory: the sandbox's.
        token: the one that is accepted.
        environ: what points terraform at the sandbox's AWS.
        cleanup: gets what is to be undone.

    Returns:
        Its URL, without a trailing slash.
    """
    config = directory.parent / "terraform.rc"
    given = {"TF_CLI_CONFIG_FILE": str(config)} if config.is_file() else {}
    return serve(directory / FOLDER, token, Terraform({**environ, **given}), cleanup)


def serve(folder: Path, token: str, execution: Execution, cleanup: ExitStack) -> str:
    """Serves a stand-in whose work somebody else does; arguments as in `start`."""
    store = Store(folder)
    worker = Worker(store, execution)
    listener = cleanup.enter_context(listen(0))
    host, port = listener.getsockname()
    server = make_server(
        host, port, Application(store, worker, token), threaded=True, request_handler=_Quiet, fd=listener.fileno()
    )
    threading.Thread(target=server.serve_forever, args=(0.05,), name="terraform-cloud", daemon=True).start()
    cleanup.callback(server.server_close)
    cleanup.callback(server.shutdown)
    cleanup.callback(worker.stop)
    return f"http://{host}:{port}"
