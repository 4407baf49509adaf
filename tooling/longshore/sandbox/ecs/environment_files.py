"""The variables of a container's `environmentFiles`, from moto's S3."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.core.exceptions import ServiceException
from moto.s3.models import s3_backends

from longshore.sandbox.ecs.start_errors import StartError, resource_missing


class EnvironmentFiles:
    """Reads environment files as the ECS agent does.

    Args:
        account_id: the account of the buckets.
    """

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def of(self, container: Mapping[str, Any], override: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a container's environment files.

        The files of RunTask's override replace those of the definition. The first file that has a variable sets it: the
        files "are processed from the top down" (ECS API, environmentFiles).

        Args:
            container: the container definition.
            override: its overrides.

        Raises:
            StartError: ResourceInitializationError: there is no such object.
        """
        files = override.get("environmentFiles") or container.get("environmentFiles") or []
        variables: dict[str, str] = {}
        for file in files:
            variables = dict(_variables(self._read(file["value"]))) | variables
        return variables

    def _read(self, arn: str) -> str:
        """The content of an object, by its ARN: ``arn:aws:s3:::BUCKET/KEY``."""
        bucket, _, key = arn.partition(":::")[2].partition("/")
        try:
            content = s3_backends[self._account_id]["aws"].get_object(bucket, key)
        except ServiceException as error:
            raise _missing(arn, str(error)) from error
        if content is None:
            raise _missing(arn, "NoSuchKey: The specified key does not exist.")
        return bytes(content.value).decode(errors="replace")


def _variables(text: str) -> Iterator[tuple[str, str]]:
    """The variables of a file: a line is ``NAME=VALUE``, a comment or empty."""
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and name and not name.startswith("#"):
            yield name, value


def _missing(arn: str, detail: str) -> StartError:
    # The beginning is AWS's (developer guide, "Stopped tasks error messages"); the rest is the error of S3.
    return resource_missing(f"failed to download env files: file download command: {arn}: {detail}")
