"""Documents of Terraform and Terraform Cloud, parsed into models: a malformed one is one error that names the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from longshore.config.findings import findings
from longshore.config.values import printable
from longshore.errors import TerraformError

_SHOWN = 5


class Document(BaseModel):
    """A part of a document. Unknown keys are ignored: newer versions add some."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


Text = Annotated[str, AfterValidator(printable)]
"""A string without control characters, such as an address: Terraform escapes them."""

D = TypeVar("D", bound=Document)


def parse(model: type[D], document: Any, name: str, error: Callable[[str, str], TerraformError] = TerraformError) -> D:
    """A document of a program or a service.

    Args:
        model: of the part that Longshore reads.
        document: as JSON.
        name: of the document, such as ``the plan``.
        error: makes the error, from its message and its hint.

    Raises:
        TerraformError: a key is missing, or has a value of another type; lists them by path.
    """
    try:
        return model.model_validate(document)
    except ValidationError as invalid:
        problems = findings(invalid, name, model)
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        lines = "".join(f"\n  {problem}" for problem in [*problems[:_SHOWN], *more])
        raise error(
            f"{name} is not in the form that Terraform documents:{lines}",
            "Check the version of Terraform, and any wrapper or proxy between it and Longshore.",
        ) from None
