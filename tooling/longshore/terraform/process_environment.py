"""The environment variables of a terraform process: those of your shell do not decide what a plan contains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from longshore.proxies import spelled_alike

_KEPT = (
    "TF_APPEND_USER_AGENT",
    "TF_LOG",
    "TF_LOG_CORE",
    "TF_LOG_PATH",
    "TF_LOG_PROVIDER",
    "TF_PLUGIN_CACHE_DIR",
    "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE",
    "TF_REGISTRY_CLIENT_TIMEOUT",
    "TF_REGISTRY_DISCOVERY_RETRY",
    "TF_STATE_PERSIST_INTERVAL",
)
"""Variables of Terraform that are passed on: they change neither the state nor the plan.

https://developer.hashicorp.com/terraform/cli/config/environment-variables
"""

_TEMPORARY = "TMPDIR"
_LOGINS = "TF_TOKEN_"
"""The beginning of the names of tokens for private registries, by host."""


def process_environment(environ: Mapping[str, str], data_dir: Path, cli_config: Path | None) -> dict[str, str]:
    """The environment of a terraform process.

    All variables of Terraform are left out, except `_KEPT` and tokens of registries: ``TF_WORKSPACE`` would select
    another state, ``TF_VAR_*`` and ``TF_CLI_ARGS*`` another plan, ``TF_DATA_DIR`` another backend. Values belong in the
    variable files, so that every machine plans the same.

    Args:
        environ: the environment of this process, with the endpoint and the credentials of the stack.
        data_dir: for ``TF_DATA_DIR``.
        cli_config: a CLI configuration, used if the file exists; otherwise the one that the environment names.
    """
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("TF_") or name in _KEPT or name.startswith(_LOGINS)
    }
    if not Path(kept.get(_TEMPORARY) or "/").is_dir():
        del kept[_TEMPORARY]  # the plug-ins of Terraform could not start, and Python takes the next folder as well
    named = Path(environ.get("TF_CLI_CONFIG_FILE") or ".")
    configs = [file for file in (cli_config, named) if file and file.is_file()]
    return {
        **spelled_alike(kept),
        **({"TF_CLI_CONFIG_FILE": str(configs[0].resolve())} if configs else {}),
        "TF_IN_AUTOMATION": "1",
        "TF_DATA_DIR": str(data_dir),
        "CHECKPOINT_DISABLE": "1",
    }
