from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

import pytest
from pydantic import SecretStr

from longshore.aws.ecr import Credentials
from longshore.errors import BuildError
from longshore.images.docker import Docker
from longshore.masking import Masks
from longshore.process import Completed, OnLine, execute


def answering(answer: Completed | Exception) -> Docker:
    """A docker that only answers the question for its version."""

    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        assert list(command[:2]) == ["docker", "version"]
        assert on_line is None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Docker(run)


def test_a_running_engine_is_described() -> None:
    assert answering(Completed(0, "20.10.24 on linux/amd64\n")).check() == "Docker 20.10.24 on linux/amd64"


@pytest.mark.parametrize(
    ("answer", "message", "hint"),
    [
        (FileNotFoundError("docker"), "docker is not on PATH", "Install Docker"),
        (PermissionError("docker"), "cannot run docker: docker", "Install Docker"),
        (subprocess.TimeoutExpired("docker", 60), "docker version --format did not answer within 60 s", "DOCKER_HOST"),
        (
            Completed(1, "", "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n"),
            "no Docker engine answers: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
            "systemctl start docker",
        ),
        (
            Completed(1, "", "permission denied while trying to connect to the Docker daemon socket"),
            "no Docker engine answers: permission denied while trying to connect to the Docker daemon socket",
            "group docker",
        ),
        (Completed(1, ""), "no Docker engine answers: exit code 1", "DOCKER_HOST"),
    ],
)
def test_an_unreachable_engine_is_an_error_with_a_hint(answer: Completed | Exception, message: str, hint: str) -> None:
    with pytest.raises(BuildError) as caught:
        answering(answer).check()
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_a_missing_docker_is_an_error(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="docker is not on PATH"):
        Docker().check()


def test_inspecting_a_missing_image_is_an_error() -> None:
    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        return Completed(1, "[]", "Error: No such image: app:v1\n")

    with pytest.raises(BuildError, match="the Docker engine has no image app:v1: Error: No such image"):
        Docker(run).inspect("app:v1")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_without_a_listener_the_two_output_streams_stay_separate() -> None:
    code = "import os, sys; print(os.environ['GREETING']); print('details', file=sys.stderr); sys.exit(3)"
    assert execute(python(code), {"GREETING": "hello"}, None) == Completed(3, "hello\n", "details\n")


def test_with_a_listener_the_streams_are_merged_and_the_last_lines_kept() -> None:
    code = "import sys\nfor n in range(500): print(n, file=sys.stderr if n % 2 else sys.stdout, flush=True)"
    lines: list[str] = []
    done = execute(python(code), {}, lines.append)
    assert lines == [str(number) for number in range(500)]
    assert done == Completed(0, "\n".join(lines[-200:]))


def test_invalid_utf_8_is_replaced() -> None:
    lines: list[str] = []
    execute(python("import sys; sys.stdout.buffer.write(b'a\\xffb\\n')"), {}, lines.append)
    assert lines == ["a\ufffdb"]


def test_a_program_is_terminated_when_its_listener_raises() -> None:
    def leave(line: str) -> None:
        raise KeyboardInterrupt

    code = "import time; print('begun', flush=True); time.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        execute(python(code), {}, leave)


def test_a_login_passes_the_password_on_standard_input_only() -> None:
    runs: list[tuple[list[str], dict[str, str], str]] = []
    credentials = Credentials("AWS", SecretStr("pass-word"), "https://registry.test")

    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        runs.append((list(command), dict(environ), stdin))
        return Completed(len(runs) - 1, "", "unauthorized: pass-word")

    docker = Docker(run, Masks(["pass-word"]))
    docker.login(credentials)
    command = ["docker", "login", "--username", "AWS", "--password-stdin", "https://registry.test"]
    assert runs == [(command, {}, "pass-word")]
    with pytest.raises(BuildError, match=r"docker login to https://registry.test failed") as caught:
        docker.login(credentials)
    assert "pass-word" not in caught.value.message


def image_of(output: str) -> Docker:
    """A docker that answers with this output."""

    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        return Completed(0, output)

    return Docker(run)


def test_lines_that_a_wrapper_adds_do_not_matter() -> None:
    image = image_of('note: using podman\n{"Id": "sha256:1", "Os": "linux", "Architecture": "arm64"}\n').inspect("app")
    assert (image.id, image.platform) == ("sha256:1", "linux/arm64")


@pytest.mark.parametrize("output", ["", "note: using podman", "{", "{not json}"])
def test_an_output_without_an_image_is_quoted(output: str) -> None:
    with pytest.raises(BuildError, match="docker image inspect of app printed no JSON") as refused:
        image_of(output).inspect("app")
    assert output in refused.value.message


def test_the_engines_own_builder_builds_whichever_is_selected() -> None:
    environs: list[dict[str, str]] = []

    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        environs.append(dict(environ))
        return Completed(0, "")

    Docker(run).build(["."], lambda line: None, {})
    assert environs == [
        {
            "BUILDKIT_PROGRESS": "plain",
            "BUILDX_BUILDER": "default",
            "BUILDX_GIT_LABELS": "false",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "DOCKER_CLI_HINTS": "false",
        }
    ]
