"""Provides a registry for the sandbox, as a program or an image, and the example's base image ``busybox:stable``."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from scripts.setup.machine import MissingError, install, run, say

REGISTRY_PROGRAMS = ("docker-registry", "registry")
REGISTRY_IMAGE = "registry:2"
BASE_IMAGE = "busybox:stable"
ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


def prepare_registry() -> str:
    """Provide a container registry: the Debian program, or on other systems the image."""
    if program := _registry_program():
        return f"registry {program}"
    if _present(REGISTRY_IMAGE):
        return f"registry as a container of {REGISTRY_IMAGE}"
    if install("docker-registry"):
        # The package starts a registry on port 5000, but the sandbox starts its own.
        run("systemctl", "disable", "--now", "docker-registry")
        return f"registry {_registry_program()}"
    if pull(REGISTRY_IMAGE):
        return f"registry as a container of {REGISTRY_IMAGE}"
    raise MissingError(
        "no container registry: install the package docker-registry (Debian, Ubuntu), "
        f"or let Docker pull {REGISTRY_IMAGE}"
    )


def _registry_program() -> str | None:
    return next((program for program in REGISTRY_PROGRAMS if shutil.which(program)), None)


def prepare_base_image() -> str:
    """Provide the example's base image: present, pulled, or built from Debian's busybox-static."""
    if not _present(BASE_IMAGE) and not pull(BASE_IMAGE):
        program = _static_busybox()
        if program is None:
            raise MissingError(
                f"no base image {BASE_IMAGE}: let Docker pull it, or install the package busybox-static (Debian)"
            )
        say(f"building {BASE_IMAGE} from {program}")
        done = run("docker", "import", "--change", 'CMD ["sh"]', "-", BASE_IMAGE, data=root_filesystem(program))
        if done.returncode:
            raise MissingError(f"could not build the base image {BASE_IMAGE}: {done.stderr.strip()}")
    return f"base image {BASE_IMAGE}"


def _static_busybox() -> Path | None:
    program = Path("/bin/busybox")
    if run("dpkg", "-s", "busybox-static").returncode and not install("busybox-static"):
        return None
    return program if program.exists() else None


def root_filesystem(busybox: Path) -> bytes:
    """A tar archive with busybox, a link for each of its applets, two accounts and the usual folders."""
    applets = run(str(busybox), "--list").stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder, mode in {"bin": 0o755, "etc": 0o755, "home": 0o755, "root": 0o700, "tmp": 0o1777}.items():
            archive.addfile(_entry(folder, tarfile.DIRTYPE, mode))
        program = _entry("bin/busybox", tarfile.REGTYPE, 0o755)
        program.size = busybox.stat().st_size
        archive.addfile(program, io.BytesIO(busybox.read_bytes()))
        for applet in sorted(set(applets) - {"busybox"}):
            link = _entry(f"bin/{applet}", tarfile.SYMTYPE, 0o777)
            link.linkname = "busybox"
            archive.addfile(link)
        for name, text in ACCOUNTS.items():
            account = _entry(name, tarfile.REGTYPE, 0o644)
            account.size = len(text)
            archive.addfile(account, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _entry(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = kind, mode
    return entry


def _present(image: str) -> bool:
    return run("docker", "image", "inspect", image).returncode == 0


def pull(image: str) -> bool:
    """Pull an image; False if that failed."""
    say(f"docker pull {image}")
    return run("docker", "pull", "-q", image, timeout=300).returncode == 0
