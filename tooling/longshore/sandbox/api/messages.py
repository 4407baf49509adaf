"""Errors of Parameter Store and EventBridge in AWS's words, as recorded in the snapshots of localstack/localstack."""

from __future__ import annotations

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.events import urls as events_urls
from moto.events.exceptions import ResourceNotFoundException
from moto.events.responses import EventsHandler
from moto.ssm import urls as ssm_urls
from moto.ssm.exceptions import ParameterNotFound
from moto.ssm.responses import SimpleSystemManagerResponse


class ParametersResponse(SimpleSystemManagerResponse):
    """Parameter Store of the sandbox."""

    def get_parameter(self) -> ActionResult:
        """GetParameter; the error about a missing one has an empty message."""
        try:
            answer = super().get_parameter()
        except ParameterNotFound:
            raise ParameterNotFound("") from None
        cast("dict[str, Any]", answer.result)["Parameter"].pop("Tier", None)  # which moto adds
        return answer


class RulesResponse(EventsHandler):
    """EventBridge of the sandbox."""

    def describe_rule(self) -> tuple[str, dict[str, Any]]:
        """DescribeRule; the error about a missing one names the bus."""
        try:
            return super().describe_rule()
        except ResourceNotFoundException as error:
            if not error.message.startswith("Rule "):
                raise  # the bus is missing
            bus = str(self._get_param("EventBusName") or "default").rpartition("/")[2]
            raise ResourceNotFoundException(error.message.removesuffix(".") + f" on EventBus {bus}.") from None


def install() -> None:
    """Replace moto's Parameter Store and EventBridge; call this before moto's server starts."""
    ssm_urls.url_paths["{0}/$"] = ParametersResponse.dispatch
    events_urls.url_paths["{0}/"] = RulesResponse.dispatch
