"""A boto3 session that depends on a given environment only, as Terraform does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES
from botocore.credentials import AssumeRoleProvider, CredentialResolver, EnvProvider, create_credential_resolver
from botocore.loaders import Loader
from botocore.session import Session

from longshore.aws.process_environment import CREDENTIALS, NETWORK, PROFILE
from longshore.errors import AwsError, ConfigError, LongshoreError

_FILES = ("config_file", "credentials_file")
_PASSED_ON = (CREDENTIALS | NETWORK) - {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}
_READ_BY_ONE = ("ec2-credentials-file", "boto-config")
"""Sources of credentials that boto3 has and Terraform lacks."""


def connect(environ: Mapping[str, str], region: str, config: Any) -> boto3.Session:
    """A session for the credentials that an environment selects.

    Args:
        environ: from `process_environment`.
        region: of every client.
        config: of every client, and also of those that fetch credentials: an endpoint of the shell must not answer
            AssumeRole.

    Raises:
        ConfigError: the profile asks for an MFA code.
        BotoCoreError: the profile does not exist, or its file cannot be parsed.
    """
    session = Session(session_vars=_without_variables(environ))
    session.set_default_client_config(config)
    session.register_component("data_loader", _own_models())
    for name, (_, variable, _, _) in VARIABLES.items():
        if isinstance(variable, str) and variable in _PASSED_ON and variable in environ:
            session.set_config_variable(name, environ[variable])
    if "AWS_ACCESS_KEY_ID" not in environ:
        _refuse_mfa(session)
    session.register_component("credential_provider", _credentials(session, environ, region))
    return boto3.Session(botocore_session=session, region_name=region)


@contextmanager
def credential_errors(environ: Mapping[str, str]) -> Iterator[None]:
    """Makes an error of a source of credentials ours, which may be of any class: a program may print anything.

    Raises:
        AwsError: names the source.
    """
    try:
        yield
    except LongshoreError:
        raise
    except Exception as error:
        source = f"profile {environ[PROFILE]}" if PROFILE in environ else "your AWS configuration"
        raise AwsError(
            f"cannot get credentials from {source}: {str(error).strip() or type(error).__name__}",
            "Check its credential_process and its files with: aws sts get-caller-identity",
            type(error).__name__,
        ) from error


def _without_variables(environ: Mapping[str, str]) -> dict[str, Any]:
    """The variables of a session without those of the process. Files of AWS are read as before."""
    mapping: dict[str, Any] = {
        name: (key, None, default, convert) for name, (key, _, default, convert) in VARIABLES.items()
    }
    for name in _FILES:
        _, variable, default, _ = VARIABLES[name]
        mapping[name] = (None, None, environ.get(variable, default), None)
    # As a default, so that keys in the environment win over it, as they do in Terraform.
    mapping["profile"] = (None, None, environ.get(PROFILE), None)
    return mapping


def _own_models() -> Loader:
    """The models of AWS that botocore comes with: those in ``~/.aws/models`` would replace them."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)


def _credentials(session: Session, environ: Mapping[str, str], region: str) -> CredentialResolver:
    resolver = create_credential_resolver(session, region_name=region)
    for name in (EnvProvider.METHOD, *_READ_BY_ONE):
        resolver.remove(name)
    keys = EnvProvider(environ=dict(environ), mapping={"token": "AWS_SESSION_TOKEN"})
    resolver.insert_before(AssumeRoleProvider.METHOD, keys)
    return resolver


def _refuse_mfa(session: Session) -> None:
    """Refuses a profile with an MFA device, or whose source has one: boto3 would ask for a code, Terraform would fail.

    Raises:
        ConfigError: names the profile.
    """
    profiles = session.full_config.get("profiles", {})
    name, seen = session.get_config_variable("profile") or "default", set[str]()
    while name in profiles and name not in seen:
        seen.add(name)
        if "mfa_serial" in profiles[name] and "role_arn" in profiles[name]:
            raise ConfigError(
                f"profile {name} asks for an MFA code (mfa_serial), which Terraform cannot ask for",
                f'Sign in first: eval "$(aws configure export-credentials --profile {name} --format env)"',
            )
        name = profiles[name].get("source_profile", "")
