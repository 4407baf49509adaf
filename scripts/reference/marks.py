"""Pages with a part that is generated: it stands between two marks, and the rest belongs to the author."""

from __future__ import annotations

BEGIN = "<!-- make reference writes the part below -->"
END = "<!-- make reference ends here -->"


def replace_between_marks(page: str, generated: str) -> str:
    """The page with a new generated part.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page needs both marks of scripts/reference/marks.py")
    return f"{before}{BEGIN}\n\n{generated.strip()}\n\n{END}{after}"


def cell(text: str) -> str:
    """A text as the cell of a table: on one line, without the characters that would end it."""
    return " ".join(text.split()).replace("|", "\\|")
