"""The images of a repository, their tags, and their pages."""

from __future__ import annotations

import bisect
import hashlib
import json
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T", bound=Hashable)
Entry = tuple[str, str | None]
"""A line of ListImages: digest and tag; the tag is None for an image without tags."""


class TagExistsError(Exception):
    """The tag is taken and must not move."""


class ImageExistsError(Exception):
    """The image has this tag already."""


def digest_of(manifest: bytes) -> str:
    """The digest of a manifest: sha256 over its bytes as pushed."""
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def immutable_message(repository: str, tag: str | None) -> str:
    """ECR's message for a tag that is taken in an immutable repository."""
    return (
        f"The image tag '{tag}' already exists in the '{repository}' repository "
        "and cannot be overwritten because the repository is immutable."
    )


@dataclass(eq=False)
class Image:
    """A manifest and its tags; moto reads some of these attributes."""

    image_digest: str
    image_manifest: str
    image_manifest_media_type: str
    image_tags: list[str] = field(default_factory=list)
    image_pushed_at: float = field(default_factory=time.time)
    last_scan: Any = None
    scan_finding_results_queue: list[Any] = field(default_factory=list)
    scan_finding_results: dict[str, Any] = field(default_factory=dict)

    @property
    def image_tag(self) -> str | None:
        """The newest tag."""
        return self.image_tags[-1] if self.image_tags else None

    def get_image_digest(self) -> str:
        """The digest, under the name that moto uses."""
        return self.image_digest


class PagedList(Generic[T]):
    """A list with pages, in the order of insertion. Pages start after a number, so removals do not shift them."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._items: dict[int, T] = {}
        self._number_of: dict[T, int] = {}
        self._next = 1

    def add(self, item: T) -> None:
        """Append an item."""
        self._numbers.append(self._next)
        self._items[self._next] = item
        self._number_of[item] = self._next
        self._next += 1

    def remove(self, item: T) -> None:
        """Remove an item, if it is in the list."""
        number = self._number_of.pop(item, None)
        if number is not None:
            del self._items[number]
            del self._numbers[bisect.bisect_left(self._numbers, number)]

    def page(self, after: int, limit: int, wanted: Callable[[T], bool]) -> tuple[list[T], int | None]:
        """At most `limit` wanted items after a number, and the number for the next page; None on the last page."""
        items: list[T] = []
        last = after
        for index in range(bisect.bisect_right(self._numbers, after), len(self._numbers)):
            number = self._numbers[index]
            if not wanted(self._items[number]):
                continue
            if len(items) == limit:
                return items, last
            items.append(self._items[number])
            last = number
        return items, None


class Images:
    """All images of a repository; safe for several threads. Iterating uses a copy, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_digest: dict[str, Image] = {}
        self._digest_of: dict[str, str] = {}
        self._digests: PagedList[str] = PagedList()
        self._entries: PagedList[Entry] = PagedList()

    def __len__(self) -> int:
        return len(self._by_digest)

    def __iter__(self) -> Iterator[Image]:
        with self._lock:
            return iter(list(self._by_digest.values()))

    def find(self, digest: str | None = None, tag: str | None = None) -> Image | None:
        """The image with this digest, this tag, or both."""
        with self._lock:
            wanted = digest or self._digest_of.get(tag or "")
            image = self._by_digest.get(wanted or "")
            return image if image and (not tag or tag in image.image_tags) else None

    def check(self, digest: str, tag: str | None, *, immutable: bool) -> None:
        """Refuse the arguments that `put` would refuse.

        Raises:
            ImageExistsError: this image has this tag, or was pushed without a tag and exists.
            TagExistsError: another image has the tag, and `immutable` forbids moving it.
        """
        with self._lock:
            owner = self._digest_of.get(tag) if tag else None
            if owner == digest or (tag is None and digest in self._by_digest):
                raise ImageExistsError
            if owner and immutable:
                raise TagExistsError

    def put(self, manifest: str, media_type: str, tag: str | None, *, immutable: bool) -> Image:
        """Add a manifest, or add a tag to an existing one; a tag of another image moves unless it is immutable.

        Raises:
            ImageExistsError, TagExistsError: as in `check`.
        """
        digest = digest_of(manifest.encode())
        with self._lock:
            self.check(digest, tag, immutable=immutable)
            image = self._by_digest.get(digest) or self._add(Image(digest, manifest, media_type))
            if tag:
                self._move(tag, image)
            return image

    def untag(self, tag: str) -> Image | None:
        """Remove a tag, and its image with the last one; return the image, None if no image has the tag."""
        with self._lock:
            image = self.find(tag=tag)
            if image and len(image.image_tags) == 1:
                self.remove(image)
            elif image:
                self._drop(tag, image)
            return image

    def remove(self, image: Image) -> None:
        """Remove an image with all its tags."""
        with self._lock:
            for tag in list(image.image_tags):
                self._drop(tag, image)
            self._entries.remove((image.image_digest, None))
            self._digests.remove(image.image_digest)
            self._by_digest.pop(image.image_digest, None)

    def list_entries(self, after: int, limit: int, status: str) -> tuple[list[Entry], int | None]:
        """A page of digests and tags; `status` is ANY, TAGGED or UNTAGGED."""
        with self._lock:
            return self._entries.page(after, limit, lambda entry: status in ("ANY", _status(entry[1])))

    def list_images(self, after: int, limit: int, status: str) -> tuple[list[Image], int | None]:
        """A page of images; `status` is ANY, TAGGED or UNTAGGED."""
        with self._lock:
            digests, next_number = self._digests.page(
                after, limit, lambda digest: status in ("ANY", _status(self._by_digest[digest].image_tag))
            )
            return [self._by_digest[digest] for digest in digests], next_number

    def size(self, image: Image) -> int:
        """Bytes in the registry: configuration and layers; for an index, those of its largest image."""
        manifest = json.loads(image.image_manifest)
        if "manifests" in manifest:
            children = [self.find(digest=child["digest"]) for child in manifest["manifests"]]
            return max((self.size(child) for child in children if child), default=0)
        return sum(int(part.get("size", 0)) for part in [manifest.get("config", {}), *manifest.get("layers", [])])

    def lists_of(self, digest: str) -> list[str]:
        """The digests of the indexes and manifest lists that an image is part of."""
        with self._lock:
            return [
                image.image_digest
                for image in self._by_digest.values()
                if '"manifests"' in image.image_manifest
                and digest in [child["digest"] for child in json.loads(image.image_manifest).get("manifests") or []]
            ]

    def _add(self, image: Image) -> Image:
        self._by_digest[image.image_digest] = image
        self._digests.add(image.image_digest)
        self._entries.add((image.image_digest, None))
        return image

    def _move(self, tag: str, image: Image) -> None:
        former = self.find(tag=tag)
        if former:
            self._drop(tag, former)
            if not former.image_tags:
                self._entries.add((former.image_digest, None))
        self._entries.remove((image.image_digest, None))
        self._entries.add((image.image_digest, tag))
        self._digest_of[tag] = image.image_digest
        image.image_tags.append(tag)

    def _drop(self, tag: str, image: Image) -> None:
        image.image_tags.remove(tag)
        self._entries.remove((image.image_digest, tag))
        self._digest_of.pop(tag, None)


def _status(tag: str | None) -> str:
    return "TAGGED" if tag else "UNTAGGED"
