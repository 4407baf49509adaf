"""GetLogEvents as on AWS, where moto differs: pages without events, and the error about a missing stream."""

from __future__ import annotations

import json

from moto.logs import urls
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse

from longshore.sandbox.ecs.timing import Timing


class LogEventsResponse(LogsResponse):
    """CloudWatch Logs of the sandbox.

    A page covers a span of time, and is empty if nothing was written in it, although there is more
    (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html). A stream that is read
    from its end may thus begin with empty pages, as recorded in boto/boto3#3718.
    """

    timing: Timing

    def get_log_events(self) -> str:
        """GetLogEvents."""
        group = self.logs_backend.groups.get(str(self._get_param("logGroupName")))
        stream = group.streams.get(self._get_param("logStreamName")) if group else None
        if group and not stream:
            raise ResourceNotFoundException("The specified log stream does not exist.")
        written = len(stream.events) if stream else 0
        token = str(self._get_param("nextToken") or "")
        if written and not token and not self._get_param("startFromHead", False):
            place = written + int(self.timing.empty_log_pages)
        else:
            place = int(token[2:]) if token.startswith("b/") and token[2:].isdecimal() else 0
        if place <= written or not self.timing.empty_log_pages:
            return super().get_log_events()
        tokens = {"nextBackwardToken": f"b/{place - 1:056d}", "nextForwardToken": f"f/{written - 1:056d}"}
        return json.dumps({"events": [], **tokens})


def install(timing: Timing) -> None:
    """Replace moto's CloudWatch Logs; call this before moto's server starts.

    Args:
        timing: has the number of empty pages, which can be changed.
    """
    LogEventsResponse.timing = timing
    urls.url_paths["{0}/$"] = LogEventsResponse.dispatch
