from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from longshore.aws.ecs import Container, Task
from longshore.contract import parse
from longshore.errors import VerifyError
from longshore.verify import Expectation, tasks, urls
from tests.samples import arn, moved_clock, release_output, task

EXPECTED = Expectation("shop-test-web", arn("shop-test-web", 2), {"web": "sha256:right"})


class Ecs:
    def __init__(self, *found: Task) -> None:
        self.found = list(found)

    def tasks(self, cluster: str, service: str) -> list[Task]:
        return self.found


def running(digest: str, revision: int = 2) -> Task:
    return task(Container("web", "app:v1", digest, None, ""), revision=revision)


def test_tasks_of_the_revision_and_digest_pass() -> None:
    tasks(Ecs(running("sha256:right"), running("sha256:right")), "cluster", [EXPECTED])


@pytest.mark.parametrize("wrong", [running("sha256:other"), running("sha256:right", revision=1)])
def test_a_task_of_another_revision_or_digest_is_named(wrong: Task) -> None:
    with pytest.raises(VerifyError, match="task 0123abcd"):
        tasks(Ecs(running("sha256:right"), wrong), "cluster", [EXPECTED])


@contextmanager
def answering(*answers: tuple[int, str]) -> Iterator[str]:
    """A server that gives these answers in turn, the last one for ever."""
    left = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ask(base: str | None, deadline: float = 10, text: str | None = None) -> list[str]:
    output = release_output()
    output["verify"][0]["expect_text"] = text
    contract = parse(output, "shop", "test")
    return urls(contract, lambda cluster, service: base, "v1.2.3", deadline, moved_clock())


def test_the_url_must_answer_with_this_version() -> None:
    with answering((200, "v1.2.2"), (503, ""), (200, '{"version": "v1.2.3"}')) as base:
        assert ask(base) == [f"{base}/health"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [((200, "v1.2.2"), "without 'v1.2.3'"), ((500, "v1.2.3"), "answered 500"), ((302, "v1.2.3"), "answered 302")],
)
def test_another_version_status_or_a_redirect_is_a_failure(answer: tuple[int, str], said: str) -> None:
    with answering(answer) as base, pytest.raises(VerifyError, match=said):
        ask(base)


def test_a_text_of_ones_own_takes_the_place_of_the_version() -> None:
    with answering((200, "all is well")) as base:
        assert ask(base, text="is well") == [f"{base}/health"]


def test_a_server_that_is_away_is_a_failure() -> None:
    with answering((200, "")) as base:
        pass
    with pytest.raises(VerifyError, match="did not answer"):
        ask(base)


def test_without_a_base_url_nothing_is_asked() -> None:
    assert ask(None) == []
