"""A tiny image without a base image from a registry: FROM scratch, with this machine's static busybox."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

from docker import DockerClient

DOCKERFILE = b"""FROM scratch
COPY busybox /bin/busybox
ENV PATH=/bin
RUN ["/bin/busybox", "--install", "/bin"]
RUN mkdir -p /tmp /srv && echo %s > /srv/version
"""


def build(docker: DockerClient, tag: str, version: str = "v1") -> str:
    """Build the image with a file /srv/version.

    Returns:
        The tag.
    """
    context, recipe = io.BytesIO(), DOCKERFILE % version.encode()
    entry = tarfile.TarInfo("Dockerfile")
    entry.size = len(recipe)
    program = shutil.which("busybox")
    assert program, "busybox-static is needed"
    with tarfile.open(fileobj=context, mode="w") as archive:
        archive.addfile(entry, io.BytesIO(recipe))
        archive.add(Path(program).resolve(), "busybox")
    context.seek(0)
    docker.images.build(fileobj=context, custom_context=True, tag=tag, rm=True)
    return tag


SERVE = "trap 'exit 0' TERM; httpd -p 8080 -h /srv; echo listening; while :; do sleep 1 & wait $!; done"
"""A web server that obeys SIGTERM at once."""
