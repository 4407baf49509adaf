"""The variable TF_CLI_ARGS_plan of a workspace, which adds variable files from outside the root to its plans.

https://developer.hashicorp.com/terraform/cli/config/environment-variables#tf_cli_args-and-tf_cli_args_name
"""

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
    """The value with which a plan in the root uses the stack's variable files."""
    files = [os.path.relpath(file, stack.directory) for file in stack.var_files]
    return " ".join(f"-var-file={shlex.quote(file)}" for file in files)


def problems(value: object, needed: str) -> list[str]:
    """The variable files that a value lacks, and those that it should not have, one line each.

    Raises:
        TerraformError: the value cannot be parsed.
    """
    words, needed_words = _split(value), shlex.split(needed)
    missing = [word for word in needed_words if word not in words]
    # The last file wins: one of another environment would change the plan without a warning.
    foreign = [file for file in _files(words) if f"-var-file={file}" not in needed_words]
    return [*(f"lacks {word}" for word in missing), *(f"also has the variable file {file}" for file in foreign)]


def with_only(value: object, needed: str) -> str | None:
    """The value with exactly these variable files; its other arguments stay.

    Returns:
        None if the value need not change.

    Raises:
        TerraformError: the value cannot be parsed.
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
    """The variable files among arguments, in both spellings of the option."""
    separate = [second for first, second in pairwise(words) if first in _TWO_WORDS]
    return [*separate, *(_ONE_WORD.sub("", word) for word in words if _ONE_WORD.match(word))]


def _split(value: object) -> list[str]:
    try:
        return shlex.split(str(value or ""))
    except ValueError:
        raise TerraformError(
            f"cannot parse the workspace's variable {ARGUMENTS}: a quotation mark is not closed",
            "Fix it on the workspace's page.",
        ) from None
