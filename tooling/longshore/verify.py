"""Looks whether what runs is what was released: revision, digest, and the answer of the health URL."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Protocol

from longshore.aws.ecs import Task
from longshore.clock import Clock
from longshore.contract import Check, Contract
from longshore.errors import VerifyError

REQUEST_SECONDS = 5
BODY_BYTES = 1024 * 1024


class RunningTasks(Protocol):
    """What verification needs of ECS (longshore.aws.ecs)."""

    def tasks(self, cluster: str, service: str) -> list[Task]: ...  # noqa: D102


@dataclass(frozen=True)
class Expectation:
    """What a service must run: the revision's ARN, and the digest of each container's image."""

    service: str
    task_definition: str
    digests: Mapping[str, str]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def tasks(ecs: RunningTasks, cluster: str, expected: Sequence[Expectation]) -> None:
    """Every task of the services runs the intended revision, from the digests that were built.

    Raises:
        VerifyError: lists every task that does not.
    """
    wrong = [f"  {finding}" for one in expected for finding in _wrong_tasks(ecs.tasks(cluster, one.service), one)]
    if wrong:
        raise VerifyError("what runs is not what was released:\n" + "\n".join(wrong))


def urls(
    contract: Contract, base_url: Callable[[str, str], str | None], version: str, deadline: float, clock: Clock
) -> list[str]:
    """The contract's paths answer as they should, with this version.

    The version must be in the body, unless ``expect_text`` says which text must; ``{version}`` in it is filled in.

    Returns:
        The URLs that were asked; what could not be asked for want of a base URL is left out.

    Raises:
        VerifyError: a URL did not answer so before the deadline; says what it answered.
    """
    asked: list[str] = []
    for check in contract.verify:
        base = base_url(contract.cluster, contract.services[check.service].name)
        if base is None:
            continue
        url = base.rstrip("/") + check.path
        _until_right(url, check, version, deadline, clock)
        asked.append(url)
    return asked


def _until_right(url: str, check: Check, version: str, deadline: float, clock: Clock) -> None:
    finding = None
    for _ in clock.polls(deadline, longest=2.0):
        finding = _ask(url, check, version)
        if finding is None:
            return
    raise VerifyError(f"{url} {finding} (asked for {deadline:.0f} s)", "Ask the URL yourself, and read the task's log.")


def _ask(url: str, check: Check, version: str) -> str | None:
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(url, timeout=REQUEST_SECONDS) as answer:
            status, body = answer.status, answer.read(BODY_BYTES).decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            status, body = error.code, error.read(BODY_BYTES).decode(errors="replace")
    except (OSError, HTTPException, ssl.SSLError) as error:
        return f"did not answer: {error}"
    text = (check.expect_text or "{version}").replace("{version}", version)
    if status != check.expect_status:
        return f"answered {status}, not {check.expect_status}"
    return None if text in body else f"answered without {text!r}: {body[:200]!r}"


def _wrong_tasks(found: Sequence[Task], expected: Expectation) -> list[str]:
    wrong = []
    for task in found:
        if task.task_definition != expected.task_definition:
            wrong.append(f"{expected.service}: task {task.id} runs {task.task_definition}")
        wrong += [
            f"{expected.service}: container {c.name} of task {task.id} runs {c.digest}, not {expected.digests[c.name]}"
            for c in task.containers
            if c.name in expected.digests and c.digest != expected.digests[c.name]
        ]
    return wrong
