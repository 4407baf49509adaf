from __future__ import annotations

import time

import pytest

from longshore.rollout.expected_text import ExpectedText


def shows(body: str, version: str = "v1.0.1", template: str = "{version}") -> bool:
    return ExpectedText(template, version).is_in(body)


@pytest.mark.parametrize(
    "body",
    [
        "v1.0.1",
        "v1.0.1\n",
        '{"version":"v1.0.1"}',
        "{'version': 'v1.0.1'}",
        "app v1.0.1 (abc)",
        "<p>v1.0.1</p>",
        "<!--v1.0.1-->",
        "It runs v1.0.1.",
        "v1.0.1, since yesterday",
        "v1.0.1 - all is well",
        "shop-v1.0.1",
        "shop_v1.0.1_ready",
        "shop-2.3.0-v1.0.1",
        "registry/shop:v1.0.1@sha256:5f2c",
        "v1.0.1+5f2c",
        "/assets/v1.0.1.js",
        "before v1.0.0, now v1.0.1",
        "before v1.0.10, now v1.0.1",
        r'{"text": "hello\nv1.0.1\nbye"}',
        r'{"text": "\u0022v1.0.1\u0022"}',
        "version%3Dv1.0.1%26x",
    ],
)
def test_the_version_is_shown(body: str) -> None:
    assert shows(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        '{"version":"v1.0.10"}',
        "v1.0.1-rc.1",
        "v1.0.1-dirty.1795926371",
        "v1.0.1--x",
        "v1.0.1.2",
        "v1.0.1rc1",
        "v1.0.1a",
        "v1.0",
        "v11.0.1",
        "1.0.1",
        "rev1.0.1",
        "v2.0.0-v1.0.1",
        "v2.0.0-rc.v1.0.1",
    ],
)
def test_another_version_is_not_this_one(body: str) -> None:
    assert not shows(body)


@pytest.mark.parametrize("body", ["v1.1.0-rc.1", "v1.1.0-rc.1. Well.", "v1.1.0-rc.1+5f2c", '"v1.1.0-rc.1"'])
def test_a_pre_release_is_shown(body: str) -> None:
    assert shows(body, "v1.1.0-rc.1")


@pytest.mark.parametrize("body", ["v1.1.0", "v1.1.0-rc.10", "v1.1.0-rc.1.2", "v1.1.0-rc.1.x", "v1.1.0-rc.1-x"])
def test_another_version_is_not_this_pre_release(body: str) -> None:
    assert not shows(body, "v1.1.0-rc.1")


@pytest.mark.parametrize(
    ("template", "good", "bad"),
    [
        ("release {version}", "this is release v1.0.1", "this is release v1.0.10"),
        ("build-{version}", "build-v1.0.1", "build-v1.0.1-rc.1"),
        ("{version} is up", "v1.0.1 is up", "v1.0.10 is up"),
        ("{version}-alpine", "shop:v1.0.1-alpine", "shop:v1.0.1-alpine.2"),
        ("Now at {version}.", "Now at v1.0.1. Well.", "Now at v1.0.1.2"),
        ("{version}/{version}", "v1.0.1/v1.0.1", "v1.0.1/v1.0.10"),
        ('"tag": "{version}"', '{"tag": "v1.0.1"}', '{"tag":"v1.0.1"}'),
        ("(a+b) {version}", "(a+b) v1.0.1", "aab v1.0.1"),
    ],
)
def test_the_version_in_an_expected_text_is_compared_as_one(template: str, good: str, bad: str) -> None:
    assert shows(good, template=template)
    assert not shows(bad, template=template)


@pytest.mark.parametrize(("body", "contained"), [("all is well-being", True), ("all is bad", False)])
def test_an_expected_text_without_a_version_may_be_part_of_a_word(body: str, *, contained: bool) -> None:
    assert shows(body, template="is well") is contained


def test_its_text_has_the_version() -> None:
    assert str(ExpectedText("release {version}", "v1.0.1")) == "release v1.0.1"


@pytest.mark.parametrize(
    "body", ["v1.0.1-" * 150_000, "v1.0.1" + "-" * 1_000_000, "1" * 1_000_000, "v1.0.1-v" * 130_000]
)
def test_a_long_body_takes_no_long_time(body: str) -> None:
    begun = time.process_time()
    shows(body)
    assert time.process_time() - begun < 2
