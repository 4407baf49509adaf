"""Masks lines that arrive one by one: a secret may end on the next one."""

from __future__ import annotations

from longshore.masking.masks import Masks

_MOST = 100
"""Lines that are kept back at most; a private key has fewer."""


class MaskedStream:
    """The lines of one program, of which those that may end inside a secret wait for the next one.

    Args:
        masks: of the process.
        untrusted: whether a container or AWS wrote the lines.
    """

    def __init__(self, masks: Masks, *, untrusted: bool = True) -> None:
        self._masks, self._untrusted = masks, untrusted
        self._waiting: list[str] = []

    def feed(self, line: str) -> list[str]:
        """Adds a line; returns the masked lines that can be shown."""
        self._waiting.append(line)
        return [] if len(self._waiting) < _MOST and self._masks.is_cut(self._waiting) else self.flush()

    def flush(self) -> list[str]:
        """The masked lines that still wait."""
        lines, self._waiting = self._waiting, []
        return self._masks.mask_lines(lines, untrusted=self._untrusted)
