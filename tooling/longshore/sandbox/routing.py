"""Routes of the sandbox's HTTP servers: the function that answers a request, by its method and path."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.wrappers import Request, Response

Answer = TypeVar("Answer")

Route = tuple[str, str, Callable[..., Answer]]
"""Methods separated by spaces, a path in werkzeug's notation, and the function that answers: it gets the request, and
the path's variables by name."""


class Router(Generic[Answer]):
    """Calls the function that answers a request.

    Args:
        routes: every route of the server.
        converters: further kinds of variables in paths, by name.
    """

    def __init__(self, routes: Iterable[Route[Answer]], **converters: type[BaseConverter]) -> None:
        rules = [Rule(path, methods=methods.split(), endpoint=function) for methods, path, function in routes]
        paths = Map(rules, converters=converters, strict_slashes=False, merge_slashes=False)
        self._paths = paths.bind("")

    def answer(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            werkzeug.exceptions.NotFound: there is no such path.
            werkzeug.exceptions.MethodNotAllowed: the path has no such method.
        """
        function, variables = self._paths.match(request.path, request.method)
        answer: Answer = function(request, **variables)
        return answer


def json_response(document: object, status: int = 200) -> Response:
    """A response with a JSON document."""
    return Response(json.dumps(document), status, content_type="application/json")
