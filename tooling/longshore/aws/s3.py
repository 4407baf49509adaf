"""S3: the bucket that holds Terraform's state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = {"404", "NoSuchBucket", "NoSuchKey", "NotFound"}


class Buckets:
    """Creates and reads the bucket."""

    def __init__(self, client: S3Client) -> None:
        self._client = client

    def exists(self, name: str) -> bool:
        """Whether the bucket exists and may be used."""
        try:
            call(self._client.head_bucket, Bucket=name)
        except AwsError as error:
            if error.code in _MISSING:
                return False
            raise
        return True

    def read(self, bucket: str, key: str) -> str | None:
        """The text of a small object; None if there is no such object or bucket."""
        try:
            answer = call(self._client.get_object, Bucket=bucket, Key=key)
            return call(answer["Body"].read).decode(errors="replace")
        except AwsError as error:
            if error.code in _MISSING:
                return None
            raise

    def make_private(self, name: str, region: str) -> None:
        """Creates the bucket if it is missing, then makes it private, versioned and encrypted; safe to repeat.

        The rules are S3.1, S3.5 (TLS only) and S3.14 of AWS Foundational Security Best Practices.
        https://docs.aws.amazon.com/securityhub/latest/userguide/s3-controls.html
        us-east-1 must not be given as a location constraint.
        https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        """
        if not self.exists(name):
            if region == "us-east-1":
                call(self._client.create_bucket, Bucket=name)
            else:
                call(
                    self._client.create_bucket,
                    Bucket=name,
                    CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
                )
        call(
            self._client.put_public_access_block,
            Bucket=name,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        call(self._client.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        call(
            self._client.put_bucket_encryption,
            Bucket=name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
        call(self._client.put_bucket_policy, Bucket=name, Policy=json.dumps(_tls_only(name)))


def _tls_only(bucket: str) -> dict[str, object]:
    statement = {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
