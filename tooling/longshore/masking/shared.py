"""One set of masks for all consoles of a task: the one that shows an error is not the one that learned the secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from longshore.masking.masks import Masks

_MASKS: ContextVar[Masks | None] = ContextVar("masks", default=None)


@contextmanager
def sharing_masks(values: Iterable[str]) -> Iterator[None]:
    """During the block, `shared_masks` returns the same masks; they begin with these values."""
    token = _MASKS.set(Masks(values))
    try:
        yield
    finally:
        _MASKS.reset(token)


def shared_masks() -> Masks | None:
    """The masks of the running task, or None outside of one."""
    return _MASKS.get()
