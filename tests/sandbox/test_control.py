from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network
from docker.models.volumes import Volume

from longshore.errors import SandboxError
from longshore.sandbox import control, folder, processes, state
from longshore.sandbox.cloud import LABEL, sandbox_id
from longshore.sandbox.serving import listen
from longshore.sandbox.state import State

STATE = State(
    pid=os.getpid(),
    endpoint="http://127.0.0.1:1",
    registry="127.0.0.1:2",
    region="eu-central-1",
    account_id="123456789012",
    access_key_id="AKIATESTTESTTESTTEST",
    secret_access_key="the secret",
    directory=Path("/nowhere"),
    started_at="2026-01-01T00:00:00+00:00",
)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with the command line of the sandbox's server in tmp_path."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", state.mark(tmp_path)]) as started:
        while not processes.command_line(started.pid):
            pass  # it is empty until the program is loaded
        yield started
        started.kill()


def test_a_state_is_loaded_only_while_its_process_runs(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    saved = replace(STATE, pid=process.pid, directory=tmp_path)
    state.save(saved)
    assert state.load(tmp_path) == saved
    process.kill()
    process.wait()
    assert state.load(tmp_path) is None
    assert state.read(tmp_path) == saved


def test_another_process_with_the_same_pid_is_not_the_sandbox(tmp_path: Path) -> None:
    state.save(replace(STATE, directory=tmp_path))
    assert state.load(tmp_path) is None


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"pid": 1}'])
def test_an_unreadable_state_file_means_no_sandbox(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / state.FILE).write_text(content)
    assert state.load(tmp_path) is None


def test_the_state_file_is_private_and_its_repr_hides_the_secret(tmp_path: Path) -> None:
    for _ in range(2):
        state.save(replace(STATE, directory=tmp_path))
    path = tmp_path / state.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "the secret" in path.read_text()
    assert "the secret" not in repr(STATE)
    assert [each.name for each in tmp_path.iterdir()] == [state.FILE]


def test_the_variables_make_every_tool_use_the_sandbox() -> None:
    assert STATE.environment() == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": "the secret",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "stubborn"], stdout=subprocess.PIPE) as started:
        assert started.stdout
        started.stdout.readline()
        assert not processes.end(started.pid, "somebody else", grace=0)
        assert processes.end(started.pid, "stubborn", grace=0.05)
        assert not processes.end(started.pid, "stubborn", grace=0)


def test_the_status_is_empty_without_a_sandbox(tmp_path: Path) -> None:
    assert control.status(tmp_path) == control.Status(None)
    assert control.status(tmp_path / "missing") == control.Status(None)
    assert control.down(tmp_path / "missing") == []


def test_a_folder_with_other_files_is_refused_and_left_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(SandboxError, match="was not created by a sandbox"):
        control.up(tmp_path)
    assert control.down(tmp_path) == []
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("name", [folder.LOG, state.FILE, folder.MARKER, "registry"])
def test_a_folder_that_looks_like_a_sandbox_is_left_untouched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(f'{{"directory": "{tmp_path.parent}"}}')
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_text("mine")
    with pytest.raises(SandboxError, match="was not created by a sandbox"):
        control.up(tmp_path)
    assert control.down(tmp_path) == []
    assert (tmp_path / "photos" / "a.jpg").read_text() == "mine"


def test_the_marker_of_another_sandbox_marks_nothing(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    folder.claim(first)
    shutil.copytree(first, second)
    assert (folder.is_claimed(first), folder.is_claimed(second)) == (True, False)


def test_only_what_the_sandbox_has_created_is_removed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "a").write_text("mine")
    inside = tmp_path / "sandbox"
    inside.mkdir()
    folder.claim(inside)
    (inside / "registry").mkdir()
    (inside / "registry" / "data").write_text("ours")
    (inside / "builds").symlink_to(kept)
    (inside / "notes.txt").write_text("mine")
    folder.clear(inside)
    assert [path.name for path in inside.iterdir()] == ["notes.txt"]
    assert (kept / "a").read_text() == "mine"


def test_the_folder_is_closed_to_other_users(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    folder.claim(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / folder.MARKER).stat().st_mode) == 0o600


def test_a_missing_docker_engine_is_reported_with_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(SandboxError, match="no Docker engine answers") as error:
            control.up(tmp_path / "sandbox")
    assert "docker info" in error.value.hint


def test_a_port_in_use_is_named() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SandboxError, match=f"port {port} on 127.0.0.1") as error:
            listen(port)
    assert "free one" in error.value.hint


def test_a_sandbox_that_does_not_answer_is_reported(tmp_path: Path, process: subprocess.Popen[bytes]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        state.save(replace(STATE, pid=process.pid, directory=tmp_path, endpoint=endpoint))
        with pytest.raises(SandboxError, match="does not answer"):
            control.status(tmp_path)


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """The folder of a sandbox that the test starts."""
    yield tmp_path / "sandbox"
    control.down(tmp_path / "sandbox")


@pytest.mark.e2e
def test_up_twice_is_one_sandbox_and_down_leaves_nothing(directory: Path) -> None:
    started = control.up(directory)
    assert control.up(directory) == started == state.load(directory)
    assert boto3.client("sts", **_arguments(started)).get_caller_identity()["Account"] == "123456789012"
    assert control.status(directory) == control.Status(started)
    logged = control.calls(started)
    assert [each["operation"] for each in logged["requests"]] == ["GetCallerIdentity"]
    removed = control.down(directory)
    assert removed == [f"server process {started.pid}", f"files in {directory}"]
    assert not directory.exists()
    assert control.down(directory) == []
    _refused(started.endpoint)
    _refused(started.registry)


@pytest.mark.e2e
def test_two_ups_at_once_start_one_sandbox(directory: Path) -> None:
    started: list[State] = []
    threads = [threading.Thread(target=lambda: started.append(control.up(directory))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 2
    assert started[0] == started[1]


@dataclass(frozen=True)
class Leftovers:
    """The leftovers of a killed sandbox in the engine, and a container of another sandbox."""

    container: Container
    network: Network
    volume: Volume
    image: str
    stranger: Container


@pytest.fixture
def leftovers(directory: Path, engine: docker.DockerClient, tmp_path: Path) -> Iterator[Leftovers]:
    killed = control.up(directory)
    labels = {LABEL: sandbox_id(directory)}
    image = f"{killed.registry}/shop/app:v1"
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    engine.images.build(path=str(tmp_path / "image"), tag=image, rm=True, forcerm=True)
    stranger = engine.containers.create(image, "x", labels={LABEL: "another"})
    yield Leftovers(
        engine.containers.create(image, "x", labels=labels),
        engine.networks.create("left-behind", labels=labels),
        engine.volumes.create(labels=labels),
        image,
        stranger,
    )
    stranger.remove()


def kill(directory: Path) -> None:
    killed = state.load(directory)
    assert killed
    os.kill(killed.pid, signal.SIGKILL)
    os.waitpid(killed.pid, 0)


@pytest.mark.e2e
def test_down_removes_the_leftovers_of_a_killed_sandbox(
    directory: Path, leftovers: Leftovers, engine: docker.DockerClient
) -> None:
    kill(directory)
    # The registry may end with its parent, or be stopped here.
    removed = [line for line in control.down(directory) if not line.startswith("registry process")]
    assert removed == [
        f"container {leftovers.container.name}",
        f"network {leftovers.network.name}",
        f"volume {leftovers.volume.name}",
        f"image {leftovers.image}",
        f"files in {directory}",
    ]
    assert engine.networks.list(names=["left-behind"]) == []
    assert engine.images.list(name=leftovers.image) == []
    assert engine.containers.get(str(leftovers.stranger.id))


@pytest.mark.e2e
def test_up_removes_the_leftovers_of_a_killed_sandbox(
    directory: Path, leftovers: Leftovers, engine: docker.DockerClient
) -> None:
    former = state.load(directory)
    kill(directory)
    started = control.up(directory)
    assert former
    assert started.access_key_id != former.access_key_id
    assert engine.containers.list(all=True, filters={"label": f"{LABEL}={sandbox_id(directory)}"}) == []
    assert engine.networks.list(names=["left-behind"]) == []
    assert engine.images.list(name=leftovers.image) == []


@pytest.mark.e2e
def test_the_registry_of_a_killed_sandbox_is_stopped(directory: Path) -> None:
    control.up(directory)
    kill(directory)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", state.mark(directory)]) as orphan:
        while not processes.command_line(orphan.pid):
            pass
        (directory / "registry" / "pid").write_text(str(orphan.pid))
        removed = control.down(directory)
    assert f"registry process {orphan.pid}" in removed


@pytest.mark.e2e
def test_a_failed_start_shows_that_the_port_is_in_use(directory: Path) -> None:
    with listen(0) as taken, pytest.raises(SandboxError) as error:
        control.up(directory, taken.getsockname()[1])
    assert "on 127.0.0.1: Address already in use" in error.value.message
    assert str(directory / folder.LOG) in error.value.hint
    assert control.up(directory).endpoint


@pytest.mark.e2e
def test_a_chosen_port_is_used(directory: Path) -> None:
    with listen(0) as free:
        port = free.getsockname()[1]
    assert control.up(directory, port).endpoint == f"http://127.0.0.1:{port}"


@pytest.mark.e2e
def test_a_sandbox_ends_properly_on_sigterm(directory: Path) -> None:
    started = control.up(directory)
    os.kill(started.pid, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(started.pid, 0)[1]) == 0
    assert "Traceback" not in (directory / folder.LOG).read_text()
    assert state.load(directory) is None
    _refused(started.registry)


def _arguments(started: State) -> Any:
    return {
        "endpoint_url": started.endpoint,
        "region_name": started.region,
        "aws_access_key_id": started.access_key_id,
        "aws_secret_access_key": started.secret_access_key,
    }


def _refused(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
