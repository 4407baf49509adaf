"""The AWS variables of a process: one set for boto3 and for Terraform, so that both halves of a release agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from longshore.errors import ConfigError

PROFILE = "AWS_PROFILE"
CREDENTIALS = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_EC2_METADATA_V1_DISABLED",
        "AWS_IMDS_USE_IPV6",
        "AWS_LOGIN_CACHE_DIRECTORY",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "AWS_METADATA_SERVICE_TIMEOUT",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)
"""Variables that select the credentials, which boto3 and Terraform read alike: your sign-in decides who you are."""

NETWORK = frozenset({"AWS_CA_BUNDLE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"})
"""Variables of the way to AWS: which certificates are trusted, and which of AWS's own endpoints answer."""

HARMLESS = frozenset(
    {
        "AWS_DISABLE_HOST_PREFIX_INJECTION",
        "AWS_DISABLE_REQUEST_COMPRESSION",
        "AWS_PAGER",
        "AWS_REQUEST_CHECKSUM_CALCULATION",
        "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
        "AWS_RESPONSE_CHECKSUM_VALIDATION",
        "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH",
        "AWS_SDK_UA_APP_ID",
        "AWS_SIGV4A_SIGNING_REGION_SET",
    }
)
"""Variables that change neither the answers of AWS nor who asks."""

LEFT_OUT = {
    "AWS_ACCESS_KEY": "Terraform reads it and boto3 does not",
    "AWS_ACCOUNT_ID": "it selects DynamoDB's endpoint, even if the credentials are for another account",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "it selects DynamoDB's endpoint",
    "AWS_AUTH_SCHEME_PREFERENCE": "only boto3 reads it",
    "AWS_CREDENTIAL_FILE": "boto3 reads it and Terraform does not",
    "AWS_CSM_CLIENT_ID": "it sends a report of each call to another program",
    "AWS_CSM_ENABLED": "it sends a report of each call to another program",
    "AWS_CSM_HOST": "it sends a report of each call to another program",
    "AWS_CSM_PORT": "it sends a report of each call to another program",
    "AWS_DATA_PATH": "it replaces boto3's models of AWS",
    "AWS_DEFAULTS_MODE": "it sets timeouts and retries",
    "AWS_DYNAMODB_ENDPOINT": "an endpoint of Terraform's alone",
    "AWS_ENDPOINT_DISCOVERY_ENABLED": "it selects endpoints",
    "AWS_IAM_ENDPOINT": "an endpoint of Terraform's alone",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "Longshore decides it: only the setting endpoint selects another endpoint",
    "AWS_MAX_ATTEMPTS": "it sets retries",
    "AWS_METADATA_URL": "an endpoint of Terraform's alone",
    "AWS_RETRY_MODE": "it sets retries",
    "AWS_S3_ENDPOINT": "an endpoint of Terraform's alone",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "it selects S3's endpoint",
    "AWS_SECRET_KEY": "Terraform reads it and boto3 does not",
    "AWS_SECURITY_TOKEN": "boto3 reads it and Terraform does not",
    "AWS_SSE_CUSTOMER_KEY": "Terraform would encrypt the state with a key that only this machine has",
    "AWS_STS_ENDPOINT": "an endpoint of Terraform's alone",
    "AWS_STS_REGIONAL_ENDPOINTS": "it selects the endpoint of STS",
}
"""Variables that neither half gets, each with the reason. ``AWS_ENDPOINT_URL*`` are left out, too.

Sources: BOTOCORE_DEFAUT_SESSION_VARIABLES in botocore, and for Terraform
https://developer.hashicorp.com/terraform/language/backend/s3 and
https://registry.terraform.io/providers/hashicorp/aws/latest/docs#environment-variables
"""

LEGACY = ("BOTO_CONFIG",)
"""Variables without AWS in their name that select credentials for boto3 alone."""

_ENDPOINTS = "AWS_ENDPOINT_URL"
_FILES = ("AWS_CA_BUNDLE", "AWS_WEB_IDENTITY_TOKEN_FILE", "REQUESTS_CA_BUNDLE")
"""Files that both halves need. A configuration or credentials file that does not exist counts as empty for both: with
IAM Identity Center, many people have no credentials file."""
_NO_FILE = "/dev/null"
_ENDPOINTS_OF_AWS = ("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT")


def process_environment(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The environment for boto3 and Terraform: that of this process, with ours added.

    An AWS variable that is set but empty counts as unset: boto3 would take it as a value, Terraform would not.

    With our own keys, nothing of your session or your AWS files is left. With our own endpoint, AWS's FIPS and
    dual-stack endpoints are not asked for.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

    Args:
        environ: the variables of this process.
        own: the region, and the endpoint and the keys of the environment if it has some.
    """
    kept = {name: value for name, value in environ.items() if _is_kept(name, value)}
    if profile := _profile(environ):
        kept[PROFILE] = profile
    if "AWS_ACCESS_KEY_ID" in own:
        kept = {name: value for name, value in kept.items() if name not in CREDENTIALS | NETWORK}
        kept |= {"AWS_CONFIG_FILE": _NO_FILE, "AWS_SHARED_CREDENTIALS_FILE": _NO_FILE}
    if _ENDPOINTS in own:
        # Left out, not "false": Terraform's S3 backend takes any value that is not empty for true.
        kept = {name: value for name, value in kept.items() if name not in _ENDPOINTS_OF_AWS}
    else:
        kept["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
    return {**kept, "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled", **own}


def refuse_ambiguous(environ: Mapping[str, str]) -> None:
    """Refuses variables that would give boto3 and Terraform different credentials, or none.

    Raises:
        ConfigError: two profiles, half of a key, no certificates, or a file that does not exist.
    """
    first, second = environ.get(PROFILE), environ.get("AWS_DEFAULT_PROFILE")
    if first and second and first != second:
        raise ConfigError(
            f"{PROFILE} is {first} but AWS_DEFAULT_PROFILE is {second}, and boto3 and Terraform would use"
            " different ones",
            "Unset AWS_DEFAULT_PROFILE.",
        )
    if bool(environ.get("AWS_ACCESS_KEY_ID")) != bool(environ.get("AWS_SECRET_ACCESS_KEY")):
        raise ConfigError(
            "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set, and Terraform would use other credentials",
            "Set both, or unset both.",
        )
    legacy, token = environ.get("AWS_SECURITY_TOKEN"), environ.get("AWS_SESSION_TOKEN")
    if legacy and environ.get("AWS_ACCESS_KEY_ID") and legacy != token:
        raise ConfigError(
            "AWS_SECURITY_TOKEN, the old name of AWS_SESSION_TOKEN, is set to another value, and Terraform ignores it",
            "Unset AWS_SECURITY_TOKEN, and set AWS_SESSION_TOKEN if your key needs a token.",
        )
    if environ.get("REQUESTS_CA_BUNDLE") == "":
        raise ConfigError("REQUESTS_CA_BUNDLE is set but empty: boto3 would check no certificate", "Unset it.")
    for name in _FILES:
        if (file := environ.get(name)) and not Path(file).expanduser().exists():
            raise ConfigError(f"{name} names {file}, which does not exist", f"Create that file, or unset {name}.")


def _is_kept(name: str, value: str) -> bool:
    if name in LEGACY or name in LEFT_OUT or name.startswith(_ENDPOINTS):
        return False
    if name in ("AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        return False  # the first is given by its newer name, the others by the settings
    return bool(value) or not name.startswith("AWS_")


def _profile(environ: Mapping[str, str]) -> str | None:
    return environ.get(PROFILE) or environ.get("AWS_DEFAULT_PROFILE") or None
