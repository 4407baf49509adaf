from __future__ import annotations

from typing import Any

import pytest

from longshore.errors import UsageError
from longshore.run.options import ReleaseOptions, order, order_again, seconds


@pytest.mark.parametrize(("text", "found"), [("90s", 90), ("15m", 900), ("1h", 3600), ("0s", 0)])
def test_a_length_of_time(text: str, found: float) -> None:
    assert seconds(text) == found


@pytest.mark.parametrize("text", ["15", "m", "-1m", "1d", "1.5h", " 1m", ""])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no length of time"):
        seconds(text)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bump": "huge"}, "--bump 'huge'"),
        ({"until": "forever"}, "--until 'forever'"),
        ({"wait_lock": "soon"}, "--wait-lock 'soon'"),
        ({"tag": "v1.0.0", "rebuild": True}, "--tag releases an image that exists"),
        ({"tag": "unreleased"}, "cannot be released"),
        ({"allow_failed_version": True}, "--allow-failed-version goes with --tag"),
        ({"only_release": True, "allow_infra": True}, "--only-release leaves all infrastructure alone"),
        ({"only_release": True, "allow_destroy": ["aws_lb.this"]}, "--only-release leaves all infrastructure alone"),
        ({"remote": True, "allow_destroy": ['aws_lb.this["a b"]']}, "an address with a space"),
        ({"resume": True, "allow_destroy": ["aws_lb.this"]}, "--resume goes on with a release as it was ordered"),
        ({"abort": True}, "--abort goes with --resume"),
        ({"resume": True, "continued": "test-000001"}, "two ways of going on"),
        ({"resume": True, "tag": "v1.0.0"}, "--resume goes on with a release as it was ordered"),
        ({"continued": "test-000001", "allow_infra": True}, "--continue goes on with a release as it was ordered"),
        ({"continued": "test-000001", "abort": True}, "--continue goes on with a release as it was ordered"),
    ],
)
def test_options_that_exclude_each_other(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        order(**options)


def test_going_on_takes_whether_to_ask_and_how_long_to_wait() -> None:
    assert order(resume=True, abort=True, yes=True).abort
    assert order(continued="test-000001", wait_lock="15m").wait == 900


def test_an_order_is_recorded_and_given_again() -> None:
    given = order(bump="minor", allow_zero=True, yes=True, until="approve", wait_lock="1m")
    recorded = given.document()
    assert recorded == {"bump": "minor", "allow_zero": True, "yes": True, "until": "approve", "wait_lock": "1m"}
    assert order_again(recorded, yes=False) == ReleaseOptions(bump="minor", allow_zero=True)
    given = order(allow_destroy=["aws_lb.this", 'module.x["a"].aws_sqs_queue.this'], allow_infra=True)
    assert given.document()["allow_destroy"] == ["aws_lb.this", 'module.x["a"].aws_sqs_queue.this']
    assert order_again(given.document(), yes=False) == given
    assert order_again(order(only_release=True).document(), yes=False).only_release
    assert order_again({"of_a_later_version": True}, yes=True) == ReleaseOptions(yes=True)


def test_a_release_inside_a_build_is_told_what_it_may_change() -> None:
    address = 'module.services["web"].aws_ecs_service.this'
    given = order(remote=True, allow_infra=True, allow_destroy=[address, "aws_lb.this"], wait_lock="5m")
    assert given.command_line.split() == [
        "--allow-infra", "--allow-destroy", address, "--allow-destroy", "aws_lb.this", "--wait-lock", "5m",
    ]  # fmt: skip
    assert order(remote=True, only_release=True).command_line == "--only-release"


def test_an_apply_records_no_bump() -> None:
    assert order(yes=True, allow_infra=True).of_a_change() == {"yes": True, "allow_infra": True}
