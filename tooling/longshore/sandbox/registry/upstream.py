"""The real registry, spoken to in the Distribution protocol: layers, and manifests by their digest."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """One answer, read whole."""

    status: int
    headers: dict[str, str]
    body: bytes


class StoreError(Exception):
    """The registry did not take a manifest or a layer.

    Args:
        answer: what it said instead.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the registry answers {answer.status}: {answer.body[:500].decode(errors='replace')}")
        self.answer = answer


class Upstream:
    """A registry at ``127.0.0.1:PORT``."""

    def __init__(self, address: str) -> None:
        self.address = address

    def request(self, method: str, path: str, body: bytes | None = None, media_type: str = "") -> Answer:
        """One request, on a connection of its own.

        Raises:
            OSError, http.client.HTTPException: the registry is away.
        """
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
            StoreError: it is not valid, or a layer is missing.
        """
        self._expect(201, self.request("PUT", f"/v2/{name}/manifests/{digest}", manifest, media_type))

    def delete_manifest(self, name: str, digest: str) -> None:
        """Forget a manifest; one that is not there is no error."""
        self.request("DELETE", f"/v2/{name}/manifests/{digest}")

    def put_blob(self, name: str, digest: str, content: bytes) -> None:
        """Store a layer or a configuration.

        Raises:
            StoreError: its digest is another.
        """
        begun = self._expect(202, self.request("POST", f"/v2/{name}/blobs/uploads/"))
        place = urlsplit(begun.headers["location"])
        path = f"{place.path}?{place.query}&digest={digest}"
        self._expect(201, self.request("PUT", path, content, "application/octet-stream"))

    def blob_size(self, name: str, digest: str) -> int | None:
        """Bytes of a layer; None when it is not there."""
        answer = self.request("HEAD", f"/v2/{name}/blobs/{digest}")
        return int(answer.headers["content-length"]) if answer.status == 200 else None

    def _expect(self, status: int, answer: Answer) -> Answer:
        if answer.status != status:
            raise StoreError(answer)
        return answer
