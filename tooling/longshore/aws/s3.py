"""S3: the bucket that holds Terraform's state."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef

_MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}
_NOT_SET = {
    "NoSuchPublicAccessBlockConfiguration",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchBucketPolicy",
}
"""Error codes of settings that a bucket does not have.

https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

_BLOCKED: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_SID = "DenyInsecureTransport"
T = TypeVar("T")

PUBLIC_ACCESS, VERSIONING, ENCRYPTION, POLICY = "public access block", "versioning", "encryption", "policy"


@dataclass(frozen=True)
class Difference:
    """A setting of a bucket that differs from the recommended one; ``line`` describes both.

    A setting that could not be read is not ``known``, and is never changed.
    """

    setting: str
    line: str
    known: bool = True


class Buckets:
    """Creates, reads and secures the bucket.

    The recommended settings are the rules S3.1, S3.5 (TLS only) and S3.14 of AWS Foundational Security Best Practices,
    and encryption with any key. https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html
    """

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def region_of(self, name: str, owner: str | None = None) -> str | None:
        """The region of a bucket, empty if S3 does not name it; None if there is no such bucket.

        Args:
            name: of the bucket.
            owner: the account that must own it; None for any.

        Raises:
            AwsError: the bucket may not be used, or another account owns it: its code is 403.
        """
        owned: Any = {"ExpectedBucketOwner": owner} if owner else {}
        try:
            return call(self._client.head_bucket, Bucket=name, **owned).get("BucketRegion", "")
        except AwsError as error:
            if error.code in _MISSING:
                return None
            raise

    def read(self, bucket: str, key: str) -> str | None:
        """The text of a small object; None if there is no such object or bucket."""
        try:
            answer = call(self._client.get_object, Bucket=bucket, Key=key)
            return call(answer["Body"].read).decode(errors="replace")
        except AwsError as error:
            if error.code in _MISSING:
                return None
            raise

    def create(self, name: str, region: str) -> bool:
        """Creates the bucket, with S3's settings.

        us-east-1 must not be given as a location constraint.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

        Returns:
            Whether CreateBucket succeeded; otherwise the account owns the bucket already.

        Raises:
            AwsError: another account owns a bucket with this name, or the bucket could not be created.
        """
        location: Any = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
        try:
            call(self._client.create_bucket, Bucket=name, **location)
        except AwsError as error:
            if error.code == "BucketAlreadyOwnedByYou":
                return False
            raise
        return True

    def secure_new(self, name: str, region: str) -> bool:
        """Gives a bucket for which CreateBucket has just succeeded the recommended settings that S3 did not give it.

        In us-east-1, CreateBucket also succeeds for a bucket that the account owns already: one that has a policy or
        versions was created by another process at the same time. A setting that may not be read counts as not set.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html

        Returns:
            Whether the bucket is new; otherwise nothing was changed.

        Raises:
            AwsError: a setting could not be changed; those before it were.
        """
        policy = self._if_readable(self._policy, name)
        if region == "us-east-1" and (policy or self._if_readable(self._versioning, name)):
            return False
        differing = {difference.setting for difference in self.differences(name)}
        self.secure(name, differing - {POLICY})
        if POLICY in differing:
            self._add_to_policy(name, policy)
        return True

    def differences(self, name: str) -> list[Difference]:
        """The settings of a bucket that differ from the recommended ones."""
        readers: dict[str, Callable[[str], str]] = {
            PUBLIC_ACCESS: self._public_access_difference,
            VERSIONING: self._versioning_difference,
            ENCRYPTION: self._encryption_difference,
            POLICY: self._policy_difference,
        }
        differing = []
        for setting, reader in readers.items():
            try:
                if line := reader(name):
                    differing.append(Difference(setting, f"{setting}: {line}"))
            except AwsError as error:
                differing.append(
                    Difference(setting, f"{setting}: could not be read ({error.code or error})", known=False)
                )
        return differing

    def secure(self, name: str, settings: Collection[str]) -> None:
        """Changes these settings to the recommended ones. The statements of a policy stay; one is added to them.

        Versioning is the first: without it, a damaged state is lost. An organisation may deny the others.
        """
        if VERSIONING in settings:
            call(self._client.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        if PUBLIC_ACCESS in settings:
            call(self._client.put_public_access_block, Bucket=name, PublicAccessBlockConfiguration=_BLOCKED)
        if ENCRYPTION in settings:
            call(
                self._client.put_bucket_encryption,
                Bucket=name,
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
            )
        if POLICY in settings:
            self._add_to_policy(name, self._policy(name))

    def _add_to_policy(self, name: str, policy: dict[str, Any] | None) -> None:
        merged = _with_tls_only(policy, f"arn:{self._client.meta.partition}:s3:::{name}")
        call(self._client.put_bucket_policy, Bucket=name, Policy=json.dumps(merged))

    def _public_access_difference(self, name: str) -> str:
        block = self._if_set(self._client.get_public_access_block, name).get("PublicAccessBlockConfiguration", {})
        off = [setting for setting in _BLOCKED if not block.get(setting)]
        return f"{', '.join(off)} off → on" if off else ""

    def _versioning_difference(self, name: str) -> str:
        status = self._versioning(name)
        return "" if status == "Enabled" else f"{status or 'never enabled'} → Enabled"

    def _encryption_difference(self, name: str) -> str:
        encryption = self._if_set(self._client.get_bucket_encryption, name)
        return "" if encryption.get("ServerSideEncryptionConfiguration", {}).get("Rules") else "none → AES256"

    def _policy_difference(self, name: str) -> str:
        policy = self._policy(name)
        if policy and any(_denies_plain_http(statement) for statement in _statements(policy)):
            return ""
        return f"requests without TLS are allowed → denied (adds the statement {_free_sid(policy)})"

    def _versioning(self, name: str) -> str:
        return str(call(self._client.get_bucket_versioning, Bucket=name).get("Status", ""))

    def _policy(self, name: str) -> dict[str, Any] | None:
        text = self._if_set(self._client.get_bucket_policy, name).get("Policy")
        return dict(json.loads(text)) if text else None

    def _if_readable(self, reader: Callable[[str], T], name: str) -> T | None:
        try:
            return reader(name)
        except AwsError as error:
            if error.denied:
                return None
            raise

    def _if_set(self, operation: Callable[..., Any], name: str) -> dict[str, Any]:
        try:
            return dict(call(operation, Bucket=name))
        except AwsError as error:
            if error.code in _NOT_SET:
                return {}
            raise


def _statements(policy: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The statements of a policy, which may have a single one without a list (grammar of IAM's policy language)."""
    statements = (policy or {}).get("Statement", [])
    return statements if isinstance(statements, list) else [statements]


def _denies_plain_http(statement: dict[str, Any]) -> bool:
    conditions = statement.get("Condition", {})
    secure = conditions.get("Bool", {}).get("aws:SecureTransport")
    return bool(
        statement.get("Effect") == "Deny"
        and len(conditions) == len(conditions.get("Bool", {})) == 1
        and str(secure if not isinstance(secure, list) else secure[0]).lower() == "false"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and statement.get("Action") in ("s3:*", ["s3:*"], "*", ["*"])
    )


def _free_sid(policy: dict[str, Any] | None) -> str:
    """The id of our statement; another one if the policy has a statement of that id, which stays."""
    taken = {statement.get("Sid") for statement in _statements(policy)}
    return next(sid for sid in (_SID, *(f"{_SID}{n}" for n in range(2, len(taken) + 3))) if sid not in taken)


def _with_tls_only(policy: dict[str, Any] | None, bucket: str) -> dict[str, Any]:
    statement = {
        "Sid": _free_sid(policy),
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    base = policy or {"Version": "2012-10-17"}
    return {**base, "Statement": [*_statements(policy), statement]}
