"""Calls of the stand-in, and their answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from longshore.sandbox.terraform_cloud.documents import Document


class RefusedError(Exception):
    """A call that is answered with an error."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Call:
    """A request."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    base: str

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes in the document that was sent."""
        return dict(self._data.get("attributes") or {})

    def related(self, name: str) -> str:
        """The id of what the document that was sent is related to; empty where there is none."""
        return str(((self._data.get("relationships") or {}).get(name) or {}).get("data", {}).get("id", ""))

    @property
    def _data(self) -> dict[str, Any]:
        return dict(json.loads(self.body or b"{}").get("data") or {})


def one(document: Document, status: int = 200) -> Reply:
    """An answer with one document."""
    return Reply(status, json.dumps({"data": document}).encode())


def several(found: list[Document]) -> Reply:
    """An answer with all of several documents, on one page."""
    pagination = {"current-page": 1, "next-page": None, "total-count": len(found)}
    return Reply(200, json.dumps({"data": found, "meta": {"pagination": pagination}}).encode())
