"""The decisions of `make setup`: the provider's source, Terraform's configuration, and missing parts."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripts.setup import __main__ as setup
from scripts.setup import engine, images, machine, provider, terraform
from scripts.setup.machine import MissingError

from longshore.images import docker_engine as starting
from tests.paths import ROOT

LINUX = "linux_amd64"
HERE = Path("registry.terraform.io/hashicorp/aws")


def unpacked(mirror: Path, version: str, platform: str = LINUX) -> Path:
    (mirror / HERE / version / platform).mkdir(parents=True)
    return mirror


def packed(mirror: Path, version: str, platform: str = LINUX) -> Path:
    (mirror / HERE).mkdir(parents=True)
    (mirror / HERE / f"terraform-provider-aws_{version}_{platform}.zip").touch()
    return mirror


@pytest.mark.parametrize("layout", [unpacked, packed])
@pytest.mark.parametrize(
    ("version", "platform", "expected"),
    [
        ("5.100.0", LINUX, True),
        ("5.101.3", LINUX, True),
        ("5.99.1", LINUX, False),
        ("6.0.0", LINUX, False),
        ("5.100.0-beta1", LINUX, False),
        ("5.100.0", "darwin_arm64", False),
    ],
)
def test_a_mirror_is_usable_if_our_stacks_accept_its_provider(
    tmp_path: Path, layout: object, version: str, platform: str, *, expected: bool
) -> None:
    assert callable(layout)
    assert provider.usable(layout(tmp_path, version, platform), LINUX) is expected


def test_the_search_finds_a_mirror_a_few_levels_down_and_skips_unusable_ones(tmp_path: Path) -> None:
    unpacked(tmp_path / "a" / "old", "4.67.0")
    wanted = unpacked(tmp_path / "b" / "c" / "plugins", "5.100.0")
    assert provider.search([tmp_path / "absent", tmp_path], LINUX) == wanted


def test_the_search_is_bounded(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdef")
    unpacked(deep, "5.100.0")
    assert provider.search([tmp_path], LINUX) is None


def test_the_search_follows_no_links(tmp_path: Path) -> None:
    unpacked(tmp_path / "elsewhere", "5.100.0")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert provider.search([tmp_path / "root"], LINUX) is None


def test_a_mirror_may_be_named_by_either_folder() -> None:
    assert provider.named("/mirror") == provider.named("/mirror/registry.terraform.io") == Path("/mirror")


def test_the_implied_folders_follow_the_xdg_variables() -> None:
    folders = provider.implied(Path("/home/me"), {"XDG_DATA_HOME": "/data", "XDG_DATA_DIRS": "/one:/two"})
    assert folders == [
        Path("/home/me/.terraform.d/plugins"),
        Path("/home/me/Library/Application Support/io.terraform/plugins"),
        Path("/Library/Application Support/io.terraform/plugins"),
        Path("/data/terraform/plugins"),
        Path("/one/terraform/plugins"),
        Path("/two/terraform/plugins"),
    ]


def test_a_mirror_becomes_a_filesystem_mirror_for_this_provider_alone() -> None:
    assert provider.cli_config("", Path("/mirror"), Path("/cache")) == (
        "provider_installation {\n"
        "  filesystem_mirror {\n"
        '    path    = "/mirror"\n'
        '    include = ["registry.terraform.io/hashicorp/aws"]\n'
        "  }\n"
        "  direct {\n"
        '    exclude = ["registry.terraform.io/hashicorp/aws"]\n'
        "  }\n"
        "}\n"
    )


def test_without_a_mirror_downloads_are_kept_and_the_users_own_settings_stay() -> None:
    own = "disable_checkpoint = true\n"
    assert provider.cli_config(own, None, Path("/cache")) == own + 'plugin_cache_dir = "/cache"\n'


@pytest.mark.parametrize("mirror", [None, Path("/mirror")])
def test_a_user_with_a_source_of_providers_gets_no_configuration(mirror: Path | None) -> None:
    assert provider.cli_config("provider_installation {\n}\n", mirror, Path("/cache")) is None


def test_the_users_cache_is_used() -> None:
    own = 'plugin_cache_dir = "/mine"\n'
    assert provider.cli_config(own, None, Path("/cache")) is None
    text = provider.cli_config(own, Path("/mirror"), Path("/cache"))
    assert text is not None
    assert text.startswith(own + "provider_installation {\n")


def test_a_mirror_named_by_the_user_that_holds_nothing_usable_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGSHORE_PROVIDER_MIRROR", str(tmp_path))
    with pytest.raises(MissingError, match=r"LONGSHORE_PROVIDER_MIRROR is .* it has no .*hashicorp/aws 5\.100"):
        terraform.find_mirror(LINUX)


def test_a_mirror_named_by_the_user_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked(tmp_path, "5.100.0")
    monkeypatch.setenv("LONGSHORE_PROVIDER_MIRROR", str(tmp_path / "registry.terraform.io"))
    assert terraform.find_mirror(LINUX) == tmp_path


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('echo \'{"terraform_version": "1.9.8", "platform": "linux_amd64"}\'', "terraform 1.9.8 is too old"),
        ("echo broken; exit 1", "does not report its version"),
        (None, "no terraform on PATH"),
    ],
)
def test_an_unusable_terraform_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, message: str
) -> None:
    if script:
        program(tmp_path, "terraform", script)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match=message) as caught:
        terraform.installed()
    assert "install 1.10 or newer" in str(caught.value)


def test_a_recent_terraform_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "terraform", 'echo \'{"terraform_version": "1.10.0-rc1", "platform": "darwin_arm64"}\'')
    monkeypatch.setenv("PATH", str(tmp_path))
    assert terraform.installed() == ("1.10.0-rc1", "darwin_arm64")


def test_without_root_a_missing_engine_leads_to_advice_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MissingError, match="install Docker Desktop"):
        engine.prepare()
    program(tmp_path, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(MissingError, match=r"no Docker engine answers.*Cannot connect"):
        engine.prepare()
    assert not machine.install("docker.io")


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Debian as root without systemd, whose programs are those that the test writes, and whose engine is down."""
    program(tmp_path, "docker", f"[ -e {tmp_path}/running ] && echo 27.1 || exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "installs", lambda: True)
    monkeypatch.setattr(engine, "WORK", tmp_path)
    monkeypatch.setattr(engine, "SYSTEMD", tmp_path / "no-systemd")
    monkeypatch.setattr(starting, "PID_FILES", {tmp_path / "docker.pid": "dockerd"})
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(*arguments: Any, **keywords: Any) -> subprocess.Popen[bytes]:
        started.append(popen(*arguments, **keywords))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    yield tmp_path
    for process in started:
        process.terminate()
        process.wait(timeout=10)


def test_a_stopped_engine_is_started(debian: Path) -> None:
    program(debian, "dockerd", f"[ -e {debian}/docker.pid ] && exit 1; touch {debian}/running; sleep 2")
    (debian / "docker.pid").write_text("1\n")
    assert engine.prepare() == "Docker engine 27.1"


def test_an_engine_that_does_not_start_shows_why(debian: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(debian, "dockerd", "echo no cgroups here >&2; exit 1")
    with pytest.raises(MissingError, match="no Docker engine answers"):
        engine.prepare()
    assert "no cgroups here" in capsys.readouterr().err


def test_an_unreachable_remote_engine_is_not_replaced(debian: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(debian, "dockerd", f"touch {debian}/running; sleep 2")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(MissingError, match="no Docker engine answers"):
        engine.prepare()
    assert not (debian / "running").exists()


def test_every_missing_part_is_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> str:
        raise MissingError("something")

    monkeypatch.setattr(setup, "PARTS", {"terraform": missing, "base-image": missing, "registry": lambda: "there"})
    assert setup.main([]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "setup: there",
        "setup: MISSING something",
        "setup: MISSING something",
    ]


def test_the_base_image_holds_busybox_with_a_link_for_each_applet(tmp_path: Path) -> None:
    program(tmp_path, "busybox", "printf 'busybox\\nsh\\nnc\\n'")
    with tarfile.open(fileobj=io.BytesIO(images.root_filesystem(tmp_path / "busybox"))) as archive:
        entries = {entry.name: entry for entry in archive}
        assert {name for name, entry in entries.items() if entry.issym()} == {"bin/sh", "bin/nc"}
        assert entries["bin/sh"].linkname == "busybox"
        assert entries["tmp"].mode == 0o1777
        text = archive.extractfile("etc/passwd")
        assert text is not None
        assert b"nobody:x:65534:65534" in text.read()


@pytest.mark.parametrize("command", [("absent-program",), ("sleep", "5")])
def test_a_program_that_is_absent_or_hangs_has_failed(command: tuple[str, ...]) -> None:
    done = machine.run(*command, timeout=0.1)
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode != 0
    assert done.stderr.startswith(command[0])


@pytest.mark.parametrize("pyenv", [True, False])
def test_a_build_machine_finds_programs_that_pip_installed(tmp_path: Path, *, pyenv: bool) -> None:
    programs, script, calls = tmp_path / "bin", tmp_path / "scripts" / "install.sh", tmp_path / "calls"
    programs.mkdir()
    script.parent.mkdir()
    script.write_text((ROOT / "scripts" / "install.sh").read_text())
    for name in ("python3", *(["pyenv"] if pyenv else [])):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"{calls}"\n')
        (programs / name).chmod(0o755)
    (programs / "dirname").symlink_to("/usr/bin/dirname")
    subprocess.run(["/bin/bash", script], env={"PATH": str(programs)}, check=True)
    commands = [line.split()[:4] for line in calls.read_text().splitlines()]
    pip = ["python3", "-m", "pip", "install"]
    assert commands == [pip, pip, *([["pyenv", "rehash"]] if pyenv else [])]
