"""Invoke tasks: parse, call, print, exit. No logic; and nothing heavy is imported before a task runs."""

# Flags of the command line are booleans and many; imports inside the tasks keep `invoke --list` quick.
# ruff: noqa: FBT001, PLC0415, PLR0913

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from longshore import usage

if TYPE_CHECKING:
    from longshore.environment import Environment
    from longshore.result import ReleaseResult

_HELP = {
    "app": "the application, where invoke.yaml has several",
    "env": "the environment",
    "yes": "ask nothing",
    "json": "print one JSON document on stdout",
}


def _task(**texts: str) -> Callable[[Callable[..., None]], Any]:
    """A task with the help of its flags, whose errors become a message and an exit code."""

    def decorate(body: Callable[..., None]) -> Any:
        @wraps(body)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with usage.exits(as_json=bool(kwargs.get("json"))):
                body(*args, **kwargs)

        flags = signature(body).parameters
        return task(help={name: text for name, text in (_HELP | texts).items() if name in flags})(guarded)

    return decorate


@_task(port="port of the AWS API; any free one if not given")
def up(c: Context, port: int = 0) -> None:
    """Start the local cloud, with real containers."""
    from longshore import sandboxes

    sandboxes.up(c, port)


@_task()
def down(c: Context) -> None:
    """Stop the local cloud and remove all that it made."""
    from longshore import sandboxes

    sandboxes.down(c)


@_task()
def status_of_sandbox(c: Context, json: bool = False) -> None:
    """Show where the local cloud answers and what it runs."""
    from longshore import sandboxes

    sandboxes.status(c, as_json=json)


@_task(
    operation="the call it strikes: ecs:UpdateService, or ecs:reads, ecs:writes, ecs:*",
    kind="throttle, error, expired, denied, lost, delay, stale, failures or refuse",
    times="how many calls it strikes; all of them if not given",
    skip="how many calls pass before",
    every="it strikes each so-many-th call",
    seconds="of a delay",
    code="of a refusal: AWS's error code",
    message="of a refusal",
    window="seconds for which a deployment shows FAILED before ECS rolls it back",
    clear="clear all faults",
)
def fault(
    c: Context,
    operation: str | None = None,
    kind: str | None = None,
    times: str | None = None,
    skip: str | None = None,
    every: str | None = None,
    seconds: str | None = None,
    code: str | None = None,
    message: str | None = None,
    window: str | None = None,
    clear: bool = False,
    json: bool = False,
) -> None:
    """List the faults of the local cloud, set one, or clear them."""
    from longshore import sandboxes

    given = {"operation": operation, "kind": kind, "times": times, "skip": skip, "every": every}
    given |= {"seconds": seconds, "code": code, "message": message, "window": window}
    sandboxes.fault(c, given, clear=clear, as_json=json)


@_task()
def bootstrap(c: Context, app: str | None = None, env: str = "sandbox", yes: bool = False) -> None:
    """Set an environment up; safe to run again."""
    from longshore.bootstrap import bootstrap as verb

    environment = _environment(c, app, env)
    verb(environment, yes=yes)
    environment.console.say(f"{environment.target.application} is set up in {env}.")


@_task(
    bump="patch, minor or major",
    series="count up within vMAJOR.MINOR, such as v1.0",
    reserve="take it, so that nobody else gets it",
    recount="list the whole registry instead of looking above the counter",
)
def version(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    bump: str = "patch",
    series: str | None = None,
    reserve: bool = False,
    recount: bool = False,
) -> None:
    """Print the next version and nothing else."""
    from longshore.builds import next_tag, reserve_tag
    from longshore.order import bump_of
    from longshore.reservation import Wanted

    environment, wanted = _environment(c, app, env), Wanted(bump_of(bump), series, recount)
    environment.console.result((reserve_tag if reserve else next_tag)(environment, wanted))


@_task(
    tag="the tag; the next version if not given",
    push="push what was built",
    rebuild="build even if the commit was built before",
    allow_dirty="build with uncommitted changes",
)
def build(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    tag: str | None = None,
    push: bool = True,
    rebuild: bool = False,
    allow_dirty: bool = False,
) -> None:
    """Build and push the images; print tag and digest."""
    from longshore.builds import build as verb

    environment = _environment(c, app, env)
    for image in verb(environment, tag, rebuild=rebuild, push=push, allow_dirty=allow_dirty).values():
        environment.console.result(f"{image.repository} {image.tag} {image.digest}")


@_task(tag="the tag to plan for; what is released now if not given")
def plan(c: Context, app: str | None = None, env: str = "sandbox", tag: str | None = None) -> None:
    """Show what would change: exit code 0 nothing, 20 some."""
    from longshore import preview
    from longshore.errors import ExitCode

    if preview.plan(_environment(c, app, env), tag):
        raise Exit(code=int(ExitCode.DIFFERENCES))


_RELEASE = {
    "tag": "release this image, which exists, without building",
    "allow_infra": "let the plan change more than task definitions",
    "allow_dirty": "build with uncommitted changes; the tag says so",
    "allow_zero": "release though a service has no task, so that it can't be verified",
    "allow_failed_version": "release a version that has failed before",
    "allow_older": "release a commit that what runs was built on top of",
    "rebuild": "build even if the commit was built before",
    "until": "approve: end after the plan, and wait for an approval elsewhere",
    "wait_lock": "wait so long for another release, such as 15m",
}


@_task(
    **_RELEASE,
    bump="patch, minor or major",
    resume="go on with the release whose process has died",
    abort="with --resume: go back instead",
    continue_="go on with this release, which waits for approval",
)
def release(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    bump: str = "patch",
    tag: str | None = None,
    yes: bool = False,
    allow_infra: bool = False,
    allow_dirty: bool = False,
    allow_zero: bool = False,
    allow_failed_version: bool = False,
    allow_older: bool = False,
    rebuild: bool = False,
    until: str | None = None,
    wait_lock: str | None = None,
    resume: bool = False,
    abort: bool = False,
    continue_: str | None = None,
    json: bool = False,
) -> None:
    """Carry this commit to a verified, recorded roll-out."""
    from longshore.order import order
    from longshore.resume import begin_or_go_on

    ordered = order(
        bump=bump,
        tag=tag,
        yes=yes,
        allow_infra=allow_infra,
        allow_dirty=allow_dirty,
        allow_zero=allow_zero,
        allow_failed_version=allow_failed_version,
        allow_older=allow_older,
        rebuild=rebuild,
        until=until,
        wait_lock=wait_lock,
        resume=resume,
        abort=abort,
        continued=continue_,
    )
    environment = _environment(c, app, env)
    with environment.console.live():
        result = begin_or_go_on(environment, ordered)
    _end(environment, result, as_json=json)


@_task(
    from_="the environment where it has succeeded",
    to="the environment where it goes",
    version="the version; the one released last if not given",
    allow_infra=_RELEASE["allow_infra"],
    allow_zero=_RELEASE["allow_zero"],
    allow_failed_version=_RELEASE["allow_failed_version"],
    until=_RELEASE["until"],
    wait_lock=_RELEASE["wait_lock"],
)
def promote(
    c: Context,
    from_: str,
    to: str,
    app: str | None = None,
    version: str | None = None,
    yes: bool = False,
    allow_infra: bool = False,
    allow_zero: bool = False,
    allow_failed_version: bool = False,
    until: str | None = None,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Release what succeeded in one environment to another."""
    from longshore.order import order
    from longshore.promote import promote as verb

    ordered = order(
        tag=version,
        promotes=True,
        yes=yes,
        allow_infra=allow_infra,
        allow_zero=allow_zero,
        allow_failed_version=allow_failed_version,
        until=until,
        wait_lock=wait_lock,
    )
    environment = _environment(c, app, to)
    with environment.console.live():
        result = verb(_environment(c, app, from_), environment, ordered)
    _end(environment, result, as_json=json)


@_task(to="the version; the one before the current if not given", wait_lock=_RELEASE["wait_lock"])
def rollback(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    to: str | None = None,
    yes: bool = False,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Go back to a good release, the one before if none is named."""
    from longshore.order import seconds
    from longshore.rollback import rollback as verb

    wait = seconds(wait_lock) if wait_lock else 0.0
    environment = _environment(c, app, env)
    with environment.console.live():
        result = verb(environment, to=to, yes=yes, wait=wait)
    _end(environment, result, as_json=json)


@_task(json="print one JSON document on stdout")
def status_of_lock(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show who holds an environment."""
    from longshore.report import lock as show

    environment = _environment(c, app, env)
    show(environment.console, env, environment.ledger.locks.read(), as_json=json)


@_task(why="what the others shall read")
def take(c: Context, why: str, app: str | None = None, env: str = "sandbox") -> None:
    """Hold an environment until its lock is freed."""
    from longshore.locking import take as verb

    environment = _environment(c, app, env)
    environment.console.result(verb(environment, why).id)


@_task(id="its exact id, as lock.status shows it")
def free(c: Context, id: str, app: str | None = None, env: str = "sandbox") -> None:  # noqa: A002 - the flag's name
    """Free the lock of a dead release, or a person's."""
    from longshore.locking import free as verb

    environment = _environment(c, app, env)
    verb(environment, id)
    environment.console.say(f"{env} is free.")


@_task()
def status(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show what runs, what is released and registered last."""
    from longshore import preview
    from longshore.report import status as show

    environment = _environment(c, app, env)
    show(environment.console, preview.status(environment), as_json=json)


@_task(limit="how many, newest first")
def history(c: Context, app: str | None = None, env: str = "sandbox", limit: int = 20, json: bool = False) -> None:
    """List the releases and how they ended."""
    from itertools import islice

    from longshore.report import history as show

    environment = _environment(c, app, env)
    show(environment.console, list(islice(environment.ledger.releases(), limit)), as_json=json)


@_task(json="print one JSON document on stdout")
def show(c: Context, release: str, app: str | None = None, env: str | None = None, json: bool = False) -> None:
    """Show everything that is known of a release."""
    from longshore.report import everything

    environment = _environment(c, app, env or release.rpartition("-")[0])
    everything(environment.console, environment.ledger, release, as_json=json)


@_task(
    keep="so many of the versions that succeeded last stay, for each environment",
    dry_run="only say what would be removed",
)
def prune(
    c: Context, app: str | None = None, env: str = "sandbox", keep: int = 10, dry_run: bool = False, yes: bool = False
) -> None:
    """Remove images that no environment runs or may go back to."""
    from longshore.prune import prune as verb

    verb(_environment(c, app, env), keep=keep, dry_run=dry_run, yes=yes)


@_task(yes_really="the environment's name, instead of typing it")
def destroy(c: Context, app: str | None = None, env: str = "sandbox", yes_really: str | None = None) -> None:
    """Take an environment down, but not its images."""
    from longshore.bootstrap import destroy as verb

    environment = _environment(c, app, env)
    verb(environment, confirmed=yes_really)
    environment.console.say(f"{env} is gone; its images and its history are kept.")


def _environment(c: Context, app: str | None, env: str) -> Environment:
    from longshore.environment import open_environment

    return open_environment(c.config, app, env)


def _end(environment: Environment, result: ReleaseResult, *, as_json: bool) -> None:
    from longshore.report import result as show

    show(environment.console, result, as_json=as_json)
    if result.exit_code:
        raise Exit(code=int(result.exit_code))


usage.install()
namespace = Collection(
    bootstrap, version, build, plan, release, promote, rollback, status, history, show, prune, destroy
)
namespace.add_collection(Collection("sandbox", up, down, fault), name="sandbox")
namespace.collections["sandbox"].add_task(status_of_sandbox, name="status")
namespace.add_collection(Collection(take, free), name="lock")
namespace.collections["lock"].add_task(status_of_lock, name="status")
