from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from longshore.errors import UsageError
from longshore.run.options import ReleaseOptions, flag_of, options_of, resumed_options, seconds


@pytest.mark.parametrize(("text", "expected"), [("90s", 90), ("15m", 900), ("1h", 3600), ("0s", 0)])
def test_a_duration(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["15", "m", "-1m", "1d", "1.5h", " 1m", ""])
def test_a_text_that_is_not_a_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is not a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bump": "huge"}, "--bump 'huge'"),
        ({"on": "mars"}, "--on 'mars'"),
        ({"until": "forever"}, "--until 'forever'"),
        ({"wait_lock": "soon"}, "--wait-lock 'soon' is not a duration"),
        ({"tag": "unreleased"}, "cannot be released"),
    ],
)
def test_a_value_that_its_option_does_not_take(options: dict[str, Any], message: str) -> None:
    for made in (ReleaseOptions, ReleaseOptions.of):
        with pytest.raises(UsageError, match=message):
            made(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tag": "v1.0.0", "rebuild": True}, "--tag releases an existing image and cannot be combined with --rebuild"),
        ({"tag": "v1.0.0", "bump": "minor", "on": "local"}, "cannot be combined with --bump, --on"),
        ({"tag": "v1.0.0", "allow_dirty": True}, "--tag releases an existing image .* --allow-dirty"),
        ({"allow_failed_version": True}, "--allow-failed-version requires --tag"),
        ({"only_release": True, "allow_infra": True}, "--only-release leaves the infrastructure untouched"),
        ({"only_release": True, "allow_destroy": ["aws_lb.this"]}, "--only-release .* --allow-destroy"),
        ({"on": "codebuild", "allow_dirty": True}, "--on codebuild .* --allow-dirty"),
        ({"remote": True, "allow_dirty": True}, "--remote .* --allow-dirty"),
        ({"remote": True, "tag": "v1.0.0"}, "--remote .* --tag"),
        ({"remote": True, "rebuild": True, "on": "codebuild"}, "--remote .* --rebuild, --on"),
        ({"remote": True, "allow_destroy": ['aws_lb.this["a b"]']}, "an address that contains a space"),
        ({"resume": True, "allow_destroy": ["aws_lb.this"]}, "--resume keeps the original options"),
        ({"abort": True}, "--abort requires --resume"),
        ({"resume": True, "continued": "test-000001"}, "--resume .* cannot be combined with --continue"),
        ({"resume": True, "tag": "v1.0.0"}, "--resume keeps the original options and cannot be combined with --tag"),
        ({"continued": "test-000001", "allow_infra": True}, "--continue keeps the original options"),
        ({"continued": "test-000001", "abort": True}, "--continue .* cannot be combined with --abort"),
        ({"continued": "test-000001", "remote": True}, "--continue .* cannot be combined with --remote"),
        (
            {"tag": "v1.0.0", "rebuild": True, "only_release": True, "allow_infra": True},
            "cannot be combined with --rebuild; --only-release .* cannot be combined with --allow-infra",
        ),
    ],
)
def test_options_that_conflict(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ReleaseOptions.of(**options)
    assert caught.value.hint == "See: invoke release --help"


def test_the_tag_of_a_promotion_is_given_elsewhere() -> None:
    assert ReleaseOptions.of(task="promote", allow_failed_version=True).allow_failed_version


def test_a_resumed_release_takes_whether_to_ask_and_how_long_to_wait() -> None:
    assert ReleaseOptions.of(resume=True, abort=True, yes=True).abort
    assert ReleaseOptions.of(continued="test-000001", wait_lock="15m").wait == 900


def test_options_are_recorded_and_used_again() -> None:
    given = ReleaseOptions.of(bump="minor", allow_zero=True, yes=True, until="approve", wait_lock="1m")
    recorded = given.document()
    assert recorded == {"bump": "minor", "allow_zero": True, "yes": True, "until": "approve", "wait_lock": "1m"}
    assert resumed_options(recorded, yes=False) == ReleaseOptions(bump="minor", allow_zero=True)
    given = ReleaseOptions.of(allow_destroy=["aws_lb.this", 'module.x["a"].aws_sqs_queue.this'], allow_infra=True)
    assert given.document()["allow_destroy"] == ["aws_lb.this", 'module.x["a"].aws_sqs_queue.this']
    assert resumed_options(given.document(), yes=False) == given
    assert resumed_options(ReleaseOptions.of(only_release=True).document(), yes=False).only_release
    assert resumed_options({"of_a_later_version": True}, yes=True) == ReleaseOptions(yes=True)


def test_the_names_in_the_record_stay() -> None:
    """Releases that another version of Longshore has recorded are resumed by these names."""
    assert [option.name for option in fields(ReleaseOptions)] == [
        "bump", "tag", "yes", "allow_infra", "allow_destroy", "only_release", "allow_dirty", "allow_zero",
        "allow_alarm", "allow_failed_version", "allow_older", "rebuild", "on", "remote", "check_env", "until",
        "wait_lock", "dry_run", "resume", "abort", "continued",
    ]  # fmt: skip


def test_a_release_inside_a_build_receives_what_its_plan_may_change() -> None:
    address = 'module.services["web"].aws_ecs_service.this'
    given = ReleaseOptions.of(
        remote=True, allow_older=True, allow_infra=True, allow_destroy=[address, "aws_lb.this"], wait_lock="5m",
        until="approve", bump="minor", yes=True,
    )  # fmt: skip
    assert given.command_line.split() == [
        "--allow-infra", "--allow-older", "--allow-destroy", address, "--allow-destroy", "aws_lb.this",
        "--until", "approve", "--wait-lock", "5m",
    ]  # fmt: skip
    assert ReleaseOptions.of(remote=True, only_release=True).command_line == "--only-release"


def test_an_empty_value_is_as_good_as_none() -> None:
    """A job passes the variables that it has: ``--tag "$TAG"``."""
    given = ReleaseOptions.of(tag="", wait_lock="", rebuild=True)
    assert (given.command_line, given.wait) == ("", 0.0)


def test_an_apply_records_no_bump() -> None:
    assert ReleaseOptions.of(yes=True, allow_infra=True).apply_document() == {"yes": True, "allow_infra": True}


def test_every_option_has_help_and_a_name_for_its_value() -> None:
    assert options_of("release") == list(fields(ReleaseOptions))
    for option in fields(ReleaseOptions):
        flag = flag_of(option)
        assert flag.help
        assert not flag.help.endswith(".")


def test_the_tasks_that_share_options() -> None:
    names = {task: [option.name for option in options_of(task)] for task in ("apply", "scale", "plan", "version")}
    assert names == {
        "apply": ["yes", "allow_infra", "allow_destroy", "allow_alarm", "wait_lock"],
        "scale": ["yes", "wait_lock"],
        "plan": ["check_env"],
        "version": ["bump"],
    }


def test_the_record_leaves_out_options_without_a_value() -> None:
    assert ReleaseOptions.of(tag="", wait_lock="").document() == ReleaseOptions.of().document()
