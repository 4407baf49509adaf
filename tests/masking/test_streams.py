from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.masking import MASK, MaskedStream, Masks

SECRET = "canary-7f3a9c-value"


@given(st.integers(1, len(SECRET) - 1))
def test_a_known_value_on_two_lines_is_masked_on_both(cut: int) -> None:
    lines = [f"before {SECRET[:cut]}", f"  {SECRET[cut:]} after"]
    assert Masks([SECRET]).mask_lines(lines) == [f"before {MASK}", f"  {MASK} after"]
    assert Masks([SECRET]).mask_untrusted("\n".join(lines)) == f"before {MASK}\n  {MASK} after"


def test_a_known_value_on_three_lines_is_masked_on_all() -> None:
    lines = ["x", SECRET[:5], SECRET[5:10], SECRET[10:], "y"]
    assert Masks([SECRET]).mask_lines(lines) == ["x", MASK, MASK, MASK, "y"]


@given(st.integers(3, len(SECRET) - 1))
def test_a_line_that_may_end_inside_a_secret_waits_for_the_next_one(cut: int) -> None:
    stream = MaskedStream(Masks([SECRET]))
    assert stream.feed("an ordinary line") == ["an ordinary line"]
    assert stream.feed(f"before {SECRET[:cut]}") == []
    assert stream.feed(f"{SECRET[cut:]} after") == [f"before {MASK}", f"{MASK} after"]
    assert stream.flush() == []


def test_a_line_that_only_looks_cut_is_shown_with_the_next_one() -> None:
    stream = MaskedStream(Masks([SECRET]))
    assert stream.feed("sings like a canary") == []
    assert stream.feed("in a mine") == ["sings like a canary", "in a mine"]
    assert stream.feed("sings like a canary") == []
    assert stream.flush() == ["sings like a canary"]


def test_a_private_key_is_masked_line_by_line_although_it_is_not_known() -> None:
    stream = MaskedStream(Masks())
    body = ["MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "abc="]
    lines = ["key:", "-----BEGIN PRIVATE KEY-----", *body, "-----END PRIVATE KEY-----", "done"]
    shown = [masked for line in lines for masked in stream.feed(line)]
    assert shown == ["key:", MASK, MASK, MASK, MASK, "done"]


def test_a_value_that_node_continues_on_the_next_line_is_masked() -> None:
    stream = MaskedStream(Masks())
    lines = ["{", "  token: 'canary-1\\n' +", "    'canary-2\\n' +", "    'canary-3',", "  port: 1", "}"]
    shown = [masked for line in lines for masked in stream.feed(line)]
    assert "canary" not in "".join(shown)
    assert len(shown) == len(lines)
    assert shown[-2:] == ["  port: 1", "}"]


def test_no_program_can_hold_back_its_output_for_ever() -> None:
    stream = MaskedStream(Masks([SECRET]))
    shown = [masked for _ in range(250) for masked in stream.feed("  'x' +")]
    assert len(shown) >= 200


@pytest.mark.parametrize("untrusted", [True, False])
def test_text_of_longshore_keeps_names(*, untrusted: bool) -> None:
    stream = MaskedStream(Masks(), untrusted=untrusted)
    assert stream.feed("token: shop") == [f"token: {MASK if untrusted else 'shop'}"]
