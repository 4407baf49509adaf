"""A scenario as a file: what is there, what goes wrong and when, and all that is expected of it.

Nothing here knows how it is played: on the scripted stage (stage.py), or on real containers.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

FOLDER = Path(__file__).parent

COMPUTED = "computed"
"""The value of a deadline that invoke.yaml does not set."""

Role = str
"""A revision by its part in the story.

``old`` ran before; ``earlier`` is older still; ``new`` is what this release registers first, ``again`` what it
registers after that; ``foreign`` is one that another process deploys.
"""

Text = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """A part of a scenario; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TargetGroup(Part):
    """The target group of a service, with the names of the ELB API; its path is /health.

    ``protocol`` is HTTP for an Application Load Balancer, TCP for a Network Load Balancer.
    """

    protocol: Literal["HTTP", "TCP"] = "HTTP"
    matcher: str = "200"
    interval: Annotated[int, Field(ge=5)] = 5
    healthy: Annotated[int, Field(ge=2)] = 2
    unhealthy: Annotated[int, Field(ge=2)] = 2


class Service(Part):
    """A service of the application. A port of None has no front door; the count is what the variable file says.

    ``minimum`` is the count that autoscaling keeps by the variable file; 0 where nothing scales the service.
    ``grace`` is its grace period for health checks, in seconds.
    """

    wave: Annotated[int, Field(ge=1)]
    count: Annotated[int, Field(ge=0)] = 1
    port: int | None = None
    minimum: Annotated[int, Field(ge=0)] = 0
    health_check: bool = False
    target_group: TargetGroup | None = None
    grace: Annotated[int, Field(ge=0)] = 0


class Hook(Part):
    """A pause hook of a service: where it waits, for how many minutes, and what ECS does then."""

    stages: tuple[str, ...] = ("PRE_SCALE_UP",)
    minutes: Annotated[int, Field(ge=1)] = 1440
    action: Literal["ROLLBACK", "CONTINUE"] = "ROLLBACK"


class Shape(Part):
    """The application.

    Attributes:
        services: by their keys.
        migration: the wave that it belongs before; 0 for none.
        schedule: whether there is a scheduled task, ``nightly``.
        breaker: what the circuit breaker of the services does.
        configuration: further deployment settings of a service by its key, as CreateService has them; their alarms
            exist, and are OK.
        released: the versions released before, the last one runs; none before the first release.
        lost: what an account has lost since: the ledger, or the tag as well.
        failed: versions that were released after those, and rolled back.
        variables_changed: whether the variable files have changed since the last release.
        pinned: services whose Terraform does not take the image tag.
        foreign: services whose image is a public one.
        added: services that the next apply makes.
        unapplied: whether the infrastructure has a change (of a policy) that nobody has applied yet.
        hooks: the pause hooks of services, by their keys.
        unbuilt: whether the next apply makes a service of an image that invoke.yaml does not have.
    """

    services: dict[str, Service] = {"web": Service(wave=2, count=2, port=8080), "worker": Service(wave=1)}
    migration: int = 1
    schedule: bool = False
    breaker: Literal["rolls back", "stops", "off"] = "rolls back"
    configuration: dict[str, dict[str, Any]] = {}
    released: tuple[str, ...] = ("v1.0.0",)
    failed: tuple[str, ...] = ()
    lost: Literal["", "ledger", "ledger and tag"] = ""
    variables_changed: bool = False
    pinned: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    added: dict[str, Service] = {}
    hooks: dict[str, Hook] = {}
    unbuilt: bool = False
    unapplied: bool = False

    def leaves_old_tasks(self, key: str) -> bool:
        """Whether old tasks of a service may outlive its deployment."""
        criteria = self.configuration.get(key, {}).get("earlySuccessCriteria", {})
        return bool(criteria.get("sourceServiceRevisionCleanup") == "DEFERRED")

    @property
    def grown(self) -> Shape:
        """The application with what the next apply makes."""
        return self.model_copy(update={"services": self.services | self.added})


class Settings(Part):
    """How ECS behaves, and the deadlines of invoke.yaml, in seconds.

    Attributes:
        window: for which ECS shows FAILED before it rolls back.
        ecs: other settings of `longshore.sandbox.ecs.timing.Timing`, by name; as recorded by default.
        deadlines: as in invoke.yaml; with ``rollout = "computed"`` they follow from the services.
    """

    window: float = 0.0
    ecs: dict[str, float] = {}
    deadlines: dict[str, Any] = {"release": 600, "rollout": 60, "migration": 60, "verify": 10, "bake": 2}


class Fault(Part):
    """A fault of the AWS API; fields as `invoke sandbox.fault` has them.

    It strikes from the beginning of the command on, or from the call ``after`` on, which is worded as in ``calls``.
    """

    operation: Annotated[str, Field(pattern=r"^[a-z0-9-]+:(\w+|\*)$")]
    kind: str
    times: int | None = None
    skip: int = 0
    every: int = 1
    seconds: float = 0.0
    code: str = ""
    message: str = ""
    after: str = ""


class Event(Part):
    """Something that happens.

    Attributes:
        at: seconds after the beginning of the command; 0 is just before it.
        after: or: a mutating call, as ``calls`` words it, that has been made before.
        wait: seconds after that call.
        do: what: see stage.py.
    """

    do: Text
    at: float | None = None
    after: str = ""
    wait: float = 0.0

    @model_validator(mode="after")
    def _has_a_time(self) -> Event:
        if (self.at is None) != bool(self.after):
            raise ValueError("an event has either `at` or `after`")
        return self


class Expected(Part):
    """All that comes out of it.

    Attributes:
        verdict: of the record; ``none`` where the command refused to begin.
        cause: of the record.
        exit_code: of the command.
        outcomes: of each service, by its key; also of schedules.
        runs: the revision that each of them is on at the end.
        says: texts that the message, the hint or the reasons contain.
        warnings: a text of each warning, in order.
        counts: the wanted counts at the end, where they matter.
        minimums: the counts that autoscaling keeps at the end, where they matter.
        pending: whether Terraform has something left to apply, because somebody's change was left alone.
        lock: whether the environment is still locked at the end.
        calls: every mutating call, in order.
    """

    verdict: str
    exit_code: int
    cause: str | None = None
    outcomes: dict[str, str] = {}
    runs: dict[str, Role] = {}
    says: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    minimums: dict[str, int] = {}
    pending: bool = False
    lock: bool = False
    calls: tuple[str, ...] = ()


class Scenario(Part):
    """One scenario.

    Attributes:
        name: of its file.
        title: what it is about, one sentence.
        promises: the rows of the list of failures that it shows.
        containers: whether it is played on real containers as well.
        long: whether it takes too long for ``make test``.
        command: ``release`` releases v1.0.1, ``rollback`` goes back; further words are its options.
        before: what happened long before the command; everything has settled since.
        tasks: what the tasks of a family's revision do, such as ``"web new"``; what is not named runs well.
    """

    name: str
    title: Text
    promises: tuple[int, ...]
    containers: bool = False
    long: bool = False
    command: Annotated[str, Field(pattern=r"^(release|rollback)( --[a-z-]+)*$")] = "release"
    shape: Shape = Shape()
    settings: Settings = Settings()
    before: tuple[Text, ...] = ()
    tasks: dict[Annotated[str, Field(pattern=r"^[a-z]+ (old|earlier|new|again|foreign)$")], str] = {}
    faults: tuple[Fault, ...] = ()
    events: tuple[Event, ...] = ()
    expect: Expected


def read(file: Path) -> Scenario:
    """Reads one file.

    Raises:
        ValueError: it is no scenario; the message names the file.
    """
    try:
        return Scenario.model_validate({"name": file.stem, **_completed(tomllib.loads(file.read_text()))})
    except ValueError as error:
        raise ValueError(f"{file.name}: {error}") from error


def read_all() -> list[Scenario]:
    """All scenarios, by name."""
    return [read(file) for file in sorted(FOLDER.glob("*.toml"))]


def _completed(raw: dict[str, Any]) -> dict[str, Any]:
    """With the deadlines that a file does not name."""
    settings = raw.get("settings", {})
    if "deadlines" in settings:
        deadlines = {**Settings().deadlines, **settings["deadlines"]}
        settings["deadlines"] = {name: value for name, value in deadlines.items() if value != COMPUTED}
    return raw


def words(pattern: str, text: str) -> tuple[str, ...] | None:
    """The groups of a phrase of an event; None where it is another phrase."""
    found = re.fullmatch(pattern, text)
    return found.groups() if found else None
