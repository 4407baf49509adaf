"""The variable of a workspace that gives its plans variable files from outside the root."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from itertools import pairwise

from longshore.config.target import Stack
from longshore.errors import TerraformError

ARGUMENTS = "TF_CLI_ARGS_plan"
_ONE_WORD = re.compile(r"--?var-file=")
_TWO_WORDS = ("-var-file", "--var-file")


def for_stack(stack: Stack) -> str:
    """What makes a plan in the root take the variable files of the stack."""
    files = [os.path.relpath(file, stack.directory) for file in stack.var_files]
    return " ".join(f"-var-file={shlex.quote(file)}" for file in files)


def problems(value: object, needed: str) -> list[str]:
    """What is wrong with the variable's value: what it lacks, and what it gives of others, one line each.

    Raises:
        TerraformError: it can't be read.
    """
    given, wanted = _split(value), shlex.split(needed)
    missing = [one for one in wanted if one not in given]
    # The later of two files wins: one of another environment would be planned without a word.
    others = [one for one in _files(given) if f"-var-file={one}" not in wanted]
    return [*(f"lacks {one}" for one in missing), *(f"gives {one}, too" for one in others)]


def with_only(value: object, needed: str) -> str | None:
    """The value with these variable files and no other; arguments that somebody else gave stay.

    Returns:
        None where it is so already.

    Raises:
        TerraformError: it can't be read.
    """
    words, kept = _split(value), []
    before = [*words]
    while words:
        word = words.pop(0)
        if word in _TWO_WORDS:
            del words[:1]
        elif not _ONE_WORD.match(word):
            kept.append(word)
    after = " ".join([*map(shlex.quote, kept), needed])
    return None if shlex.split(after) == before else after


def _files(words: Sequence[str]) -> list[str]:
    """The variable files that arguments give, in either of the ways to write them."""
    after = [second for first, second in pairwise(words) if first in _TWO_WORDS]
    return [*after, *(_ONE_WORD.sub("", word) for word in words if _ONE_WORD.match(word))]


def _split(value: object) -> list[str]:
    """The words of the value.

    Raises:
        TerraformError: a quotation mark in it is not closed.
    """
    try:
        return shlex.split(str(value or ""))
    except ValueError:
        raise TerraformError(
            f"{ARGUMENTS} of the workspace can't be read as arguments: a quotation mark is not closed",
            "Mend it on the workspace's page.",
        ) from None
