"""Checks for a recent Terraform, and provides the AWS provider and a lock file for both stacks."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts.setup import provider
from scripts.setup.machine import PROJECT, WORK, MissingError, run, say

OLDEST = (1, 10)
STACKS = ("foundation", "app")
CLI_CONFIG = WORK / "terraform.rc"
STAMP = WORK / "setup" / "providers"


def prepare() -> str:
    """Check Terraform, provide its provider and the lock files; a second call has nothing to do.

    Returns:
        A line for the user.

    Raises:
        MissingError: Terraform is missing or too old, or its provider cannot be installed.
    """
    version, platform = installed()
    mirror = find_mirror(platform)
    config = provider.cli_config(_own_config(), mirror, WORK / "plugins")
    _write(config)
    state = _fingerprint(version, config)
    if not _locked(state):
        _lock(state)
    return f"Terraform {version}, AWS provider from {mirror or 'a source that Terraform already knows'}"


def installed() -> tuple[str, str]:
    """Terraform's version, such as ``1.11.4``, and its platform, such as ``linux_amd64``."""
    advice = "install 1.10 or newer: https://developer.hashicorp.com/terraform/install"
    if shutil.which("terraform") is None:
        raise MissingError(f"no terraform on PATH: {advice}")
    done = run("terraform", "version", "-json")
    try:
        facts = json.loads(done.stdout)
        version, platform = str(facts["terraform_version"]), str(facts["platform"])
    except (ValueError, KeyError) as problem:
        raise MissingError(f"terraform does not report its version ({done.stderr.strip()}): {advice}") from problem
    if tuple(int(number) for number in re.findall(r"\d+", version)[:2]) < OLDEST:
        raise MissingError(f"terraform {version} is too old: {advice}")
    return version, platform


def find_mirror(platform: str) -> Path | None:
    """The folder to configure as a mirror; None if Terraform already finds a copy, or if there is none."""
    if value := os.environ.get("LONGSHORE_PROVIDER_MIRROR"):
        mirror = provider.named(value)
        if not provider.usable(mirror, platform):
            raise MissingError(
                f"LONGSHORE_PROVIDER_MIRROR is {value}, but it has no {provider.PROVIDER} 5.100 or newer for {platform}"
            )
        return mirror
    if any(provider.usable(folder, platform) for folder in provider.implied(Path.home(), os.environ)):
        return None
    return provider.search([Path(root) for root in provider.SEARCHED], platform)


def _own_config() -> str:
    """The user's CLI configuration, which .longshore/terraform.rc replaces by TF_CLI_CONFIG_FILE."""
    path = Path(os.environ.get("TF_CLI_CONFIG_FILE") or Path.home() / ".terraformrc")
    if path == CLI_CONFIG or not path.is_file():
        return ""
    return path.read_text().rstrip("\n") + "\n"


def _write(config: str | None) -> None:
    """Write ``.longshore/terraform.rc`` for its owner alone: the user's own part may hold credentials."""
    if config is None:
        CLI_CONFIG.unlink(missing_ok=True)
        return
    (WORK / "plugins").mkdir(parents=True, exist_ok=True)
    CLI_CONFIG.touch(mode=0o600)
    CLI_CONFIG.write_text(config)


def _lock_file(stack: str) -> Path:
    return PROJECT / "terraform" / stack / ".terraform.lock.hcl"


def _fingerprint(version: str, config: str | None) -> str:
    requirements = sorted((PROJECT / "terraform").rglob("versions.tf"))
    parts = [version, config or "", *(path.read_text() for path in requirements)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _locked(state: str) -> bool:
    unchanged = STAMP.exists() and STAMP.read_text() == state
    return unchanged and all(_lock_file(stack).exists() for stack in STACKS)


def _lock(state: str) -> None:
    STAMP.parent.mkdir(parents=True, exist_ok=True)
    for stack in STACKS:
        _lock_file(stack).unlink(missing_ok=True)
        if stack != STACKS[0]:
            # Terraform takes a provider from its cache only if the lock file has its checksum.
            shutil.copy(_lock_file(STACKS[0]), _lock_file(stack))
        say(f"terraform init in terraform/{stack}")
        _init(stack)
    STAMP.write_text(state)


def _init(stack: str) -> None:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("TF_CLI_ARGS")}
    environ |= {"TF_DATA_DIR": str(STAMP.parent / stack), "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    if CLI_CONFIG.exists():
        environ["TF_CLI_CONFIG_FILE"] = str(CLI_CONFIG)
    command = ["terraform", f"-chdir={PROJECT / 'terraform' / stack}", "init", "-backend=false", "-input=false"]
    done = subprocess.run(
        [*command, "-no-color"], env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingError(f"terraform init failed in terraform/{stack}:\n{done.stderr.strip()}")
