"""Calls that a client repeats because it got no answer in time, such as on a machine under load."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from longshore.sandbox.api.credentials import identify
from longshore.sandbox.api.fault_injection import FAULT_KIND, Captured, capture, reply
from longshore.sandbox.api.request_log import is_mutating
from longshore.sandbox.serving import Application, Environ, StartResponse

_KEPT = 500
"""The number of calls whose answers are kept; a client repeats a call within a minute or two."""

_LONGEST = 120.0
"""Seconds to wait for the answer to an earlier attempt."""


@dataclass
class _Call:
    """A call that takes effect once; ``answer`` is None until then, and if the sandbox failed."""

    done: threading.Event = field(default_factory=threading.Event)
    answer: Captured | None = None


class RepeatedCalls:
    """A WSGI application around another: every attempt of a mutating call gets the answer of the first one.

    The SDKs of AWS send the same ``amz-sdk-invocation-id`` with each attempt. AWS ignores it: a repeated CreateRole
    fails with EntityAlreadyExists, as it does here after an injected fault. But the speed of your machine is not AWS's,
    and must not fail an apply.

    Args:
        application: the application that answers.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._calls: OrderedDict[str, _Call] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        caller, number = identify(environ), environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        once = number and caller.protocol in ("json", "query") and is_mutating(caller.operation)
        if not once or FAULT_KIND in environ:
            return self._application(environ, start_response)
        call, first = self._call(f"{caller.key} {number}")
        if not first:
            call.done.wait(_LONGEST)
        answer = call.answer or self._answer(call, environ)
        status, headers, body = answer
        return reply(start_response, (status, headers.get("Content-Type", ""), body), headers)

    def _call(self, key: str) -> tuple[_Call, bool]:
        """The call, and whether this is its first attempt."""
        with self._lock:
            first = key not in self._calls
            call = self._calls.setdefault(key, _Call())
            while len(self._calls) > _KEPT:
                self._calls.popitem(last=False)
            return call, first

    def _answer(self, call: _Call, environ: Environ) -> Captured:
        try:
            answer = capture(self._application, environ)
            # A client repeats a call that failed on the server, so that it may succeed.
            call.answer = answer if answer[0] < 500 else None
            return answer
        finally:
            call.done.set()
