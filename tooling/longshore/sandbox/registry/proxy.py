"""The registry as Docker sees it: what ECR refuses is refused here, what was pushed becomes known to ECR.

Tags live in ECR's backend alone; the registry behind stores layers, and manifests by their digest. Layers never pass
through here: an upload's Location, and a redirect for a download, lead Docker straight to the registry.
"""

from __future__ import annotations

import json
import re
import threading
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from longshore.sandbox.registry.catalogue import Catalogue, Repository
from longshore.sandbox.registry.images import (
    Image,
    ImageExistsError,
    Images,
    TagExistsError,
    digest_of,
    immutable_message,
)
from longshore.sandbox.registry.upstream import Answer, StoreError, Upstream

_PATH = re.compile(r"/v2/(?P<name>[a-z0-9._/-]+)/(?P<kind>manifests|blobs|tags)/(?P<rest>.+)")
_MANIFEST_LIMIT = 4 * 1024 * 1024


class RefusedError(Exception):
    """An answer in the form of the registry API's errors (Distribution specification, "Errors")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()


class Proxy:
    """The registry's front, on a free loopback port."""

    def __init__(self, upstream: Upstream, catalogue: Catalogue) -> None:
        handler = type("Handler", (_Handler,), {"upstream": upstream, "catalogue": catalogue})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="registry", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: Upstream
    catalogue: Catalogue

    def _route(self) -> None:
        try:
            self._answer(self._body())
        except RefusedError as error:
            self._send(error.status, {"Content-Type": "application/json"}, error.body)
        except (OSError, HTTPException) as error:
            # the registry behind is away: Docker tries again, and says this if it stays so
            self._send(502, {}, f"the sandbox's registry does not answer: {error}".encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _route  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if "Transfer-Encoding" in self.headers or length > _MANIFEST_LIMIT:
            self.close_connection = True  # what is not read would be taken for the next request
            raise RefusedError(413, "SIZE_INVALID", f"A manifest has a length, of at most {_MANIFEST_LIMIT} bytes")
        return self.rfile.read(length)

    def _answer(self, body: bytes) -> None:
        if self.path in ("/v2", "/v2/"):
            return self._send(200, {"Content-Type": "application/json"}, b"{}")
        path = self.path.partition("?")[0]
        found = _PATH.fullmatch(path)
        if not found:
            raise RefusedError(404, "UNSUPPORTED", f"{path} is not served by ECR")
        name, kind, rest = found["name"], found["kind"], found["rest"]
        repository = self.catalogue.find(name)
        if repository is None:
            raise RefusedError(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist in the registry")
        if kind == "manifests":
            return self._manifest(name, repository, rest, body)
        if kind == "tags":
            tags = sorted(tag for image in repository.images for tag in image.image_tags)
            return self._json({"name": name, "tags": tags})
        return self._blob(body)

    def _manifest(self, name: str, repository: Repository, reference: str, body: bytes) -> None:
        if self.command == "PUT":
            return self._push(name, repository, reference, body)
        if self.command == "DELETE":
            raise RefusedError(405, "UNSUPPORTED", "ECR deletes images with BatchDeleteImage")
        image = _find(repository.images, reference)
        if image is None:
            raise RefusedError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        headers = {"Content-Type": image.image_manifest_media_type, "Docker-Content-Digest": image.image_digest}
        return self._send(200, headers, image.image_manifest.encode())

    def _push(self, name: str, repository: Repository, reference: str, body: bytes) -> None:
        digest, media_type = digest_of(body), self.headers.get("Content-Type", "")
        tag = None if ":" in reference else reference
        if tag is None and reference != digest:
            raise RefusedError(400, "DIGEST_INVALID", f"The manifest's digest is {digest}, not {reference}")
        try:
            _admit(repository, digest, tag)
            self.upstream.put_manifest(name, digest, media_type, body)
            repository.images.put(body.decode(), media_type, tag, immutable=repository.is_immutable(tag))
        except ImageExistsError:
            pass  # pushed again, unchanged
        except StoreError as error:
            return self._pass(error.answer)
        except TagExistsError as error:
            raise RefusedError(400, "TAG_INVALID", immutable_message(name, tag)) from error
        self._send(201, {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}, b"")
        return None

    def _blob(self, body: bytes) -> None:
        if self.command in ("GET", "HEAD"):
            return self._send(307, {"Location": f"http://{self.upstream.address}{self.path}"}, b"")
        # the client's Host is not passed on: Location then names the registry itself
        answer = self.upstream.request(self.command, self.path, body, self.headers.get("Content-Type", ""))
        return self._pass(answer)

    def _pass(self, answer: Answer) -> None:
        self._send(answer.status, answer.headers, answer.body)

    def _json(self, value: Any) -> None:
        self._send(200, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        for name, value in headers.items():
            if name.lower() not in ("content-length", "date", "docker-distribution-api-version", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
        """Say nothing: Docker's traffic would bury the server's log."""


def _admit(repository: Repository, digest: str, tag: str | None) -> None:
    try:
        repository.images.check(digest, tag, immutable=repository.is_immutable(tag))
    except ImageExistsError:
        # Docker's push of an unchanged image to an immutable tag fails on ECR (aws/containers-roadmap 2179)
        if tag and repository.is_immutable(tag):
            raise TagExistsError from None
        raise


def _find(images: Images, reference: str) -> Image | None:
    return images.find(digest=reference) if ":" in reference else images.find(tag=reference)
