"""A run in every status that the API documents, and in an unknown one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from signal import SIGTERM, raise_signal
from typing import Any

import pytest

from longshore.errors import CloudError, InterruptError, PlanError, TerraformError
from longshore.signals import StoppedBySignal, stopping
from longshore.terraform.cloud.api import Api, Response
from longshore.terraform.cloud.objects import one
from longshore.terraform.cloud.plan_json import download
from longshore.terraform.cloud.run import parse_run
from longshore.terraform.cloud.run_request import CloudRunRequest, unique_message
from longshore.terraform.driver import ApplyStage
from tests.fakes.terraform_cloud import HOST, TOKEN, FakeTime, FakeTransport, Messages, run, runs

UNDER_WAY = [
    "pending", "fetching", "fetching_completed", "pre_plan_running", "pre_plan_completed", "queuing", "plan_queued",
    "planning", "planned", "cost_estimating", "cost_estimated", "policy_checking", "policy_checked", "confirmed",
    "post_plan_running", "post_plan_completed", "planned_and_saved", "apply_queued", "queuing_apply", "applying",
    "pre_apply_running", "pre_apply_completed", "an_unknown_status",
]  # fmt: skip
LOG = b'\x02Terraform v1.11.4\n{"@message":"Plan: 1 to add","type":"change_summary"}\n\x03'


def logged(fake: FakeTransport, path: str, content: bytes = LOG) -> None:
    fake.reply(f"GET {path}", {"data": {"attributes": {"log-read-url": f"https://archive.example.com/{path}"}}})
    fake.reply(f"GET /{path}", content, b"")


def test_a_confirmable_run_has_its_plan_in_any_status() -> None:
    for status in UNDER_WAY:
        fake, time = FakeTransport(), FakeTime()
        fake.reply("GET runs/run-1", run(status), run(status, confirmable=True))
        fake.reply("GET workspaces/ws-1", {"data": {"id": "ws-1", "attributes": {}}})
        logged(fake, "plans/plan-1")
        events: list[str] = []
        planned, log = runs(fake, time.clock()).wait_for_plan(_start(), 60, events.append)
        assert (planned.confirmable, log.complete, fake.paths()) == (True, True, [])
        assert "Plan: 1 to add" in events


@pytest.mark.parametrize("status", UNDER_WAY)
def test_no_unfinished_status_is_success_and_the_deadline_ends_the_wait(status: str) -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run(status))
    fake.reply("GET workspaces/ws-1", {"data": {"id": "ws-1", "attributes": {}}})
    logged(fake, "plans/plan-1")
    logged(fake, "applies/apply-1")
    with pytest.raises(TerraformError, match=f"no plan after 60 s .{status}"):
        runs(fake, time.clock()).wait_for_plan(_start(), 60, None)
    with pytest.raises(TerraformError, match=f"not applied after 60 s .{status}"):
        runs(fake, time.clock()).apply(_start(), 60, None)
    assert fake.paths() == []
    assert 120 <= time.now < 130


@pytest.mark.parametrize("status", ["planned_and_finished", "applied"])
def test_the_two_successful_statuses(status: str) -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run(status))
    logged(fake, "plans/plan-1")
    assert runs(fake, time.clock()).wait_for_plan(_start(), 60, None)[0].status == status


def test_only_the_status_applied_is_a_successful_apply() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("confirmed"), run("applying"), run("applied"))
    logged(fake, "applies/apply-1")
    assert runs(fake, time.clock()).apply(_start(), 60, None).status == "applied"
    finished = FakeTransport()
    finished.reply("GET runs/run-1", run("planned_and_finished"))
    logged(finished, "applies/apply-1")
    with pytest.raises(TerraformError):
        runs(finished, time.clock()).apply(_start(), 60, None)


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        ("errored", TerraformError, "no region"),
        ("discarded", PlanError, "another user"),
        ("canceled", PlanError, "another user"),
        ("force_canceled", PlanError, "another user"),
        ("policy_soft_failed", PlanError, "policy failed"),
        ("policy_override", PlanError, "policy failed"),
        ("post_plan_awaiting_decision", PlanError, "policy failed"),
    ],
)
def test_a_failed_plan_names_the_cause_and_the_page(status: str, kind: type[Exception], message: str) -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run(status))
    fake.reply("GET runs/run-1/policy-checks", {"data": []})
    fake.reply("GET runs/run-1/task-stages", {"data": []})
    logged(fake, "plans/plan-1", _diagnostic("no region"))
    with pytest.raises(kind, match=message) as caught:
        runs(fake, time.clock()).wait_for_plan(_start(), 60, None)
    assert f"{HOST}/app/acme/workspaces/shop-test/runs/run-1" in str(caught.value)


def test_a_mandatory_policy_is_distinguished_from_a_terraform_error() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("errored"))
    fake.reply("GET runs/run-1/policy-checks", {"data": [{"attributes": {"status": "hard_failed"}}]})
    logged(fake, "plans/plan-1")
    with pytest.raises(PlanError, match="mandatory policy"):
        runs(fake, time.clock()).wait_for_plan(_start(), 60, None)


def _failed_stage(stage: str, *before: str) -> FakeTransport:
    """A run in which Terraform succeeded, but an OPA policy or a mandatory run task failed."""
    fake = FakeTransport()
    fake.reply("GET runs/run-1", *map(run, before), run("errored"))
    fake.reply("GET runs/run-1/policy-checks", {"data": []})
    passed, failed = {"stage": "pre_plan", "status": "passed"}, {"stage": stage, "status": "failed"}
    fake.reply(
        "GET runs/run-1/task-stages", {"data": [{"id": "ts-1", "attributes": stage} for stage in (passed, failed)]}
    )
    return fake


def test_opa_policies_and_run_tasks_are_distinguished_from_terraform_errors() -> None:
    fake, time = _failed_stage("post_plan"), FakeTime()
    logged(fake, "plans/plan-1")
    with pytest.raises(PlanError, match="a policy or a run task of the stage post_plan failed for run-1"):
        runs(fake, time.clock()).wait_for_plan(_start(), 60, None)
    later = _failed_stage("pre_apply", "confirmed")
    logged(later, "applies/apply-1")
    with pytest.raises(TerraformError, match=r"failed .errored, a policy or a run task of the stage pre_apply failed"):
        runs(later, time.clock()).apply(_start(), 60, None)


@pytest.mark.parametrize(
    ("status", "kind"), [("errored", TerraformError), ("canceled", TerraformError), ("discarded", PlanError)]
)
def test_a_failed_apply(status: str, kind: type[Exception]) -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("applying"), run(status))
    fake.reply("GET runs/run-1/policy-checks", {"data": []})
    fake.reply("GET runs/run-1/task-stages", {"data": []})
    logged(fake, "applies/apply-1", _diagnostic("no capacity"))
    with pytest.raises(kind) as caught:
        runs(fake, time.clock()).apply(_start(), 60, None)
    assert isinstance(caught.value, PlanError | TerraformError)
    assert ("no capacity" in caught.value.message) == (status == "errored")


def test_a_run_is_created_once_although_the_response_is_lost() -> None:
    fake, time, request = (
        FakeTransport(),
        FakeTime(),
        CloudRunRequest(unique_message("Longshore: shop-test"), {"image_tag": "v1"}),
    )
    foreign, own = run("planning")["data"], run("pending")["data"] | {"id": "run-2"}
    own["attributes"] = own["attributes"] | {"message": request.message}
    fake.reply("POST runs", status=504)
    fake.reply("GET workspaces/ws-1/runs", {"data": [foreign]}, {"data": [foreign, own]})
    assert runs(fake, time.clock()).create(request).id == "run-2"
    assert fake.paths() == ["runs"]


def test_a_run_missing_after_a_lost_response_is_created_again() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("POST runs", status=0)
    fake.reply("POST runs", run("pending"), status=201)
    fake.reply("GET workspaces/ws-1/runs", {"data": []})
    assert runs(fake, time.clock()).create(CloudRunRequest("m", {})).id == "run-1"
    assert fake.paths() == ["runs", "runs"]


def _stop() -> None:
    raise InterruptError(2)


def test_a_signal_does_not_orphan_a_run_after_a_lost_response() -> None:
    fake, time, request = FakeTransport(), FakeTime(), CloudRunRequest(unique_message("Longshore: shop-test"), {})
    own = run("pending")["data"]
    own["attributes"] = own["attributes"] | {"message": request.message}
    fake.reply("POST runs", status=504)
    fake.reply("GET workspaces/ws-1/runs", {"data": []}, {"data": [own]})
    assert runs(fake, time.clock(_stop)).create(request).id == "run-1"
    none = FakeTransport()
    none.reply("POST runs", status=504)
    none.reply("GET workspaces/ws-1/runs", {"data": []})
    with pytest.raises(InterruptError):
        runs(none, time.clock(_stop)).create(request)
    assert none.paths() == ["runs"]


def test_a_run_that_may_have_been_created_is_named() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("POST runs", status=0)
    fake.reply("GET workspaces/ws-1/runs", status=0)
    with pytest.raises(CloudError, match="cannot determine whether a run was created") as caught:
        runs(fake, time.clock()).create(CloudRunRequest("Longshore: x [1f]", {}))
    assert "discard the one named 'Longshore: x [1f]'" in caught.value.hint


def test_the_request_for_a_run() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("POST runs", run("pending"), status=201)
    runs(fake, time.clock()).create(CloudRunRequest("m", {"image_tag": "v${1}"}, plan_only=True, configuration="cv-1"))
    assert fake.calls[0][2]["data"] == {
        "type": "runs",
        "attributes": {
            "message": "m",
            "auto-apply": False,
            "plan-only": True,
            "is-destroy": False,
            "variables": [{"key": "image_tag", "value": '"v$${1}"'}],
        },
        "relationships": {
            "workspace": {"data": {"type": "workspaces", "id": "ws-1"}},
            "configuration-version": {"data": {"type": "configuration-versions", "id": "cv-1"}},
        },
    }


def test_a_refused_creation_is_not_repeated() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("POST runs", {"errors": [{"detail": "no configuration"}]}, status=422)
    with pytest.raises(CloudError, match="no configuration"):
        runs(fake, time.clock()).create(CloudRunRequest("m", {}))


def test_the_run_ahead_in_the_queue_is_reported_once() -> None:
    fake, time, messages = FakeTransport(), FakeTime(), Messages()
    waits = run("pending")
    waits["data"]["attributes"]["position-in-queue"] = 2
    first = run("applying")["data"] | {"id": "run-9"}
    fake.reply("GET runs/run-1", waits, waits, waits, run("planned", confirmable=True))
    fake.reply(
        "GET workspaces/ws-1", {"data": {"id": "ws-1", "relationships": {"current-run": {"data": {"id": "run-9"}}}}}
    )
    fake.reply("GET runs/run-9", {"data": first})
    logged(fake, "plans/plan-1")
    runs(fake, time.clock(), messages).wait_for_plan(_start(), 60, None)
    assert messages.progress == [
        "run-1 is waiting, place 2 behind run-9 (applying: Longshore: shop-test [abc]):"
        f" {HOST}/app/acme/workspaces/shop-test/runs/run-1"
    ]


def test_a_locked_workspace_is_reported_instead_of_a_finished_run() -> None:
    fake, time, messages = FakeTransport(), FakeTime(), Messages()
    fake.reply("GET runs/run-1", run("pending"))
    related = {"current-run": {"data": {"id": "run-9"}}}
    fake.reply("GET workspaces/ws-1", {"data": {"attributes": {"locked": True}, "relationships": related}})
    fake.reply("GET runs/run-9", {"data": run("applied")["data"] | {"id": "run-9"}})
    logged(fake, "plans/plan-1")
    with pytest.raises(TerraformError, match="pending, the workspace is locked"):
        runs(fake, time.clock(), messages).wait_for_plan(_start(), 60, None)
    assert [line.partition(":")[0] for line in messages.progress] == ["run-1 is waiting, the workspace is locked"]


def test_a_confirmation_is_not_repeated_after_a_lost_response() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("planned", confirmable=True), run("confirmed"), run("applied"))
    fake.reply("POST runs/run-1/actions/apply", status=0)
    logged(fake, "applies/apply-1")
    assert runs(fake, time.clock()).apply(_start(), 60, None).status == "applied"
    assert fake.paths() == ["runs/run-1/actions/apply"]


def test_a_run_discarded_before_its_confirmation() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("planned", confirmable=True), run("discarded"))
    fake.reply("POST runs/run-1/actions/apply", {"errors": [{"detail": "transition"}]}, status=409)
    with pytest.raises(PlanError, match="discarded by another user"):
        runs(fake, time.clock()).apply(_start(), 60, None)


@pytest.mark.parametrize(
    ("actions", "paths"),
    [
        ({"discardable": True, "cancelable": True}, ["runs/run-1/actions/discard"]),
        ({"cancelable": True}, ["runs/run-1/actions/cancel"]),
    ],
)
def test_an_unneeded_run_is_discarded_or_canceled(actions: dict[str, bool], paths: list[str]) -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("planning", **actions))
    fake.reply(f"POST {paths[0]}", status=202)
    runs(fake, time.clock()).end("run-1")
    assert fake.paths() == paths


def test_a_finished_run_is_left_untouched_and_a_stuck_one_is_a_warning() -> None:
    fake, time, messages = FakeTransport(), FakeTime(), Messages()
    fake.reply("GET runs/run-1", run("applied", discardable=True))
    runs(fake, time.clock(), messages).end("run-1")
    assert (fake.paths(), messages.warnings) == ([], [])
    stuck = FakeTransport()
    stuck.reply("GET runs/run-1", run("something"))
    runs(stuck, time.clock(), messages).end("run-1")
    assert "could not end run-1" in messages.warnings[0]


def test_failed_reads_do_not_end_the_wait() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("applying"))
    for _ in range(8):
        fake.reply("GET runs/run-1", status=500)
    fake.reply("GET runs/run-1", run("applied"))
    logged(fake, "applies/apply-1")
    assert runs(fake, time.clock()).apply(_start(), 600, None).status == "applied"


def test_a_signal_ends_the_wait_in_the_queue_but_not_a_running_apply() -> None:
    def stop() -> None:
        raise InterruptError(2)

    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET runs/run-1", run("applying"), run("applying"), run("applied"))
    logged(fake, "applies/apply-1")
    assert runs(fake, time.clock(stop)).apply(_start(), 60, None).status == "applied"
    after = FakeTransport()
    after.reply("GET runs/run-1", run("post_apply_running"), run("post_apply_completed"), run("applied"))
    logged(after, "applies/apply-1")
    assert runs(after, time.clock(stop)).apply(_start(), 60, None).status == "applied"
    waiting = FakeTransport()
    waiting.reply("GET runs/run-1", run("apply_queued"))
    logged(waiting, "applies/apply-1")
    with pytest.raises(InterruptError):
        runs(waiting, time.clock(stop)).apply(_start(), 60, None)


def test_a_signal_that_ends_the_command_cancels_a_running_apply_and_waits_for_its_end() -> None:
    fake, time = FakeTransport(), FakeTime()
    # Its apply is read once before the signal; then its actions; then it ends.
    applying = run("applying", cancelable=True)
    fake.reply("GET runs/run-1", applying, applying, applying, applying, run("canceled"))
    fake.reply("POST runs/run-1/actions/cancel", status=202)
    fake.reply("GET workspaces/ws-1", {"data": {"id": "ws-1", "attributes": {}}})
    logged(fake, "applies/apply-1")
    slept = time.sleep

    def interrupted(seconds: float) -> None:
        if not time.slept:
            raise_signal(SIGTERM)
        slept(seconds)

    time.sleep = interrupted  # type: ignore[method-assign]
    with pytest.raises(StoppedBySignal) as caught, stopping():
        runs(fake, time.clock()).apply(_start(), 60, None)
    assert "canceled" in caught.value.message
    assert [path for method, path, _ in fake.calls if method == "POST"] == ["runs/run-1/actions/cancel"]


def interrupted_at(fake: FakeTransport, call: str) -> tuple[list[ApplyStage], StoppedBySignal]:
    """The stages of an apply, and the exception that ends it, if SIGTERM arrives during a call."""
    stages: list[ApplyStage] = []

    def transport(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        response = fake(method, url, headers, body)
        if f"{method} {url}".startswith(call) and len(fake.paths(method)) == 1:
            raise_signal(SIGTERM)
        return response

    played = replace(runs(fake, FakeTime().clock()), api=Api(HOST, TOKEN, transport, FakeTime().clock()))
    with pytest.raises(StoppedBySignal) as caught, stopping():
        played.apply(_start(), 60, None, stages.append)
    return stages, caught.value


def test_a_signal_before_the_confirmation_applies_nothing() -> None:
    fake = FakeTransport()
    fake.reply("GET runs/run-1", run("planned", confirmable=True))
    stages, stop = interrupted_at(fake, "GET")
    assert (stages, stop.message, fake.paths()) == ([], "interrupted by SIGTERM", [])


def test_a_signal_during_the_confirmation_takes_effect_when_the_apply_has_ended() -> None:
    fake = FakeTransport()
    applying = run("applying", cancelable=True)
    fake.reply("GET runs/run-1", run("planned", confirmable=True), applying, applying, applying, run("canceled"))
    fake.reply("POST runs/run-1/actions/apply", status=202)
    fake.reply("POST runs/run-1/actions/cancel", status=202)
    fake.reply("GET workspaces/ws-1", {"data": {"id": "ws-1", "attributes": {}}})
    logged(fake, "applies/apply-1")
    stages, stop = interrupted_at(fake, "POST")
    assert set(stages) == {ApplyStage.STARTED}
    assert "canceled" in stop.message
    assert fake.paths() == ["runs/run-1/actions/apply", "runs/run-1/actions/cancel"]


def test_a_signal_that_comes_too_late_to_stop_the_apply_leaves_all_applied() -> None:
    fake = FakeTransport()
    fake.reply("GET runs/run-1", run("planned", confirmable=True), run("applied"))
    fake.reply("POST runs/run-1/actions/apply", status=202)
    logged(fake, "applies/apply-1")
    stages, stop = interrupted_at(fake, "POST")
    assert (stages[-1], stop.message) == (ApplyStage.ENDED, "interrupted by SIGTERM")


def test_a_log_is_joined_from_chunks_and_reported_if_incomplete() -> None:
    fake, time, messages = FakeTransport(), FakeTime(), Messages()
    fake.reply("GET runs/run-1", run("applying"), run("applying"), run("applied"))
    fake.reply("GET applies/apply-1", {"data": {"attributes": {"log-read-url": "https://archive.example.com/l"}}})
    fake.reply("GET /l", b"\x02one\ntw", b"o\nthr", b"ee", b"")
    events: list[str] = []
    runs(fake, time.clock(), messages).apply(_start(), 60, events.append)
    assert events == ["one", "two", "three"]
    assert "could not read the log of run-1 to its end" in messages.warnings[0]
    asked = [path for method, path, _ in fake.calls if path == "/l"]
    assert len(asked) > 3


def test_a_log_whose_beginning_comes_again_and_again_is_not_read_for_ever() -> None:
    fake, time, messages = FakeTransport(), FakeTime(), Messages()
    fake.reply("GET runs/run-1", run("applied"))
    fake.reply("GET applies/apply-1", {"data": {"attributes": {"log-read-url": "https://archive.example.com/l"}}})
    fake.reply("GET /l", b"\x02one\n")
    events: list[str] = []
    runs(fake, time.clock(), messages).apply(_start(), 60, events.append)
    assert events == ["one"]
    assert "could not read the log of run-1 to its end" in messages.warnings[0]


def test_an_incomplete_json_plan_is_awaited() -> None:
    fake, time = FakeTransport(), FakeTime()
    fake.reply("GET plans/plan-1/json-output", status=204)
    fake.reply("GET plans/plan-1/json-output", b'{"resource_changes": []}')
    api = Api(HOST, TOKEN, fake, time.clock())
    assert download(api, _start()) == {"resource_changes": []}
    never = FakeTransport()
    never.reply("GET plans/plan-1/json-output", status=204)
    with pytest.raises(TerraformError, match="cannot read the JSON of plan-1"):
        download(Api(HOST, TOKEN, never, time.clock()), _start())


def _start() -> Any:
    return parse_run(one(run("pending")))


def _diagnostic(summary: str) -> bytes:
    event = {"type": "diagnostic", "@message": "Error", "diagnostic": {"severity": "error", "summary": summary}}
    return b"\x02Terraform v1.11.4\n" + json.dumps(event).encode() + b"\n\x03"
