"""The token for a host of Terraform Cloud, from the same places as Terraform's.

https://developer.hashicorp.com/terraform/cli/config/config-file#credentials
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from longshore.errors import TerraformError
from longshore.process import home


def variable_name(hostname: str) -> str:
    """The environment variable with a host's token: ``.`` becomes ``_``, ``-`` becomes ``__``."""
    return "TF_TOKEN_" + hostname.replace("-", "__").replace(".", "_")


def token(hostname: str, environ: Mapping[str, str]) -> str:
    """The token of a host, from its environment variable or from the file that ``terraform login`` writes.

    Raises:
        TerraformError: there is no token, it is invalid, or the file cannot be read.
    """
    name = variable_name(hostname)
    if value := environ.get(name, "").strip():
        return _valid(value, name)
    for file in _files(environ):
        if value := str(_read(file).get(hostname, {}).get("token") or "").strip():
            return _valid(value, str(file))
    raise TerraformError(
        f"there is no token for {hostname}",
        f"Run: terraform login {hostname}, or set {name}. Use a team's or a user's token, not an organization's.",
    )


def _valid(token: str, where: str) -> str:
    """The token; one that an HTTP header cannot hold is refused, because the header's error would show it."""
    if not all("!" <= letter <= "~" for letter in token):
        raise TerraformError(
            f"the value in {where} is not a valid token (contains whitespace or other invalid characters)",
            "Copy the token again, without any text around it.",
        )
    return token


def _files(environ: Mapping[str, str]) -> list[Path]:
    """The credentials files that exist: beside the CLI configuration file, then in ~/.terraform.d."""
    config = environ.get("TF_CLI_CONFIG_FILE")
    folders = [*([Path(config).parent] if config else []), Path(environ.get("HOME") or home()) / ".terraform.d"]
    return [file for folder in folders if (file := folder / "credentials.tfrc.json").is_file()]


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))["credentials"])
    except (OSError, ValueError, KeyError, TypeError):
        raise TerraformError(f"cannot read Terraform's credentials from {file}", "Run: terraform login") from None
