from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.terraform.cloud.hcl import literal

AWKWARD = [
    "v1.0.3",
    'a "quoted" one',
    "back\\slash",
    "two\nlines\r\tand a tab",
    "${var.x} and %{if true}",
    "$${ and %%{ and $$${ and $",
    "$ {} % {",
    "ends with $",
    "nul \x00 and bell \x07",
    "ünïcødé 🚢 \u2028",
    "",
]


def test_a_text_is_quoted_and_templates_are_doubled() -> None:
    assert literal("v1.0.3") == '"v1.0.3"'
    assert literal('say "hi" \\ \n') == '"say \\"hi\\" \\\\ \\n"'
    assert literal("${a} %{b}") == '"$${a} %%{b}"'
    assert literal("$${a}") == '"\\u0024\\u0024{a}"'


def test_other_values() -> None:
    assert literal([1, True, None, 2.5]) == "[1, true, null, 2.5]"
    assert literal({"a": ["b"]}) == '{"a" = ["b"]}'
    with pytest.raises(TypeError, match="set"):
        literal({1})


@given(st.text(alphabet=st.one_of(st.sampled_from('$%{}"\\\n~'), st.characters(codec="utf-8"))))
def test_no_text_ends_the_literal_or_begins_a_template(text: str) -> None:
    """Read as HCL reads it: an escape is two characters or more, a marker that is doubled is none."""
    inside = literal(text)[1:-1]
    read, at = "", 0
    while at < len(inside):
        one, rest = inside[at], inside[at:]
        assert one != '"' and one >= " "
        assert not rest.startswith(("${", "%{"))
        if rest.startswith(("$${", "%%{")):
            read, at = read + one + "{", at + 3
        elif one != "\\":
            read, at = read + one, at + 1
        elif rest[1] in "uU":
            end = at + (6 if rest[1] == "u" else 10)
            read, at = read + chr(int(inside[at + 2 : end], 16)), end
        else:
            read, at = read + {"n": "\n", "r": "\r", "t": "\t"}.get(rest[1], rest[1]), at + 2
    assert read == text


@pytest.mark.terraform
def test_terraform_reads_back_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('variable "x" { type = list(string) }\noutput "x" { value = var.x }\n')
    (tmp_path / "x.auto.tfvars").write_text(f"x = {literal([text for text in AWKWARD if chr(0) not in text])}\n")
    done = subprocess.run(
        ["terraform", "apply", "-auto-approve", "-json", "-input=false"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stdout
    read = next(
        event["outputs"]["x"]["value"]
        for event in events
        if event["type"] == "outputs" and event["outputs"]["x"].get("value")
    )
    assert read == [text for text in AWKWARD if chr(0) not in text]
