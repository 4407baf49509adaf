from __future__ import annotations

import getpass
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore.config import actor
from longshore.git import Source
from longshore.result import Actor
from longshore.run import lifecycle
from longshore.run.lifecycle import RunRequest
from tests.fakes.samples import ACTOR, result

ARN = "arn:aws:sts::123456789012:assumed-role/shop-test-release/AWSCodeBuild-1d9d"
BUILD = {
    "CODEBUILD_BUILD_ID": "shop-test-release:1d9d",
    "CODEBUILD_INITIATOR": "GitHub-Hookshot/b9d3f5e",
    "CODEBUILD_BUILD_URL": "https://eu-central-1.console.aws.amazon.com/codebuild/home?region=eu-central-1#/builds/1d9d",
}


def test_in_a_build_the_actor_is_its_initiator() -> None:
    assert actor.identify(ARN, BUILD) == Actor(
        arn=ARN,
        user="GitHub-Hookshot/b9d3f5e",
        host=socket.gethostname(),
        ci_url=BUILD["CODEBUILD_BUILD_URL"],
        build="shop-test-release:1d9d",
        initiator="GitHub-Hookshot/b9d3f5e",
    )


@pytest.mark.parametrize("name", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_a_person_takes_precedence_over_the_initiator_of_the_build(name: str) -> None:
    actor_ = actor.identify(ARN, {**BUILD, name: "ann"})
    assert (actor_.user, actor_.initiator) == ("ann", "GitHub-Hookshot/b9d3f5e")


@pytest.mark.parametrize("environ", [{}, {"CODEBUILD_INITIATOR": "", "CODEBUILD_BUILD_ID": ""}])
def test_outside_a_build_there_is_no_initiator(environ: dict[str, str]) -> None:
    actor_ = actor.identify(ARN, environ)
    assert (actor_.user, actor_.build, actor_.initiator) == (getpass.getuser(), None, None)


def test_an_older_record_has_no_build() -> None:
    assert Actor.model_validate({"arn": ARN, "user": "ann", "host": "laptop"}).build is None


@pytest.mark.parametrize("source", [Source(Path(), "1" * 40, "Greet", author="Bea <bea@example.org>"), None])
def test_the_author_of_the_commit_is_written_down(source: Source | None) -> None:
    request = RunRequest("release", ACTOR, lambda _: pytest.fail("is read elsewhere"), source)
    env: Any = SimpleNamespace(
        target=SimpleNamespace(environment="test", application="shop", variables_digest=lambda: "sha256:0"),
        released_tag=lambda: "v1.0.0",
    )
    entry = lifecycle.new_entry(env, request, [])
    assert (entry.author, entry.actor) == ("Bea <bea@example.org>" if source else None, ACTOR)


def test_rollback_and_promotion_record_the_author_of_the_commit() -> None:
    rollback = result(author=None)
    rollback.copy_source_from(result(author="Bea <bea@example.org>"))
    assert rollback.author == "Bea <bea@example.org>"


@pytest.mark.parametrize(("given", "text"), [("J\udcc3\udcb6rg", "Jörg"), ("J\udcf6rg", "J\ufffdrg"), ("Jörg", "Jörg")])
def test_a_name_is_text_whatever_the_locale(given: str, text: str) -> None:
    """With LC_ALL=C and without UTF-8 mode, Python decodes all but ASCII to surrogates, which DynamoDB refuses."""
    identified = actor.identify(ARN, {"GITHUB_ACTOR": given, "CI_JOB_URL": f"https://ci/{given}"})
    assert (identified.user, identified.ci_url) == (text, f"https://ci/{text}")
    assert actor.user({"GITHUB_ACTOR": given}) == text
