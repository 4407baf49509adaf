"""JSON:API documents in requests to the stand-in, and in its responses."""

from __future__ import annotations

import json
from typing import Any

from werkzeug.wrappers import Request, Response

from longshore.sandbox.routing import json_response
from longshore.sandbox.terraform_cloud.documents import Document


class RefusedError(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        detail: the text of the error.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def attributes(request: Request) -> dict[str, Any]:
    """The attributes of a request's document."""
    return dict(_data(request).get("attributes") or {})


def related_id(request: Request, name: str) -> str:
    """The id in a relationship of a request's document; empty without that relationship."""
    relationship = (_data(request).get("relationships") or {}).get(name) or {}
    return str(relationship.get("data", {}).get("id", ""))


def document_response(document: Document, status: int = 200) -> Response:
    """A response with one document."""
    return json_response({"data": document}, status)


def list_response(documents: list[Document]) -> Response:
    """A response with a list of documents, on one page."""
    pagination = {"current-page": 1, "next-page": None, "total-count": len(documents)}
    return json_response({"data": documents, "meta": {"pagination": pagination}})


def error_response(error: RefusedError) -> Response:
    """A response with an error."""
    return json_response({"errors": [{"status": str(error.status), "detail": str(error)}]}, error.status)


def _data(request: Request) -> dict[str, Any]:
    return dict(json.loads(request.get_data() or b"{}").get("data") or {})
