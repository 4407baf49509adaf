from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longshore.errors import ConfigError
from longshore.terraform import hcl
from longshore.terraform.hcl import to_hcl

NAMES = st.from_regex(r"ECS_[A-Z0-9_]{1,12}", fullmatch=True)
# All values that an environment variable can have, with a preference for HCL's special characters.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.text(st.sampled_from('${}%"\\\n\r\t #/*<-EOTa=,~\ue000é'), max_size=12),
)

# The spelling of a value in a file, and the value that Terraform reads (see tests/modules/test_variable_files.py).
READ = {
    '"plain"': "plain",
    '""': "",
    '"  leading and trailing  "': "  leading and trailing  ",
    r'"q\"uo\\te\n\r\ttab \u00e9 \U0001f600 €"': 'q"uo\\te\n\r\ttab é 😀 €',
    r'"\\n is a backslash and a letter"': "\\n is a backslash and a letter",
    '"# no comment, // none, /* none */"': "# no comment, // none, /* none */",
    '"$${x} %%{if}"': "${x} %{if}",
    '"$$${x} $$$${x} %%%{y}"': "$${x} $$${x} %%{y}",
    '"$${never closed"': "${never closed",
    '"$${\\"quoted\\"} } %%{"': '${"quoted"} } %{',
    '"$ $$ % %% a$$b $"': "$ $$ % %% a$$b $",
    r'"\u0024{x}"': "${x}",
    '"<<EOT"': "<<EOT",
    "12": "12",
    "-3": "-3",
    "1.50": "1.5",
    "2.0": "2",
    "1e3": "1000",
    "-1.5e-3": "-0.0015",
    "100000000000000000000000": "100000000000000000000000",
    "true": "true",
    "false": "false",
    "null": None,
    '<<EOT\nhello $${x} "q" \\n \\\n  two\nEOT\n': 'hello ${x} "q" \\n \\\n  two\n',
    "<<EOT\n$$${x} %%%{y} $$ %\nEOT\n": "$${x} %%{y} $$ %\n",
    "<<-EOT\n      a\n\n        b\n\ttab\n    EOT\n": "     a\n\n       b\ntab\n",
    "<<-EOT\n      a\n    \n        b\n    EOT\n": "a\n    \n  b\n",
    "<<EOT\nEOT\n": "",
    "<<-EOT\n  EOT\n": "",
    "<<A\r\nhey\r\nyou\r\nA\r\n": "hey\r\nyou\r\n",
}


def parsed(source: str) -> object:
    return hcl.parse(f"variables = {{\n  ECS_X = {source}\n}}\n")["variables"]["ECS_X"]


@pytest.mark.parametrize("source", READ)
def test_a_value_parses_as_terraform_reads_it(source: str) -> None:
    assert parsed(source) == READ[source]


@pytest.mark.parametrize("source", ['"${1 + 2}"', '"a${"b"}"', '"%{ if true }x%{ endif }"', "1 + 2", "upper"])
def test_an_expression_is_not_evaluated(source: str) -> None:
    assert isinstance(parsed(source), hcl.Expression)


def test_a_whole_file_is_parsed() -> None:
    text = """
    # A comment { with a brace
    variables = { ECS_A = "a", "ECS_B" : "b"
      ECS_C = "c" # }
      1 = "one", true = "t", A-b = "ab", "a b" = "spaces", (key) = "expression"
      ECS_A = "the last one counts"
    }
    /* not_secret = [] */
    not_secret = ["A", "B",]
    services = { web = { wave = 1, environment = { X = "$${y}" } } }
    """
    assert hcl.parse(text) == {
        "variables": {
            "ECS_A": "the last one counts", "ECS_B": "b", "ECS_C": "c", "1": "one", "true": "t", "A-b": "ab",
            "a b": "spaces", "${(key)}": "expression",
        },
        "not_secret": ["A", "B"],
        "services": {"web": {"wave": "1", "environment": {"X": "${y}"}}},
    }  # fmt: skip


@pytest.mark.parametrize("text", ['a = "canary-7f3a9c', "a = canary-7f3a9c {", "a = <<canary-7f3a9c\n", "= 1", "a"])
def test_an_error_about_invalid_hcl_shows_no_content(text: str) -> None:
    with pytest.raises(ConfigError, match=r"invalid HCL near line \d+, column \d+") as caught:
        hcl.parse(text)
    assert "canary" not in f"{caught.value.message}{caught.value.hint}"
    assert caught.value.__suppress_context__


@pytest.mark.scenario  # takes longer than the fast tests may
@given(st.dictionaries(st.one_of(NAMES, TEXTS.filter(bool)), TEXTS, max_size=5))
def test_written_entries_parse_back(entries: dict[str, str]) -> None:
    assert hcl.parse(f"variables = {{\n{hcl.lines(entries)}}}")["variables"] == entries


def test_entries_are_escaped_and_aligned() -> None:
    entries = {"ECS_A": 'say "${x}" %{y}\n', "ECS_LONGER": "C:\\dir\x07", "for": "a word of HCL's"}
    assert hcl.lines(entries) == (
        '  ECS_A      = "say \\"$${x}\\" %%{y}\\n"\n'
        '  ECS_LONGER = "C:\\\\dir\\u0007"\n'
        '  "for"      = "a word of HCL\'s"\n'
    )  # fmt: skip


BEFORE = {
    "": 'variables = {\n  B = "b"\n}\n',
    "a = 1": 'a = 1\n\nvariables = {\n  B = "b"\n}\n',
    "variables = {}\nc = 2\n": 'variables = {\n  B = "b"\n}\nc = 2\n',
    "variables = {\n}": 'variables = {\n  B = "b"\n}',
    'variables = { A = "a", }  # why': 'variables = {\n  A = "a",\n\n  B = "b"\n}  # why',
    'variables = {\n  A   = "$${a" # }\n}\n': 'variables = {\n  A   = "$${a" # }\n\n  B = "b"\n}\n',
    'variables = { A = "a"\n  C = "c" }\n': 'variables = { A = "a"\n  C = "c"\n\n  B = "b"\n}\n',
    "variables = {\n  # none yet }\n}\n": 'variables = {\n  # none yet }\n\n  B = "b"\n}\n',
    'variables = {\n  A = <<E\n}\nE\n}\n': 'variables = {\n  A = <<E\n}\nE\n\n  B = "b"\n}\n',
    'o = { variables = {} }\n# variables = {}\n':
    'o = { variables = {} }\n# variables = {}\n\nvariables = {\n  B = "b"\n}\n',
}  # fmt: skip


@pytest.mark.parametrize("text", BEFORE)
def test_adding_entries_keeps_the_rest_of_the_file(text: str) -> None:
    written = hcl.with_entries(text, "variables", {"B": "b"})
    assert written == BEFORE[text]
    before, after = hcl.parse(text), hcl.parse(written)
    assert after == {**before, "variables": {**before.get("variables", {}), "B": "b"}}


@pytest.mark.scenario  # takes longer than the fast tests may
@given(st.dictionaries(NAMES, TEXTS, max_size=3), st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3))
def test_adding_entries_keeps_existing_ones(existing: dict[str, str], added: dict[str, str]) -> None:
    text = hcl.with_entries('a = "$${"\n', "variables", existing)
    assert hcl.parse(hcl.with_entries(text, "variables", added)) == {"a": "${", "variables": {**existing, **added}}


@pytest.mark.parametrize("text", ["variables = null", 'variables = ["a"]', "variables = {"])
def test_entries_cannot_be_added_to_other_types(text: str) -> None:
    with pytest.raises(ConfigError):
        hcl.with_entries(text, "variables", {"B": "b"})


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


VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(bool), inner, max_size=3)
)


@given(VALUES)
def test_literals_parse_back(value: object) -> None:
    assert hcl.parse(f"x = {to_hcl(value)}\n") == {"x": value}


def test_strings_are_quoted_and_template_markers_doubled() -> None:
    assert to_hcl("v1.0.3") == '"v1.0.3"'
    assert to_hcl('say "hi" \\ \n') == '"say \\"hi\\" \\\\ \\n"'
    assert to_hcl("${a} %{b}") == '"$${a} %%{b}"'
    assert to_hcl("$${a}") == '"$$${a}"'


def test_other_types_of_literals() -> None:
    assert to_hcl([1, True, None, 2.5]) == "[1, true, null, 2.5]"
    assert to_hcl({"a": ["b"]}) == '{"a" = ["b"]}'
    with pytest.raises(TypeError, match="set"):
        to_hcl({1})


@given(st.text(alphabet=st.one_of(st.sampled_from('$%{}"\\\n~'), st.characters(codec="utf-8"))))
def test_no_string_ends_its_literal_or_starts_a_template(text: str) -> None:
    """Reads the literal as HCL does: an escape has at least two characters, and a doubled marker is a plain one."""
    inside = to_hcl(text)[1:-1]
    read, at = "", 0
    while at < len(inside):
        letter, rest = inside[at], inside[at:]
        assert letter != '"' and letter >= " "
        assert not rest.startswith(("${", "%{"))
        if rest.startswith(("$${", "%%{")):
            read, at = read + letter + "{", at + 3
        elif letter != "\\":
            read, at = read + letter, at + 1
        elif rest[1] in "uU":
            end = at + (6 if rest[1] == "u" else 10)
            read, at = read + chr(int(inside[at + 2 : end], 16)), end
        else:
            read, at = read + {"n": "\n", "r": "\r", "t": "\t"}.get(rest[1], rest[1]), at + 2
    assert read == text


@pytest.mark.terraform
def test_terraform_reads_written_literals_back(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('variable "x" { type = list(string) }\noutput "x" { value = var.x }\n')
    (tmp_path / "x.auto.tfvars").write_text(f"x = {to_hcl([text for text in AWKWARD if chr(0) not in text])}\n")
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
