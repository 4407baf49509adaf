"""The platform of an image, in the one spelling that Docker reports: ``linux/amd64``."""

from __future__ import annotations

import re

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64", "armv8": "arm64"}
_KNOWN = frozenset({"amd64", "arm64"})
_FORM = re.compile(r"[a-z]+/[a-z0-9]+(/v[0-9]+)?")


def canonical(text: str) -> str:
    """A platform in Docker's spelling. An architecture alone, such as ``ARM64``, means Linux.

    The rules are those of containerd, with the spellings of ``uname -m`` and of ECS:
    https://github.com/containerd/platforms/blob/main/platforms.go

    Raises:
        ValueError: it is not a platform.
    """
    parts = [_ARCHITECTURES.get(part, part) for part in text.strip().lower().split("/")]
    if len(parts) == 1 and parts[0] in _KNOWN:
        parts = ["linux", *parts]
    if parts[1:] == ["arm64", "v8"]:
        parts = parts[:2]  # the only variant of arm64, which Docker reports or leaves out
    platform = "/".join(parts)
    if not _FORM.fullmatch(platform):
        raise ValueError(f"{text!r} is not a platform such as linux/amd64 or linux/arm64")
    return platform
