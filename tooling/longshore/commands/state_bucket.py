"""The bucket of Terraform's state: a missing one is created, and an existing one keeps its settings."""

from __future__ import annotations

from longshore import signals
from longshore.environment.environment import Environment
from longshore.errors import AwsError, ConfigError, NotReadyError

SECURE = "--secure-state-bucket"


def prepare(env: Environment, bucket: str, *, yes: bool, secure: bool) -> None:
    """Creates the state bucket if it is missing, once that is approved; of an existing one, lists the differences.

    Args:
        env: the environment.
        bucket: its name.
        yes: do not ask for confirmation.
        secure: change the settings of an existing bucket to the recommended ones, once that is approved.

    Raises:
        ConfigError: the bucket is in another region, or another account owns it.
        DeclinedError: the change was declined, or there is no terminal to approve it.
    """
    region, buckets = env.target.state_region, env.aws.buckets
    env.console.say(f"State bucket {bucket}")
    there = _region(env, bucket)
    if there is None:
        line = f"{bucket} in {region}: created, private, versioned, encrypted, TLS only"
        env.console.differences([line])
        env.console.prompt.approve(f"Create the state bucket {bucket}?", yes=yes)
        if _create(env, bucket):
            return
        env.console.warn(f"another process has created {bucket} at the same time: its settings were left untouched")
    elif there not in ("", region):
        raise ConfigError(
            f"the state bucket {bucket} is in {there}, not in {region}",
            f"Set backend.region to {there} in invoke.yaml, or choose another bucket with backend.bucket.",
        )
    differences = buckets.differences(bucket)
    if not differences:
        return
    lines, changes = [d.line for d in differences], [d for d in differences if d.known]
    if not (secure and changes):
        env.console.warn(f"{bucket} differs from the settings that Longshore recommends: {'; '.join(lines)}")
        if changes:
            env.console.detail(f"It stays as it is. To change them: invoke bootstrap {SECURE}")
        return
    env.console.differences(lines)
    env.console.prompt.approve(f"Change these settings of {bucket}?", yes=yes)
    buckets.secure(bucket, [difference.setting for difference in changes])


def _region(env: Environment, bucket: str) -> str | None:
    """The region of the bucket. A bucket with the default name must belong to the account of the environment.

    Raises:
        ConfigError: it belongs to another account, or may not be used.
    """
    chosen = env.target.env.backend and env.target.env.backend.bucket
    try:
        return env.aws.buckets.region_of(bucket, None if chosen else env.target.env.account)
    except AwsError as error:
        if error.code == "403":
            raise ConfigError(
                f"the state bucket {bucket} belongs to another account, or these credentials may not use it (403)",
                "Grant s3:ListBucket on it, or set backend.bucket to another name in invoke.yaml.",
            ) from error
        raise


def _create(env: Environment, bucket: str) -> bool:
    """Creates and secures the bucket.

    Returns:
        Whether it is new; otherwise another process has created it, and nothing was changed.
    """
    again = f"To create it, or to secure it, run: invoke bootstrap {SECURE}"
    with signals.explained(f"the state bucket {bucket} may have been created, and not secured", again):
        return _call_create(env, bucket) and _secure_new(env, bucket)


def _secure_new(env: Environment, bucket: str) -> bool:
    try:
        return env.aws.buckets.secure_new(bucket, env.target.state_region)
    except AwsError as error:
        error.message = f"the state bucket {bucket} was created, but not secured: {error.message}"
        error.hint = f"{error.hint} Then run" if error.hint else "Run"
        error.hint += f": invoke bootstrap {SECURE}"
        raise


def _call_create(env: Environment, bucket: str) -> bool:
    try:
        return env.aws.buckets.create(bucket, env.target.state_region)
    except AwsError as error:
        if error.code == "BucketAlreadyExists":
            raise ConfigError(
                f"the state bucket {bucket} belongs to another account", "Set backend.bucket in invoke.yaml."
            ) from error
        if error.code == "OperationAborted":
            raise NotReadyError(
                f"S3 is still creating or deleting {bucket}", "Wait a minute, then run: invoke bootstrap"
            ) from error
        raise
