"""The operations of AWS's services, by their names."""

from __future__ import annotations

from difflib import get_close_matches

import botocore.session
from botocore.exceptions import UnknownServiceError

from longshore.errors import UsageError


def check(operation: str) -> None:
    """Refuse what is no operation of a service, such as ``ecs:UpdateService``, nor stands for several.

    Raises:
        UsageError: the hint says which one is near.
    """
    service, _, name = operation.partition(":")
    session = botocore.session.get_session()
    try:
        known = [*session.get_service_model(service).operation_names, "reads", "writes", "*"]
    except UnknownServiceError:
        services = session.get_available_services()
        raise UsageError(f"operation: {service!r} is no service of AWS", _guess(service, services)) from None
    if name not in known:
        raise UsageError(f"operation: {service} has no operation {name!r}", _guess(name, known))


def _guess(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else "Such as: --operation ecs:UpdateService"
