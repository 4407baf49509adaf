"""Objects in the answers of Terraform Cloud's API, which are JSON:API documents.

https://developer.hashicorp.com/terraform/cloud-docs/api-docs
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ConfigDict, Field, StrictBool, StrictInt

from longshore.errors import CloudError
from longshore.terraform.documents import Document, Text, parse

_ANSWER = "the answer of Terraform Cloud"
_ANSWERED = 200
_LAST_PAGE = 1000
T = TypeVar("T")


class _Named(Document):
    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))


class Actions(_Named):
    """The actions that a run allows."""

    is_confirmable: StrictBool | None = None
    is_discardable: StrictBool | None = None
    is_cancelable: StrictBool | None = None


class Permissions(_Named):
    """The permissions that the token has."""

    can_read_state_versions: StrictBool | None = None


class Attributes(_Named):
    """The attributes that Longshore reads, of all kinds of objects: a name has the same type in each kind."""

    actions: Actions | None = None
    auto_apply: StrictBool | None = None
    category: str | None = None
    commit_sha: Text | None = None
    error_message: str | None = None
    execution_mode: Text | None = None
    has_changes: StrictBool | None = None
    key: str | None = None
    locked: StrictBool | None = None
    log_read_url: Text | None = None
    message: str | None = None
    name: Text | None = None
    permissions: Permissions | None = None
    position_in_queue: StrictInt | None = None
    resources_processed: StrictBool | None = None
    sensitive: StrictBool | None = None
    stage: Text | None = None
    status: Text | None = None
    structured_run_output_enabled: StrictBool | None = None
    terraform_version: Text | None = None
    upload_url: Text | None = None
    value: Any = None
    vcs_repo: Any = None
    working_directory: Text | None = None


class _Identifier(Document):
    id: Text


class _Relationship(Document):
    data: _Identifier | list[Any] | None = None


class CloudObject(Document):
    """An object, such as a run or a workspace."""

    given_id: Text | None = Field(default=None, alias="id")
    type: Text = ""
    attributes: Attributes = Attributes()
    relationships: dict[str, _Relationship | None] | None = None

    @property
    def id(self) -> str:
        """Its id.

        Raises:
            CloudError: it has none.
        """
        return present(self.given_id, "data.id")

    def related(self, name: str) -> str:
        """The id of a related object; empty if there is none."""
        relationship = (self.relationships or {}).get(name)
        return relationship.data.id if relationship and isinstance(relationship.data, _Identifier) else ""


class _Pagination(_Named):
    next_page: StrictInt | None = None


class _Meta(Document):
    pagination: _Pagination | None = None


class _One(Document):
    data: CloudObject


class _Included(Document):
    included: list[CloudObject] = []  # noqa: RUF012 - pydantic copies it


class _Many(Document):
    data: list[CloudObject]
    meta: _Meta | None = None


def one(document: Any) -> CloudObject:
    """The object of an answer.

    Raises:
        CloudError: there is none, or it is malformed.
    """
    return parse(_One, document, _ANSWER, _malformed).data


def included(document: Any) -> list[CloudObject]:
    """The objects that an answer contains besides its own."""
    return parse(_Included, document, _ANSWER, _malformed).included


def many(document: Any) -> list[CloudObject]:
    """The objects of an answer with a list.

    Raises:
        CloudError: there is no list, or an object in it is malformed.
    """
    return parse(_Many, document, _ANSWER, _malformed).data


def next_page(document: Any, page: int) -> int:
    """The number of the page that follows a page of a list; 0 after the last one.

    Raises:
        CloudError: it is not a later page, so the list would have no end.
    """
    meta = parse(_Many, document, _ANSWER, _malformed).meta
    following = (meta.pagination.next_page or 0) if meta and meta.pagination else 0
    if following and not page < following <= _LAST_PAGE:
        raise _malformed(f"{_ANSWER} has {following} as 'meta.pagination.next-page' of page {page}")
    return following


def present(value: T | None, name: str) -> T:
    """An attribute that an object must have.

    Raises:
        CloudError: it is missing.
    """
    if value is None:
        raise _malformed(f"{_ANSWER} has no {name!r}")
    return value


def _malformed(message: str, hint: str = "Check any proxy between Longshore and Terraform Cloud.") -> CloudError:
    return CloudError(message, hint, _ANSWERED)
