"""A terminal that remembers its screen: as much of one as the live display needs."""

from __future__ import annotations

import io
import re

from rich.text import Text

COLUMNS, ROWS = 100, 50
_PART = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen(io.StringIO):
    """A stream that says that it is a terminal, and takes what is written to it as one.

    Rich erases a line before it writes there again, so a line is a text and not a row of cells.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines = [""]
        self._row = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        for arguments, command, control, words in _PART.findall(text):
            if control == "\n":
                self._row += 1
                self._lines += [""] * (self._row == len(self._lines))
            elif command == "A":
                self._row -= int(arguments or 1)
            elif command == "K":
                self._lines[self._row] = ""
            elif command == "m":
                self._lines[self._row] += f"\x1b[{arguments}m"
            else:
                self._lines[self._row] += words
        return len(text)

    def text(self) -> Text:
        """Everything on the screen and above it, with its colours."""
        return Text.from_ansi("\n".join(self._lines).rstrip())
