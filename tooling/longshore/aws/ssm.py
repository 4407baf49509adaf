"""SSM Parameter Store: the parameter that holds the released tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longshore.aws.translate import call
from longshore.errors import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


class Parameters:
    """Reads and writes plain parameters."""

    def __init__(self, client: SSMClient) -> None:
        self._client = client

    def get(self, name: str) -> str | None:
        """The value of a parameter; None if there is no such parameter."""
        try:
            return call(self._client.get_parameter, Name=name)["Parameter"].get("Value")
        except AwsError as error:
            if error.code == "ParameterNotFound":
                return None
            raise

    def put(self, name: str, value: str) -> None:
        """Overwrites a parameter that Terraform created."""
        call(self._client.put_parameter, Name=name, Value=value, Type="String", Overwrite=True)
