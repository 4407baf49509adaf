"""STS: the identity behind the credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from longshore.aws.translate import call

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient


@dataclass(frozen=True)
class Caller:
    """An AWS identity."""

    account: str
    arn: str


class Identity:
    """Reads the identity of the caller."""

    def __init__(self, client: STSClient) -> None:
        self._client = client

    def caller(self) -> Caller:
        """The identity behind the credentials.

        Raises:
            AwsError: there are no valid credentials.
        """
        answer = call(self._client.get_caller_identity)
        return Caller(answer["Account"], answer["Arn"])
