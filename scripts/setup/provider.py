"""Finds a local copy of Terraform's AWS provider, and writes the CLI configuration that makes Terraform use it.

A copy is a folder ``registry.terraform.io`` in the layout of a filesystem mirror, packed or unpacked:
https://developer.hashicorp.com/terraform/cli/config/config-file#filesystem_mirror
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

REGISTRY = "registry.terraform.io"
PROVIDER = f"{REGISTRY}/hashicorp/aws"
OLDEST = (5, 100)  # "~> 5.100", as in the versions.tf of both stacks

# Administrators install software without a package here; only a few levels are searched.
SEARCHED = ("/opt", "/srv", "/usr/local", "/usr/share", "/usr/lib", "/var/lib", "/var/cache", "/mnt")
DEPTH = 4
SKIPPED = {"node_modules", "site-packages", "dist-packages", "doc", "docker", "containerd", "lost+found"}


def implied(home: Path, environ: Mapping[str, str]) -> list[Path]:
    """The folders that Terraform searches without any configuration.

    Source: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
    """
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share")
    shared = (environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return [
        home / ".terraform.d/plugins",
        home / "Library/Application Support/io.terraform/plugins",
        Path("/Library/Application Support/io.terraform/plugins"),
        data / "terraform/plugins",
        *(Path(folder) / "terraform/plugins" for folder in shared),
    ]


def usable(mirror: Path, platform: str) -> bool:
    """Whether a mirror contains an AWS provider that our stacks accept, for this platform (such as ``linux_amd64``)."""
    folder = mirror / PROVIDER
    unpacked = (path.parent.name for path in folder.glob(f"*/{platform}"))
    packed = (path.name.split("_")[1] for path in folder.glob(f"terraform-provider-aws_*_{platform}.zip"))
    return any(_accepted(version) for version in (*unpacked, *packed))


def _accepted(version: str) -> bool:
    match = re.fullmatch(r"(\d+)\.(\d+)\.\d+", version)
    return match is not None and int(match[1]) == OLDEST[0] and int(match[2]) >= OLDEST[1]


def search(roots: Iterable[Path], platform: str) -> Path | None:
    """The first usable mirror, at most DEPTH levels below the roots."""
    return next((folder for root in roots for folder in _folders(root, DEPTH) if usable(folder, platform)), None)


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """The folders that contain a folder named like the registry, nearest first; links are not followed."""
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    if REGISTRY in entries:
        yield folder
    elif depth > 0:
        for name in entries:
            if name not in SKIPPED:
                yield from _folders(folder / name, depth - 1)


def named(value: str) -> Path:
    """The mirror for a user's setting, which may be the mirror or the folder ``registry.terraform.io`` inside it."""
    folder = Path(value).expanduser().absolute()
    return folder.parent if folder.name == REGISTRY else folder


def cli_config(own: str, mirror: Path | None, cache: Path) -> str | None:
    """The text of ``.longshore/terraform.rc``, or None if the user's own already names a source of providers.

    Args:
        own: the user's own CLI configuration, which ours replaces; empty if there is none.
        mirror: a folder that Terraform would not search; None for the public registry.
        cache: a folder for downloaded providers, so that each is downloaded once.
    """
    if re.search(r"^\s*provider_installation\b", own, re.MULTILINE):
        return None
    if mirror is None:
        cached = re.search(r"^\s*plugin_cache_dir\b", own, re.MULTILINE)
        return None if cached else f'{own}plugin_cache_dir = "{cache}"\n'
    return f"""{own}provider_installation {{
  filesystem_mirror {{
    path    = "{mirror}"
    include = ["{PROVIDER}"]
  }}
  direct {{
    exclude = ["{PROVIDER}"]
  }}
}}
"""
