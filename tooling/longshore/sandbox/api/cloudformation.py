"""CloudFormation: a template with resources of ECS is refused, because moto would only record them.

Its stack would be CREATE_COMPLETE, and nothing would run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

from moto.cloudformation import models
from moto.cloudformation.exceptions import ValidationError

_ECS = re.compile(r"""["']?\bType["']?\s*:\s*["']?(AWS::ECS::\w+)""")
"""A type in a template, which is JSON or YAML."""

_WITH_TEMPLATE = ("create_stack", "update_stack", "create_change_set", "create_stack_set", "update_stack_set")


def install() -> None:
    """Replace the operations of moto's CloudFormation that take a template, in this process."""
    backend = models.CloudFormationBackend
    for name in _WITH_TEMPLATE:
        operation = getattr(backend, name)
        if not hasattr(operation, "__wrapped__"):
            setattr(backend, name, _checked(operation))


def _checked(operation: Callable[..., Any]) -> Callable[..., Any]:
    parameters = signature(operation)

    @wraps(operation)
    def checked(*arguments: Any, **options: Any) -> Any:
        template = parameters.bind(*arguments, **options).arguments.get("template")
        if types := sorted(set(_ECS.findall(template if isinstance(template, str) else ""))):
            raise ValidationError(
                message=f"The sandbox does not play {', '.join(types)} in CloudFormation. Create them by Terraform or "
                "by calls of ECS, or take them out of the template."
            )
        return operation(*arguments, **options)

    return checked
