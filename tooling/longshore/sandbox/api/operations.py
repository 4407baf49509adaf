"""The names of AWS's operations."""

from __future__ import annotations

from difflib import get_close_matches

import botocore.session
from botocore.exceptions import UnknownServiceError

from longshore.errors import UsageError


def check(operation: str) -> None:
    """Refuse a name that is neither an operation, such as ``ecs:UpdateService``, nor a group of operations.

    Raises:
        UsageError: the hint suggests a similar name.
    """
    service, _, name = operation.partition(":")
    session = botocore.session.get_session()
    try:
        names = [*session.get_service_model(service).operation_names, "reads", "writes", "*"]
    except UnknownServiceError:
        services = session.get_available_services()
        raise UsageError(f"operation: {service!r} is not an AWS service", _suggest(service, services)) from None
    if name not in names:
        raise UsageError(f"operation: {service} has no operation {name!r}", _suggest(name, names))


def _suggest(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else "For example: --operation ecs:UpdateService"
