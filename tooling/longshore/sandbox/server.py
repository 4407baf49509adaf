"""The sandbox's process: `python -m longshore.sandbox.server --directory DIR --port N`.

It holds moto's server, the ECS scheduler, the registry's proxy and the load balancers; the registry is its child.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import string
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docker import DockerClient

from longshore.errors import SandboxError
from longshore.sandbox import codebuild, ecs, engine
from longshore.sandbox.api import (
    buckets,
    cloudformation,
    log_events,
    messages,
    scaling,
    security_groups,
    target_groups,
)
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.cloud import Cloud, sandbox_id
from longshore.sandbox.load_balancer.load_balancer import LocalLoadBalancers
from longshore.sandbox.registry import distribution, ecr
from longshore.sandbox.registry.catalogue import Catalogue
from longshore.sandbox.registry.proxy import RegistryProxy
from longshore.sandbox.serving import listen, serve
from longshore.sandbox.state import State, save
from longshore.sandbox.terraform_cloud import serving as terraform_cloud

REGION = "eu-central-1"
ACCOUNT_ID = "123456789012"
"""The account that moto simulates by default."""


def main(arguments: list[str] | None = None) -> int:
    """Run a sandbox until SIGTERM or SIGINT; exit code 1 if it cannot start."""
    parser = argparse.ArgumentParser(prog="longshore.sandbox.server")
    parser.add_argument("--directory", type=Path, required=True, help="where the sandbox keeps its files")
    parser.add_argument("--port", type=int, default=0, help="port of the AWS API; 0 for any free port")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # Terraform's provider refers to AWS's managed policies, which moto loads only on request
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    try:
        with ExitStack() as cleanup:
            run(options.directory.resolve(), options.port, cleanup)
    except SandboxError as error:
        logging.getLogger(__name__).error("%s %s", error.message, error.hint)  # noqa: TRY400 - not a bug
        return 1
    return 0


def run(directory: Path, port: int, cleanup: ExitStack) -> None:
    """Start everything, write the state file and wait for a signal; `cleanup` gets the callbacks that undo it.

    Raises:
        SandboxError: the port is in use, no Docker engine answers, or the registry does not start.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    listener = cleanup.enter_context(listen(port))
    docker = engine.connect()
    cleanup.callback(docker.close)
    cleanup.callback(engine.sweep, docker, sandbox_id(directory), None)

    password = secrets.token_urlsafe(30)
    registry = _start_registry(directory, docker, password, cleanup)
    load_balancers = LocalLoadBalancers()
    cleanup.callback(load_balancers.close_all)
    cloud = Cloud(directory, REGION, ACCOUNT_ID, registry, load_balancers, docker, password)
    cluster = _start_ecs(cloud, cleanup)
    state = _state(directory, listener.getsockname()[1], registry)
    builds = codebuild.Builds(codebuild.BuildHost(directory, state.endpoint, ACCOUNT_ID, engine.host()))
    cleanup.callback(builds.close)
    admin = codebuild.install(builds)

    def status() -> dict[str, Any]:
        return {**cluster.status(), "builds": admin.status()}

    keys = AccessKeys(state.access_key_id, state.secret_access_key)
    api = AwsApi(moto_application(REGION), keys, RequestLog(), status, (cluster, admin), admin)
    cloud.denials.append(api.faults.denies)
    server = serve(api, listener)
    cleanup.callback(server.shutdown)
    url = terraform_cloud.start(directory, state.secret_access_key, state.environment(), cleanup)
    save(replace(state, terraform_cloud=url))
    stop.wait()


def _start_registry(directory: Path, docker: DockerClient, password: str, cleanup: ExitStack) -> str:
    """Start the registry and its proxy, install ECR, and return the proxy's address."""
    registry = distribution.start(directory, docker)
    cleanup.callback(registry.stop)
    proxy = RegistryProxy(registry.upstream, Catalogue(ACCOUNT_ID), password)
    cleanup.callback(proxy.stop)
    ecr.install(proxy.address, registry.upstream, password)
    return proxy.address


def _start_ecs(cloud: Cloud, cleanup: ExitStack) -> ecs.Ecs:
    """Install ECS and the services that moto lacks parts of, and start the control loop."""
    buckets.install()
    security_groups.install()
    cloudformation.install()
    cluster = ecs.install(cloud)
    scaling.install(cluster)
    target_groups.install(cluster)
    log_events.install(cluster.orchestrator.timing)
    messages.install()
    cluster.start()
    cleanup.callback(cluster.stop)
    return cluster


def _state(directory: Path, port: int, registry_address: str) -> State:
    return State(
        pid=os.getpid(),
        endpoint=f"http://127.0.0.1:{port}",
        registry=registry_address,
        region=REGION,
        account_id=ACCOUNT_ID,
        # moto recognises a key by the form that AWS gives it
        access_key_id="AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16)),
        secret_access_key=secrets.token_urlsafe(30),
        directory=directory,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


if __name__ == "__main__":
    sys.exit(main())
