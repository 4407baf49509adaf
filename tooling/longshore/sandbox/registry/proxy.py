"""The registry for Docker: it refuses the requests that ECR refuses, and records pushed images in ECR.

Only ECR's backend knows tags; the registry behind stores layers, and manifests by their digest. Layers do not pass
through this proxy: the Location of an upload, and a redirect of a download, point Docker at the registry.
"""

from __future__ import annotations

from collections.abc import Iterable
from hmac import compare_digest
from http.client import HTTPException

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter
from werkzeug.wrappers import Request, Response

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
from longshore.sandbox.routing import Route, Router, json_response
from longshore.sandbox.serving import Environ, StartResponse, listen, serve

_MANIFEST_LIMIT = 4 * 1024 * 1024
_SET_BY_US = {"connection", "content-length", "date", "docker-distribution-api-version", "transfer-encoding"}


class RefusedError(Exception):
    """A refusal in the format of the registry API's errors (Distribution specification, "Errors")."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.response = json_response({"errors": [{"code": code, "message": message}]}, status)


class RegistryProxy:
    """The server of the registry API, on a free loopback port.

    Args:
        upstream: the registry behind it.
        catalogue: the repositories.
        password: of the user AWS, which GetAuthorizationToken tells.
    """

    def __init__(self, upstream: Upstream, catalogue: Catalogue, password: str) -> None:
        self._listener = listen(0)
        self._server = serve(_Application(upstream, catalogue, password), self._listener, "registry")
        self.address = f"127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._listener.close()


class _RepositoryName(BaseConverter):
    """A repository's name, which may have slashes and contain words of the API's paths."""

    regex = "[a-z0-9._/-]+"
    part_isolating = False


class _Application:
    """The registry API, as a WSGI application."""

    def __init__(self, upstream: Upstream, catalogue: Catalogue, password: str) -> None:
        self._upstream = upstream
        self._catalogue = catalogue
        self._password = password
        self._router = Router(self._routes(), repository=_RepositoryName)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        response = self._answer(Request(environ))
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        try:
            self._check_login(request)
            _check_length(request)
            return self._router.answer(request)
        except RefusedError as error:
            return error.response
        except NotFound:
            return RefusedError(404, "UNSUPPORTED", f"ECR does not serve {request.path}").response
        except MethodNotAllowed:
            return RefusedError(405, "UNSUPPORTED", f"ECR does not serve {request.method} {request.path}").response
        except (OSError, HTTPException) as error:
            # Docker repeats the request, and shows this message if it keeps failing
            return Response(f"the sandbox's registry does not answer: {error}", 502)

    def _check_login(self, request: Request) -> None:
        given = request.authorization
        login = f"{given.username}:{given.password}" if given and given.type == "basic" else ""
        if not compare_digest(login.encode(), f"AWS:{self._password}".encode()):
            refusal = RefusedError(401, "UNAUTHORIZED", "Not Authorized")
            refusal.response.headers["WWW-Authenticate"] = 'Basic realm="the sandbox",service="ecr.amazonaws.com"'
            raise refusal

    def _routes(self) -> list[Route[Response]]:
        manifest, blobs = "/v2/<repository:name>/manifests/<path:reference>", "/v2/<repository:name>/blobs/<path:rest>"
        return [
            ("GET", "/v2/", lambda _: json_response({})),
            ("GET", manifest, self._pull),
            ("PUT", manifest, self._push),
            ("DELETE", manifest, self._delete),
            ("GET", "/v2/<repository:name>/tags/list", self._tags),
            ("GET", blobs, self._redirect),
            ("POST PUT DELETE", blobs, self._forward),
        ]

    def _repository(self, name: str) -> Repository:
        repository = self._catalogue.find(name)
        if repository is None:
            raise RefusedError(404, "NAME_UNKNOWN", f"The repository with name '{name}' does not exist in the registry")
        return repository

    def _pull(self, _request: Request, name: str, reference: str) -> Response:
        image = _find(self._repository(name).images, reference)
        if image is None:
            raise RefusedError(404, "MANIFEST_UNKNOWN", "Requested image not found")
        digest = {"Docker-Content-Digest": image.image_digest}
        return Response(image.image_manifest, headers=digest, content_type=image.image_manifest_media_type)

    def _push(self, request: Request, name: str, reference: str) -> Response:
        repository, manifest = self._repository(name), request.get_data()
        digest, media_type = digest_of(manifest), request.headers.get("Content-Type", "")
        tag = None if ":" in reference else reference
        if tag is None and reference != digest:
            raise RefusedError(400, "DIGEST_INVALID", f"The manifest's digest is {digest}, not {reference}")
        try:
            _check_tag(repository, digest, tag)
            self._upstream.put_manifest(name, digest, media_type, manifest)
            repository.images.put(manifest.decode(), media_type, tag, immutable=repository.is_immutable(tag))
        except ImageExistsError:
            pass  # the same image was pushed again
        except StoreError as error:
            return _response(error.answer)
        except TagExistsError as error:
            raise RefusedError(400, "TAG_INVALID", immutable_message(name, tag)) from error
        headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
        return Response(status=201, headers=headers)

    def _delete(self, _request: Request, name: str, reference: str) -> Response:  # noqa: ARG002 - see the routes
        self._repository(name)
        raise RefusedError(405, "UNSUPPORTED", "ECR deletes images with BatchDeleteImage")

    def _tags(self, _request: Request, name: str) -> Response:
        images = self._repository(name).images
        return json_response({"name": name, "tags": sorted(tag for image in images for tag in image.image_tags)})

    def _redirect(self, request: Request, name: str, rest: str) -> Response:  # noqa: ARG002 - see the routes
        self._repository(name)
        return Response(status=307, headers={"Location": self._upstream.url(_target(request))})

    def _forward(self, request: Request, name: str, rest: str) -> Response:  # noqa: ARG002 - see the routes
        """The registry's response.

        The client's Host is not forwarded, so that a Location names the registry and no layer passes through here.
        """
        self._repository(name)
        media_type = request.headers.get("Content-Type", "")
        return _response(self._upstream.request(request.method, _target(request), request.get_data(), media_type))


def _check_length(request: Request) -> None:
    if "Transfer-Encoding" in request.headers or (request.content_length or 0) > _MANIFEST_LIMIT:
        message = f"A manifest must have a length of at most {_MANIFEST_LIMIT} bytes"
        raise RefusedError(413, "SIZE_INVALID", message)


def _target(request: Request) -> str:
    """The path and query of a request, exactly as the client wrote them."""
    return str(request.environ["REQUEST_URI"])


def _response(answer: Answer) -> Response:
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in _SET_BY_US}
    return Response(answer.body, answer.status, headers)


def _check_tag(repository: Repository, digest: str, tag: str | None) -> None:
    try:
        repository.images.check(digest, tag, immutable=repository.is_immutable(tag))
    except ImageExistsError:
        # On ECR, pushing an unchanged image to an immutable tag fails (aws/containers-roadmap 2179)
        if tag and repository.is_immutable(tag):
            raise TagExistsError from None
        raise


def _find(images: Images, reference: str) -> Image | None:
    return images.find(digest=reference) if ":" in reference else images.find(tag=reference)
