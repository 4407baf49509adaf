"""A client of the registry behind ECR, which stores layers, and manifests by their digest."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """A response, read completely."""

    status: int
    headers: dict[str, str]
    body: bytes


class StoreError(Exception):
    """The registry refused a manifest or a layer.

    Args:
        answer: the registry's response.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the registry answers {answer.status}: {answer.body[:500].decode(errors='replace')}")
        self.answer = answer


class Upstream:
    """The registry behind ECR, whose URLs start with a secret path that replaces a sign-in.

    Docker uploads and downloads layers there directly. It sends its login to the host that it was told to log in to
    and to no other, so the Location that the proxy answers with has to be the permission.

    Args:
        address: ``127.0.0.1:PORT``.
        prefix: the path before ``/v2/``, with a slash at its start and none at its end; empty for none.
    """

    def __init__(self, address: str, prefix: str = "") -> None:
        self.address = address
        self.prefix = prefix

    def url(self, path: str) -> str:
        """The URL of a path of the registry API, such as ``/v2/``."""
        return f"http://{self.address}{self.prefix}{path}"

    def request(self, method: str, path: str, body: bytes | None = None, media_type: str = "") -> Answer:
        """Send a request for a path of the registry API on a new connection.

        Raises:
            OSError, http.client.HTTPException: the registry does not answer.
        """
        return self._send(method, self.prefix + path, body, media_type)

    def _send(self, method: str, path: str, body: bytes | None, media_type: str) -> Answer:
        connection = HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body=body, headers={"Content-Type": media_type} if media_type else {})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()

    def put_manifest(self, name: str, digest: str, media_type: str, manifest: bytes) -> None:
        """Store a manifest under its digest.

        Raises:
            StoreError: the manifest is not valid, or a layer is missing.
        """
        self._expect(201, self.request("PUT", f"/v2/{name}/manifests/{digest}", manifest, media_type))

    def delete_manifest(self, name: str, digest: str) -> None:
        """Delete a manifest, if it exists."""
        self.request("DELETE", f"/v2/{name}/manifests/{digest}")

    def put_blob(self, name: str, digest: str, content: bytes) -> None:
        """Store a layer or a configuration.

        Raises:
            StoreError: the digest is not that of the content.
        """
        upload = self._expect(202, self.request("POST", f"/v2/{name}/blobs/uploads/"))
        location = urlsplit(upload.headers["location"])
        path = f"{location.path}?{location.query}&digest={digest}"
        self._expect(201, self._send("PUT", path, content, "application/octet-stream"))

    def blob_size(self, name: str, digest: str) -> int | None:
        """The size of a layer in bytes; None if it does not exist."""
        answer = self.request("HEAD", f"/v2/{name}/blobs/{digest}")
        return int(answer.headers["content-length"]) if answer.status == 200 else None

    def _expect(self, status: int, answer: Answer) -> Answer:
        if answer.status != status:
            raise StoreError(answer)
        return answer
