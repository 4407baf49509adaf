"""Fuzzers of the files that you write: invoke.yaml, variable files, buildspecs; and of texts that are masked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random
from typing import Any

from longshore.config.settings import load
from longshore.config.settings_file import read
from longshore.config.target import select
from longshore.errors import UsageError
from longshore.masking.masks import Masks
from longshore.sandbox.codebuild import buildspec
from longshore.terraform import variable_files
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.mutation import changed, changed_json, changed_text

_SETTINGS: dict[str, Any] = {
    "applications": {"shop": {
        "region": "eu-central-1", "build_on": "local", "allow_changes": ["aws_x.*"],
        "images": {"app": {"context": ".", "build_args": {"A": "b"}}},
        "terraform": {"dir": "{application}", "var_files": ["{environment}.tfvars"], "foundation": None},
        "environments": {"test": {
            "account": "123456789012", "endpoint": "http://127.0.0.1:9", "base_url": "https://shop.example.com",
            "backend": {"bucket": "b"}, "deadlines": {"rollout": 60, "services": {"web": 5}}, "lock": {"lease": 60},
            "terraform": {"cloud": {"organization": "acme", "workspace": "{application}-{environment}"}}}},
    }},
    "sandbox": {"port": 0},
}  # fmt: skip
_YAML = """longshore: &all
  applications:
    shop: {region: eu-central-1, environments: {test: {account: "123456789012"}}}
  sandbox: {port: 0}
run: {echo: no}
dates: [2026-01-02, 1.10, 012, ~, yes, "a\\tb", 'x', |
  text
]
"""
_HCL = """# comment
image_count = 3
name = "a ${x} \\u00e4 $${y}"
variables = { ECS_A = "b", "C" = true, D = null, E = [1, 2.5, 1e3] }
environment = {
  KEY = <<-EOT
    line
  EOT
}
"""
_BUILDSPEC = """version: 0.2
env: {variables: {A: b}, exported-variables: [C]}
phases:
  build:
    on-failure: ABORT
    commands: [echo, "x: y"]
    finally: [z]
"""
_SECRETS = ["hunter2-very-secret", "line one\nline two", '{"a": 1}', "..*", "pässwörd"]
_LOG = "PASSWORD=hunter2 https://user:hunter2-very-secret@host/x Authorization: Bearer abc arn:aws:secretsmanager:x"


def _read_settings(document: Any) -> object:
    settings = load(document)
    targets = [select(settings, Path("/p"), a, e) for a, app in settings.applications.items() for e in app.environments]
    return [(t.stack.check(), t.foundation, t.workspace, t.state_bucket) for t in targets]


def _read_yaml(text: str) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "invoke.yaml")
        path.write_bytes(text.encode(errors="surrogatepass"))
        return _read_settings(read(path).get("longshore"))


def _read_variables(file: tuple[str, bytes]) -> object:
    name, data = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        variables = variable_files.read([path])
        return (variable_files.strings(variables, "variables"), variable_files.add([path], "variables", {"Z": "${z}"}))


def _variables(random: Random) -> tuple[str, bytes]:
    if random.random() < 0.5:
        return "x.tfvars.json", changed_json({"variables": {"A": "b", "C": 1.5}, "list": [1, None, True]}, random)
    return "x.tfvars", changed_text(_HCL, random).encode(errors="surrogatepass")


def _read_buildspec(text: str) -> object:
    try:
        return buildspec.parse(text)
    except buildspec.BuildspecError as error:  # the sandbox is a program of its own, with CodeBuild's words
        raise UsageError("".join(c if c.isprintable() else " " for c in str(error)) or "") from error


def _read_masks(text: str) -> object:
    masks = Masks([*_SECRETS, text[:20]])
    return (masks.mask(text), masks.mask_untrusted(text))


FUZZERS = {
    "settings": Fuzzer(lambda random: changed(_SETTINGS, random), _read_settings),
    "yaml": Fuzzer(lambda random: changed_text(_YAML, random), _read_yaml),
    "variable-files": Fuzzer(_variables, _read_variables),
    "buildspec": Fuzzer(lambda random: changed_text(_BUILDSPEC, random), _read_buildspec),
    "masks": Fuzzer(lambda random: changed_text(_LOG, random), _read_masks),
}
