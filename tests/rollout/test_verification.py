from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings
from longshore.aws.ecs_types import Container, Service, Task
from longshore.config.contract import parse
from longshore.errors import AwsError, UnknownOutcomeError, VerifyError
from longshore.masking import Masks
from longshore.result import ImageResult
from longshore.rollout.verification import Expectation, Wanted, tasks, urls
from tests.fakes import samples
from tests.fakes.samples import arn, moved_clock, release_output, task

DEFERRED = ServiceSettings(early_success=EarlySuccess(100, "DEFERRED"))
DONE = samples.service(samples.deployment("ours", "COMPLETED"), desired=1)
IMAGE = ImageResult(repository="registry/shop/app", tag="v1.0.0", digest="sha256:right")
EXPECTED = Expectation("shop-test-web", arn("shop-test-web", 2), {"web": IMAGE})


class Ecs:
    """Answers with these tasks in turn, and with the last ones from then on; an error is raised."""

    def __init__(self, *looks: list[Task] | AwsError, service: Service | None = None) -> None:
        self.looks = list(looks)
        self.reads = 0
        self.service = service or DONE

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        return {name: replace(self.service, name=name) for name in names}

    def tasks(self, cluster: str, service: str) -> list[Task]:
        self.reads += 1
        answer = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(answer, AwsError):
            raise answer
        return answer


def running(digest: str | None, revision: int = 2) -> Task:
    return task(Container("web", "app:v1", digest, None, ""), revision=revision)


def look(ecs: Ecs, expected: Expectation = EXPECTED, deadline: float = 30) -> list[str]:
    return tasks(ecs, "cluster", [expected], moved_clock(), deadline).notes


RIGHT = running("sha256:right")
THROTTLED = AwsError("slow down", code="ThrottlingException")


def test_correct_tasks_pass_at_the_first_look() -> None:
    ecs = Ecs([RIGHT, RIGHT])
    look(ecs)
    assert ecs.reads == 1


@pytest.mark.parametrize("digest", ["sha256:index", "sha256:amd64", "sha256:arm64"])
def test_a_task_may_show_the_digest_of_an_index_or_of_its_platform(digest: str) -> None:
    image = IMAGE.model_copy(update={"digest": "sha256:index", "platforms": ["sha256:amd64", "sha256:arm64"]})
    look(Ecs([running(digest)]), replace(EXPECTED, images={"web": image}))
    with pytest.raises(VerifyError, match="runs sha256:other, not sha256:index"):
        look(Ecs([running("sha256:other")]), replace(EXPECTED, images={"web": image}))


@pytest.mark.parametrize("wrong", [running("sha256:other"), running("sha256:right", revision=1)])
def test_a_wrong_task_is_named_after_three_looks(wrong: Task) -> None:
    ecs = Ecs([RIGHT, wrong])
    with pytest.raises(VerifyError, match="task 0123abcd") as error:
        look(ecs)
    assert (ecs.reads, error.value.service) == (3, "shop-test-web")


def test_the_service_with_the_wrong_task_is_named() -> None:
    class Two(Ecs):
        def tasks(self, cluster: str, service: str) -> list[Task]:
            return [running("sha256:other" if service == "shop-test-worker" else "sha256:right")]

    expected = [EXPECTED, replace(EXPECTED, service="shop-test-worker")]
    with pytest.raises(VerifyError) as error:
        tasks(Two([]), "cluster", expected, moved_clock(), 30)
    assert error.value.service == "shop-test-worker"


@pytest.mark.parametrize(
    "first", [[], [running(None)], [running("sha256:right", revision=1)], THROTTLED], ids=["none", "?", "old", "error"]
)
def test_a_difference_that_may_disappear_is_read_again(first: list[Task] | AwsError) -> None:
    look(Ecs(first, first, [RIGHT]))


@pytest.mark.parametrize(("tasks", "message"), [([], "no task runs"), ([running(None)], "an unknown digest")])
def test_a_difference_that_remains_at_the_deadline_is_a_failure(tasks: list[Task], message: str) -> None:
    with pytest.raises(VerifyError, match=message):
        look(Ecs(tasks))


def test_an_idle_service_needs_no_tasks() -> None:
    look(Ecs([]), replace(EXPECTED, idle=True))


def test_the_outcome_is_unknown_if_reads_fail_until_the_deadline() -> None:
    with pytest.raises(UnknownOutcomeError, match="slow down"):
        look(Ecs(THROTTLED))


def test_a_denied_read_is_not_repeated() -> None:
    ecs = Ecs(AwsError("no", code="AccessDeniedException"))
    with pytest.raises(AwsError, match="no"):
        look(ecs)
    assert ecs.reads == 1


def starting(status: str = "PENDING", digest: str | None = None, revision: int = 2) -> Task:
    return replace(running(digest, revision), last_status=status, desired_status="RUNNING")


FOUR = replace(DONE, desired=4, settings=ServiceSettings(minimum_healthy=50))


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "ACTIVATING"])
def test_a_task_that_is_only_starting_proves_nothing(status: str) -> None:
    notes = look(Ecs([RIGHT, RIGHT, RIGHT, starting(status)], service=FOUR))
    assert notes == ["shop-test-web: task 0123abcd is still starting"]


@pytest.mark.parametrize(
    ("desired", "percent", "recorded", "enough"),
    [(4, 50, 4, 2), (4, 100, 4, 4), (3, 50, 3, 2), (4, 0, 4, 1), (10, 100, 2, 2), (2, 100, 10, 2), (10, 50, None, 5)],
)
def test_enough_tasks_must_be_healthy(desired: int, percent: int, recorded: int | None, enough: int) -> None:
    """A service that is scaled out afterwards needs no more than it had."""
    service = replace(DONE, desired=desired, settings=ServiceSettings(minimum_healthy=percent))
    expected = replace(EXPECTED, count=recorded)
    look(Ecs([*[RIGHT] * enough, starting()], service=service), expected)
    needed = f"the release; at least {enough} {'is' if enough == 1 else 'are'} needed$"
    with pytest.raises(VerifyError, match=needed):
        look(Ecs([*[RIGHT] * (enough - 1), starting()], service=service), expected)


@pytest.mark.parametrize(
    ("healthy", "sentence"),
    [
        (0, "shop-test-web: no healthy task runs the release; at least 3 are needed"),
        (1, "shop-test-web: only 1 healthy task runs the release; at least 3 are needed"),
        (2, "shop-test-web: only 2 healthy tasks run the release; at least 3 are needed"),
    ],
)
def test_too_few_healthy_tasks_are_counted_in_a_plain_sentence(healthy: int, sentence: str) -> None:
    service = replace(DONE, desired=3, settings=ServiceSettings(minimum_healthy=100))
    with pytest.raises(VerifyError) as error:
        look(Ecs([*[RIGHT] * healthy, starting()], service=service))
    assert sentence in error.value.message


def test_an_unhealthy_task_is_not_one_of_those_that_are_enough() -> None:
    unhealthy = replace(RIGHT, health="UNHEALTHY")
    assert look(Ecs([RIGHT, RIGHT, unhealthy], service=FOUR)) == []
    with pytest.raises(VerifyError, match="only 1 healthy task runs the release; at least 2 are needed"):
        look(Ecs([RIGHT, unhealthy], service=FOUR))


@pytest.mark.parametrize(
    "wrong", [running("sha256:other"), starting(digest="sha256:other"), starting(revision=3), running(None)]
)
def test_a_wrong_task_is_an_error_beside_enough_right_ones(wrong: Task) -> None:
    with pytest.raises(VerifyError, match="task 0123abcd"):
        look(Ecs([RIGHT, RIGHT, RIGHT, wrong], service=FOUR))


@pytest.mark.parametrize("status", ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "RUNNING"])
def test_a_task_that_is_stopping_is_named_and_not_judged(status: str) -> None:
    """DescribeTasks may show a task as stopping that ListTasks has just listed as running."""
    told = "STOPPED" if status == "RUNNING" else "RUNNING"
    leaving = replace(running("sha256:old", revision=1), last_status=status, desired_status=told)
    assert look(Ecs([RIGHT, leaving])) == ["shop-test-web: task 0123abcd is stopping"]


def test_old_tasks_that_stop_after_an_early_success_are_named_and_not_judged() -> None:
    early, old = replace(DONE, settings=DEFERRED), running("sha256:old", revision=1)
    [note] = look(Ecs([RIGHT, old], service=early))
    assert "still runs" in note
    assert "early success" in note
    with pytest.raises(VerifyError, match="no healthy task runs the release; at least 1 is needed"):
        look(Ecs([old], service=early))
    with pytest.raises(VerifyError, match="runs arn"):
        look(Ecs([RIGHT, old]))


def test_a_deployment_that_replaced_ours_is_not_taken_for_old_tasks() -> None:
    other = samples.service(samples.deployment("other", "IN_PROGRESS", revision=3), desired=1)
    with pytest.raises(VerifyError, match="runs arn"):
        look(Ecs([RIGHT, running("sha256:other", revision=3)], service=replace(other, settings=DEFERRED)))


@contextmanager
def answering(*answers: tuple[int, str]) -> Iterator[str]:
    """A server that gives these answers in turn, and the last one from then on."""
    remaining = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = remaining.pop(0) if len(remaining) > 1 else remaining[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            """Logs nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def ask(base: str | None, deadline: float = 10, text: str | None = None, mixed: Sequence[str] = ()) -> list[str]:
    output = release_output()
    output["verify"][0]["expect_text"] = text
    contract = parse(output, "shop", "test")
    return urls(contract, lambda cluster, service: base, Wanted("v1.2.3", mixed), deadline, moved_clock(), Masks())


def test_the_url_must_answer_with_the_released_version() -> None:
    with answering((200, "v1.2.2"), (503, ""), (200, '{"version": "v1.2.3"}')) as base:
        assert ask(base) == [f"{base}/health"]


def test_good_answers_among_bad_ones_are_not_enough() -> None:
    """An old task may still be behind the load balancer, or one of two tasks may be unhealthy."""
    mixed = [(200, "v1.2.3"), (200, "v1.2.3"), (200, "v1.2.2")] * 20
    with answering(*mixed) as base, pytest.raises(VerifyError, match=r"without 'v1\.2\.3'"):
        ask(base)


def test_old_tasks_of_an_early_success_may_answer_between_good_answers() -> None:
    answers = [(200, "v1.2.3"), (200, "v1.2.2")]
    with answering(*answers * 20) as base:
        assert ask(base, mixed=["shop-test-web"]) == [f"{base}/health"]
    with answering((200, "v1.2.3"), (200, "v1.2.3"), (200, "v1.2.2")) as base, pytest.raises(VerifyError):
        ask(base, mixed=["shop-test-web"])


def test_the_error_has_the_last_answer() -> None:
    with answering((500, "database away")) as base, pytest.raises(VerifyError) as error:
        ask(base)
    assert error.value.answer == f"{base}/health answered 500, not 200: 'database away'"
    assert error.value.service == "shop-test-web"
    assert "times in 10 s" in error.value.message


def test_an_expected_text_replaces_the_version() -> None:
    with answering((200, "all is well")) as base:
        assert ask(base, text="is well") == [f"{base}/health"]


def test_a_server_that_does_not_answer_is_a_failure() -> None:
    with answering((200, "")) as base:
        pass
    with pytest.raises(VerifyError, match="did not answer"):
        ask(base)


def test_without_a_base_url_no_url_is_requested() -> None:
    assert ask(None) == []
