from __future__ import annotations

import base64
import html
import json
import shlex
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longshore.masking import MASK, Masks
from longshore.masking.ordinary import is_ordinary

PLAIN = "Tr0ub4dor-7f3a9c"
HARD = "Tr0ub4dor&3<x>\"9' é\\/+=%~€😀\n7f3a9c"


def go_json(text: str) -> str:
    """As encoding/json of Go, which also escapes for HTML."""
    escaped = json.dumps(text, ensure_ascii=False)
    return escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def escape_ruby(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("#{", "\\#{")


def of_lower_case(text: str) -> str:
    """A URL whose percent signs are followed by lower-case digits, as some libraries write them."""
    head, *rest = quote(text, safe="").split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json of Python": json.dumps,
    "json of JavaScript": lambda text: json.dumps(text, ensure_ascii=False),
    "json of Go": go_json,
    "json of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "json of Go in json": lambda text: json.dumps(go_json(text)),
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda text: repr(text.encode()),
    "inspect of Ruby": escape_ruby,
    "quote": quote,
    "quote of everything": lambda text: quote(text, safe=""),
    "quote, lower case": of_lower_case,
    "quote_plus": quote_plus,
    "urlencode": lambda text: urlencode({"a": text}),
    "quote, twice": lambda text: quote(quote(text, safe=""), safe=""),
    "encodeURIComponent": lambda text: quote(text, safe="!'()*-._~"),
    "url in json": lambda text: json.dumps({"url": f"http://host/?a={quote_plus(text)}"}),
    "html": html.escape,
    "shell": shlex.quote,
    "sql": lambda text: "'" + text.replace("'", "''") + "'",
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, upper case": lambda text: text.encode().hex().upper(),
}
for padding in range(3):
    for name, encode in (("base64", base64.b64encode), ("url-safe base64", base64.urlsafe_b64encode)):
        for after in range(3):
            FORMS[f"{name}, {padding} before, {after} after"] = (
                lambda text, encode=encode, padding=padding, after=after:  # type: ignore[misc]
                encode(b"u" * padding + text.encode() + b":" * after).decode()
            )  # fmt: skip
        FORMS[f"{name}, {padding} before, without padding"] = (
            lambda text, encode=encode, padding=padding:  # type: ignore[misc]
            encode(b"u" * padding + text.encode()).decode().rstrip("=")
        )  # fmt: skip


@pytest.mark.parametrize("secret", [PLAIN, HARD])
@pytest.mark.parametrize("form", FORMS)
def test_a_known_value_is_masked_in_every_form(form: str, secret: str) -> None:
    printed = FORMS[form](secret)
    masked = Masks([secret]).mask(f"<{printed}>")
    assert MASK in masked
    # At most the edges of base64 stay: a character there has bits of the text around the value.
    assert len(masked.replace(MASK, "")) <= len(f"<{printed}>") - len(secret) + (4 if "base64" in form else 0)
    for part in ("Tr0ub4dor", "7f3a9c", printed):
        assert part not in masked


@settings(max_examples=20, deadline=None)
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029"), min_size=6, max_size=12)
    .filter(lambda text: not is_ordinary(text, ()))
)  # fmt: skip
@example("&<>\"'\\")
@example("\\\\\\\\\\\\")
@example("%%%%%%")
def test_any_value_is_masked_in_every_form(secret: str) -> None:
    masks = Masks([secret])
    for form, encode in FORMS.items():
        if "base64" not in form:
            printed = encode(secret)
            assert printed not in masks.mask(printed) or printed in MASK


def test_other_text_with_the_same_letters_stays() -> None:
    text = "Tr0ub4dor-8 and base64 VHIwdWI0ZG9y and %54%72"
    assert Masks([PLAIN, HARD]).mask(text) == text


def test_a_token_in_an_authorization_header_is_masked_in_base64() -> None:
    header = base64.b64encode(f"AWS:{PLAIN}".encode()).decode()
    masked = Masks([PLAIN]).mask(f'{{"auth": "{header}"}}')
    assert base64.b64encode(PLAIN.encode()).decode()[:12] not in masked
    assert masked.startswith('{"auth": "')


def test_many_values_are_searched_quickly() -> None:
    masks = Masks(f"secret-{number}-&-value" for number in range(300))
    line = "2026-01-02 03:04:05 the worker has started in 3 s " * 10
    assert masks.mask("\n".join([line] * 100)) == "\n".join([line] * 100)
