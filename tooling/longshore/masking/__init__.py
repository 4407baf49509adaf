"""Masks secrets in everything that leaves the process.

Known values are masked in any text, however the program that printed them has encoded them (`encodings`). In text that
a container or AWS wrote, a value after a name that stands for a secret is masked as well (`named_values`); one list
decides which names do (`names`). A bare value that has neither a name beside it nor been read by Longshore cannot be
recognised.
"""

from longshore.masking.definitions import (
    secrets,
    secrets_of_containers,
    text_without_secrets,
    without_passwords,
    words_without_secrets,
)
from longshore.masking.masks import MASK, SHORTEST, Masks, NoMasks
from longshore.masking.names import (
    NOT_SECRET_NAME,
    NOT_SECRET_VALUE,
    SECRET_NAME,
    SECRET_VALUE,
    is_published,
    is_secret,
    looks_secret,
)
from longshore.masking.shared import shared_masks, sharing_masks
from longshore.masking.streams import MaskedStream

__all__ = [
    "MASK",
    "NOT_SECRET_NAME",
    "NOT_SECRET_VALUE",
    "SECRET_NAME",
    "SECRET_VALUE",
    "SHORTEST",
    "MaskedStream",
    "Masks",
    "NoMasks",
    "is_published",
    "is_secret",
    "looks_secret",
    "secrets",
    "secrets_of_containers",
    "shared_masks",
    "sharing_masks",
    "text_without_secrets",
    "without_passwords",
    "words_without_secrets",
]
