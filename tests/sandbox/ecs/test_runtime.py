"""Tasks as real containers: each test starts a task in the runtime, and reads its reports."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends

from longshore.sandbox import engine
from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.docker_runtime import DockerRuntime
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from tests.sandbox import busybox
from tests.sandbox.moto_api import REGION

pytestmark = pytest.mark.e2e

ACCOUNT = "123456789012"
LOOP = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"


class LoadBalancers:
    """Load balancers that record their calls, and the containers running at a deregistration."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.targets: list[tuple[str, int]] = []

    def open(self, cluster: str, service: str, port: int) -> str:
        self.calls.append(("open", service))
        return "http://127.0.0.1:1"

    def register(self, cluster: str, service: str, target: tuple[str, int], *, healthy: bool = True) -> None:
        self.calls.append(("register", service))
        self.targets.append(target)

    def deregister(self, cluster: str, service: str, target: tuple[str, int], timeout: float) -> None:
        self.calls.append(("deregister", service))
        assert target in self.targets

    def close(self, cluster: str, service: str) -> None:
        self.calls.append(("close", service))


@dataclass
class Bench:
    """A Docker runtime, and all of its reports."""

    docker: DockerClient
    runtime: DockerRuntime
    load_balancers: LoadBalancers
    image: str
    reports: list[Report] = field(default_factory=list)
    launch_type: str = "EC2"

    def container(self, script: str = LOOP, name: str = "web", **rest: Any) -> dict[str, Any]:
        """A container definition."""
        return {"name": name, "image": self.image, "command": ["sh", "-c", script], "memory": 64, **rest}

    def start(self, *containers: dict[str, Any], service: str = "", port: int | None = None, **rest: Any) -> str:
        """Start a task, and return its id."""
        name = uuid.uuid4().hex
        definition = {"family": "test", "containerDefinitions": list(containers), **rest}
        self.runtime.start(Launch(name, "shop", service, "test", definition, launch_type=self.launch_type, port=port))
        return name

    def until(self, met: Callable[[], Any], seconds: float = 20) -> Any:
        """Read reports until a condition holds."""
        deadline = time.monotonic() + seconds
        while True:
            self.reports += self.runtime.poll(0)
            if result := met():
                return result
            assert time.monotonic() < deadline, self.reports
            time.sleep(0.02)

    def of(self, task: str) -> list[Report]:
        """The reports of a task."""
        return [report for report in self.reports if report.task == task]

    def statuses(self, task: str) -> list[str]:
        """The states that a task went through."""
        return [report.status for report in self.of(task) if report.status]

    def reach(self, task: str, status: str) -> None:
        """Wait until a task has a state."""
        self.until(lambda: status in self.statuses(task))

    def news(self, task: str, name: str = "web") -> list[ContainerReport]:
        """The reports about a container."""
        return [news for report in self.of(task) for news in report.containers if news.name == name]

    def exit_code(self, task: str, name: str = "web") -> int | None:
        """The reported exit code of a container."""
        codes = [news.exit_code for news in self.news(task, name) if news.exit_code is not None]
        return codes[0] if codes else None

    def why(self, task: str) -> tuple[str, str]:
        """Stop code and reason of a task."""
        return next(((report.stop_code, report.reason) for report in self.of(task) if report.stop_code), ("", ""))

    def leftovers(self, task: str) -> list[Any]:
        """The leftovers of a task in the engine."""
        label: dict[str, str | list[str] | bool] = {"label": f"longshore.task={task}"}
        kinds = (self.docker.containers.list(all=True, filters=label), self.docker.networks.list(filters=label))
        return [*kinds[0], *kinds[1], *self.docker.volumes.list(filters=label)]


@pytest.fixture(scope="module")
def docker() -> Iterator[DockerClient]:
    client = engine.connect()
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(docker: DockerClient) -> Iterator[str]:
    tag = busybox.build(docker, f"longshore-test-{uuid.uuid4().hex[:8]}:v1")
    yield tag
    docker.images.remove(tag, force=True)


@pytest.fixture(scope="module")
def bench(docker: DockerClient, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    load_balancers = LoadBalancers()
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), REGION, ACCOUNT, "127.0.0.1:1", load_balancers, docker)
    runtime = DockerRuntime(cloud, threading.Event().set)
    yield Bench(docker, runtime, load_balancers, image)
    runtime.close()
    assert engine.sweep(docker, cloud.labels["longshore.sandbox"], None) == []


def test_a_task_reports_its_exit_code_and_is_removed(bench: Bench) -> None:
    task = bench.start(bench.container("sleep 1; exit 3"))
    bench.reach(task, "STOPPED")
    assert bench.statuses(task) == ["PENDING", "RUNNING", "STOPPING", "STOPPED"]
    assert bench.exit_code(task) == 3
    assert bench.why(task) == ("EssentialContainerExited", "Essential container in task exited")
    assert bench.leftovers(task) == []


def test_a_task_that_ends_at_its_start_never_becomes_running(bench: Bench) -> None:
    task = bench.start(bench.container("exit 3"))
    bench.reach(task, "STOPPED")
    assert bench.statuses(task) == ["PENDING", "STOPPING", "STOPPED"]
    assert bench.exit_code(task) == 3


def test_a_stopped_task_gets_sigterm_and_is_removed(bench: Bench) -> None:
    task = bench.start(bench.container())
    bench.reach(task, "RUNNING")
    begun = time.monotonic()
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert time.monotonic() - begun < 5
    assert (bench.exit_code(task), bench.why(task), bench.leftovers(task)) == (0, ("", ""), [])


def test_a_container_that_ignores_sigterm_is_killed(bench: Bench) -> None:
    task = bench.start(bench.container("trap '' TERM; while :; do sleep 1; done", stopTimeout=2))
    bench.reach(task, "RUNNING")
    begun = time.monotonic()
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert 2 <= time.monotonic() - begun < 7
    assert bench.exit_code(task) == 137


def test_an_init_process_forwards_sigterm(bench: Bench) -> None:
    container = bench.container(linuxParameters={"initProcessEnabled": True}) | {"command": ["sleep", "60"]}
    task = bench.start(container)
    bench.reach(task, "RUNNING")
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert bench.exit_code(task) == 143


def test_a_task_that_is_stopped_during_its_start_stops(bench: Bench) -> None:
    task = bench.start(bench.container())
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert bench.leftovers(task) == []


def test_a_container_without_memory_is_reported_as_out_of_memory(bench: Bench) -> None:
    task = bench.start(bench.container("exec tail /dev/zero", memory=16))
    bench.reach(task, "STOPPED")
    assert bench.exit_code(task) == 137
    assert [news.reason for news in bench.news(task) if news.reason] == [
        "OutOfMemoryError: Container killed due to memory usage"
    ]


def test_a_missing_program_prevents_the_start_of_a_task(bench: Bench) -> None:
    task = bench.start(bench.container() | {"command": ["/nope"]})
    bench.reach(task, "STOPPED")
    assert bench.why(task) == ("TaskFailedToStart", "Task failed to start")
    assert bench.exit_code(task) is None
    (reason,) = [news.reason for news in bench.news(task) if news.reason]
    assert reason.startswith("CannotStartContainerError: Error response from daemon:")
    assert bench.leftovers(task) == []


def test_a_missing_image_prevents_the_start_of_a_task(bench: Bench) -> None:
    task = bench.start(bench.container() | {"image": "127.0.0.1:1/shop/app:v1"})
    bench.reach(task, "STOPPED")
    assert bench.why(task) == ("TaskFailedToStart", "Task failed to start")
    (reason,) = [news.reason for news in bench.news(task) if news.reason]
    assert reason.startswith("CannotPullContainerError: Error response from daemon:")


def test_a_missing_secret_prevents_the_start_of_a_task(bench: Bench) -> None:
    task = bench.start(bench.container(secrets=[{"name": "S", "valueFrom": "/runtime/nope"}]))
    bench.reach(task, "STOPPED")
    stop_code, reason = bench.why(task)
    assert stop_code == "TaskFailedToStart"
    assert reason.startswith("ResourceInitializationError:")
    assert reason.endswith("/runtime/nope")


def test_the_log_is_complete_when_the_task_is_stopped(bench: Bench) -> None:
    logs_backends[ACCOUNT][REGION].create_log_group("/runtime/lines", {})
    options = {"awslogs-group": "/runtime/lines", "awslogs-region": REGION, "awslogs-stream-prefix": "ecs"}
    container = bench.container("seq 1 10000", logConfiguration={"logDriver": "awslogs", "options": options})
    task = bench.start(container)
    bench.reach(task, "STOPPED")
    events = logs_backends[ACCOUNT][REGION].groups["/runtime/lines"].streams[f"ecs/web/{task}"].events
    assert [event.message for event in events] == [str(number) for number in range(1, 10001)]


def test_a_port_is_published_on_loopback_and_registered(bench: Bench) -> None:
    web = bench.container("sleep 1; " + busybox.SERVE, portMappings=[{"containerPort": 8080, "hostPort": 0}])
    task = bench.start(web, service="balanced", port=8080)
    bench.reach(task, "RUNNING")
    assert not any(report.reachable for report in bench.of(task))
    bench.until(lambda: any(report.reachable for report in bench.of(task)))
    (ports,) = [news.ports for news in bench.news(task) if news.ports]
    assert bench.load_balancers.targets[-1] == ("127.0.0.1", ports[0][1])
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert bench.statuses(task) == ["PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"]
    assert [call for call, service in bench.load_balancers.calls if service == "balanced"] == [
        "open",
        "register",
        "deregister",
    ]
    bench.runtime.withdraw("shop", "balanced")
    bench.until(lambda: ("close", "balanced") in bench.load_balancers.calls)


def test_a_port_that_does_not_listen_is_not_registered(bench: Bench) -> None:
    deaf = bench.container(portMappings=[{"containerPort": 8080}])
    task = bench.start(deaf, service="deaf", port=8080)
    bench.reach(task, "RUNNING")
    with pytest.raises(AssertionError):
        bench.until(lambda: any(report.reachable for report in bench.of(task)), seconds=1.5)
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")
    assert [call for call, service in bench.load_balancers.calls if service == "deaf"] == []


def test_health_checks_are_reported_as_they_change(bench: Bench) -> None:
    check = {"command": ["CMD-SHELL", "test -e /tmp/well"], "interval": 1, "timeout": 2, "retries": 1}
    task = bench.start(bench.container("touch /tmp/well; sleep 3; rm /tmp/well; " + LOOP, healthCheck=check))
    bench.until(lambda: [news.health for news in bench.news(task) if news.health] == ["HEALTHY", "UNHEALTHY"])
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")


def test_containers_reach_each_other_and_an_essential_one_ends_the_task(bench: Bench) -> None:
    server = bench.container(busybox.SERVE, name="server")
    asks = "until wget -qO- http://server:8080/version; do sleep 0.2; done; exit 7"
    task = bench.start(server, bench.container(asks, name="asker"))
    bench.reach(task, "STOPPED")
    assert (bench.exit_code(task, "asker"), bench.exit_code(task, "server")) == (7, 0)
    assert bench.leftovers(task) == []


def test_a_container_that_is_not_essential_does_not_end_the_task(bench: Bench) -> None:
    task = bench.start(bench.container(), bench.container("exit 1", name="side", essential=False))
    bench.until(lambda: bench.exit_code(task, "side") == 1)
    assert "STOPPING" not in bench.statuses(task)
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")


@pytest.mark.parametrize(("condition", "script"), [("SUCCESS", "sleep 1"), ("COMPLETE", "sleep 1; exit 1")])
def test_a_container_waits_for_a_dependency_to_end(bench: Bench, condition: str, script: str) -> None:
    first = bench.container(script, name="first", essential=False)
    second = bench.container(name="web", dependsOn=[{"containerName": "first", "condition": condition}])
    task = bench.start(second, first)
    bench.reach(task, "RUNNING")
    order = [(news.name, news.status) for report in bench.of(task) for news in report.containers]
    assert order == [("first", "RUNNING"), ("first", "STOPPED"), ("web", "RUNNING")]
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")


def test_a_container_waits_for_a_dependency_to_be_healthy(bench: Bench) -> None:
    check = {"command": ["CMD-SHELL", "true"], "interval": 1}
    task = bench.start(
        bench.container(dependsOn=[{"containerName": "first", "condition": "HEALTHY"}]),
        bench.container(name="first", healthCheck=check),
    )
    bench.reach(task, "RUNNING")
    assert [news.health for news in bench.news(task, "first") if news.health] == ["HEALTHY"]
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")


def test_a_failed_dependency_prevents_the_start_of_the_task(bench: Bench) -> None:
    first = bench.container("exit 4", name="first", essential=False)
    task = bench.start(bench.container(dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]), first)
    bench.reach(task, "STOPPED")
    assert bench.why(task)[0] == "TaskFailedToStart"
    assert (bench.exit_code(task, "first"), bench.exit_code(task)) == (4, None)


def test_a_shared_volume_outlives_its_task_and_a_private_one_does_not(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("from the host")
    shared = {"scope": "shared", "autoprovision": True, "driver": "local"}
    volumes = [
        {"name": "shared", "dockerVolumeConfiguration": shared},
        {"name": "own", "dockerVolumeConfiguration": {"scope": "task"}},
        {"name": "host", "host": {"sourcePath": str(tmp_path)}},
    ]
    points = [
        {"sourceVolume": "shared", "containerPath": "/shared"},
        {"sourceVolume": "own", "containerPath": "/own"},
        {"sourceVolume": "host", "containerPath": "/host", "readOnly": True},
    ]
    script = (
        "test ! -e /own/mark && grep -q from /host/given && ! touch /host/x && touch /own/mark && echo $0 >> /shared/n"
    )
    for turn in (1, 2):
        both = f"{script}; test $(wc -l < /shared/n) = {turn}"
        task = bench.start(bench.container(both, mountPoints=points), volumes=volumes)
        bench.reach(task, "STOPPED")
        assert (bench.exit_code(task), bench.leftovers(task)) == (0, [])


def test_files_of_an_efs_file_system_outlive_their_task(bench: Bench) -> None:
    def volume(root: str) -> list[dict[str, Any]]:
        efs = {"fileSystemId": "fs-0a1b2c3d", "rootDirectory": root}
        return [{"name": "files", "efsVolumeConfiguration": efs}]

    points = [{"sourceVolume": "files", "containerPath": "/files"}]
    for turn, root, lines in ((1, "/a", 1), (2, "/a/", 2), (3, "/b", 1)):
        script = f"echo {turn} >> /files/n; test $(wc -l < /files/n) = {lines}"
        task = bench.start(bench.container(script, mountPoints=points), volumes=volume(root))
        bench.reach(task, "STOPPED")
        assert (turn, bench.exit_code(task)) == (turn, 0)


def test_host_parameters_reach_the_container(bench: Bench) -> None:
    (script,) = [
        "test $(cat /proc/sys/net/core/somaxconn) = 777"
        " && grep -q 'NoNewPrivs:.1' /proc/self/status"
        " && grep -q 'search shop.internal' /etc/resolv.conf"
        " && test -c /dev/given && test -e /shared/mark"
    ]
    data = bench.container(
        "touch /shared/mark; " + LOOP, "data", mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}]
    )
    web = bench.container(
        "sleep 1; " + script,
        systemControls=[{"namespace": "net.core.somaxconn", "value": "777"}],
        dockerSecurityOptions=["no-new-privileges"],
        dnsSearchDomains=["shop.internal"],
        linuxParameters={"devices": [{"hostPath": "/dev/null", "containerPath": "/dev/given"}]},
        volumesFrom=[{"sourceContainer": "data"}],
    )
    task = bench.start(web, data, volumes=[{"name": "shared"}])
    bench.reach(task, "STOPPED")
    assert bench.exit_code(task) == 0


def test_a_task_without_a_network_has_loopback_only(bench: Bench) -> None:
    script = "test $(ls /sys/class/net | grep -vc tunl) = 1"
    task = bench.start(bench.container(script), networkMode="none")
    bench.reach(task, "STOPPED")
    assert bench.exit_code(task) == 0


def test_fargate_limits_the_cpu(bench: Bench) -> None:
    bench.launch_type = "FARGATE"
    task = bench.start(bench.container(), cpu="256")
    bench.reach(task, "RUNNING")
    (container,) = bench.docker.containers.list(filters={"label": f"longshore.task={task}"})
    assert container.attrs["HostConfig"]["CpuQuota"] == 25_000
    bench.runtime.stop(task)
    bench.reach(task, "STOPPED")


def test_a_dependency_that_exceeds_its_start_timeout_stops_the_task(bench: Bench) -> None:
    first = bench.container(LOOP, name="first", essential=False, startTimeout=1)
    task = bench.start(bench.container(dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]), first)
    bench.reach(task, "STOPPED")
    assert bench.why(task)[0] == "TaskFailedToStart"
    assert "dependency graph: container ordering dependency [first] SUCCESS" in bench.news(task)[0].reason


def test_variables_come_from_environment_files(bench: Bench) -> None:
    s3 = s3_backends[ACCOUNT]["aws"]
    bucket = f"files-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(bucket, REGION)
    s3.put_object(bucket, "app.env", b"# of the shop\nA=1\nB=x=y\n\nC=3\n")
    files = [{"value": f"arn:aws:s3:::{bucket}/app.env", "type": "s3"}]
    container = bench.container(
        'test "$A$B$C" = 1x=yown', environmentFiles=files, environment=[{"name": "C", "value": "own"}]
    )
    task = bench.start(container)
    bench.reach(task, "STOPPED")
    assert bench.exit_code(task) == 0
    missing = [{"value": f"arn:aws:s3:::{bucket}/none.env", "type": "s3"}]
    task = bench.start(bench.container(environmentFiles=missing))
    bench.reach(task, "STOPPED")
    assert bench.why(task)[0] == "TaskFailedToStart"
    assert bench.why(task)[1].startswith("ResourceInitializationError: failed to download env files: ")


def test_a_container_that_was_removed_by_hand_ends_its_task(bench: Bench) -> None:
    task = bench.start(bench.container())
    bench.reach(task, "RUNNING")
    (container,) = bench.docker.containers.list(filters={"label": f"longshore.task={task}"})
    container.remove(force=True)
    bench.reach(task, "STOPPED")
    assert bench.why(task)[0] == "EssentialContainerExited"


def test_closing_removes_all_containers_at_once(docker: DockerClient, image: str, tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, REGION, ACCOUNT, "127.0.0.1:1", LoadBalancers(), docker)
    runtime = DockerRuntime(cloud, threading.Event().set)
    bench = Bench(docker, runtime, LoadBalancers(), image)
    stubborn = [bench.container("trap '' TERM; while :; do sleep 1; done", name=name) for name in ("a", "b")]
    shared = [{"name": "data", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True}}]
    tasks = [bench.start(*stubborn, volumes=shared) for _ in range(3)]
    for task in tasks:
        bench.reach(task, "RUNNING")
    bench.runtime.stop(tasks[0])
    begun = time.monotonic()
    runtime.close()
    assert time.monotonic() - begun < 8
    assert engine.sweep(docker, cloud.labels["longshore.sandbox"], None) == []
