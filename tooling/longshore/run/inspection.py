"""The checks of the step `inspect`, which a dry run makes as well."""

from __future__ import annotations

from collections.abc import Callable

from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.git import Source
from longshore.result import ReleaseResult
from longshore.run import consistency, image_checks, service_checks, snapshot, standing
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run

Check = Callable[[], object]
"""Raises a LongshoreError if the run must not continue."""


def of_release(
    run: Run, env: Environment, options: ReleaseOptions, commit: Source | None, last: ReleaseResult | None
) -> list[Check]:
    """The checks before a release, in order; the snapshot is one of them.

    Args:
        run: the release.
        env: its environment.
        options: of the release.
        commit: the commit to release, if it is known.
        last: the last good release.
    """
    ecs, events = env.aws.ecs, env.aws.events
    return [
        lambda: image_checks.refuse_older(env, options, commit),
        lambda: snapshot.take(run, ecs, events, repairing=run.result.previous_version == UNRELEASED),
        lambda: standing.record(run, ecs, events, last),
        lambda: consistency.refuse_zero(run, last, allowed=options.allow_zero),
        lambda: consistency.refuse_incomplete(run, last, env.target.tag_parameter),
        lambda: service_checks.refuse_unready(run, env, allowed=options.allow_alarm),
    ]
