"""The token for a host of Terraform Cloud, from where Terraform itself takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from longshore.errors import TerraformError


def variable_name(hostname: str) -> str:
    """The variable that Terraform reads a host's token from: ``.`` becomes ``_``, ``-`` becomes ``__``."""
    return "TF_TOKEN_" + hostname.replace("-", "__").replace(".", "_")


def token(hostname: str, environ: Mapping[str, str]) -> str:
    """The token of a host: of its variable, else of the file that ``terraform login`` writes.

    Raises:
        TerraformError: there is none, or it can be none; or the file can't be read.
    """
    name = variable_name(hostname)
    if given := environ.get(name, "").strip():
        return _refuse_unsendable(given, name)
    for file in _files(environ):
        if found := str(_read(file).get(hostname, {}).get("token") or "").strip():
            return _refuse_unsendable(found, str(file))
    raise TerraformError(
        f"there is no token for {hostname}",
        f"Run: terraform login {hostname}, or set {name}. A team's or user's token is needed, not an organization's.",
    )


def _refuse_unsendable(token: str, where: str) -> str:
    """A token as it is; refused here where a header could not hold it, for that error would show it."""
    if not all("!" <= one <= "~" for one in token):
        raise TerraformError(
            f"what is in {where} is no token: it has spaces, line ends or other signs",
            "Copy it again, without anything around it.",
        )
    return token


def _files(environ: Mapping[str, str]) -> list[Path]:
    """Where the file may be: beside a CLI configuration of one's own, and in Terraform's folder."""
    config = environ.get("TF_CLI_CONFIG_FILE")
    home = Path(environ.get("HOME") or Path.home())
    folders = [*([Path(config).parent] if config else []), home / ".terraform.d"]
    return [file for folder in folders if (file := folder / "credentials.tfrc.json").is_file()]


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        return dict(json.loads(file.read_text())["credentials"])
    except (OSError, ValueError, KeyError, TypeError):
        raise TerraformError(f"{file} can't be read as Terraform's credentials", "Run: terraform login") from None
