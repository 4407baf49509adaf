"""The command `release`: a new release, a release on CodeBuild, a resumed or an approved one, by its options."""

from __future__ import annotations

from longshore.commands.continue_release import continue_release
from longshore.commands.release import release
from longshore.commands.remote_release import release_remotely
from longshore.commands.resume import resume
from longshore.environment.environment import Environment
from longshore.result import ReleaseResult
from longshore.run.options import ReleaseOptions


def run_release(env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """Starts, resumes or continues a release.

    Raises:
        LongshoreError: it could not begin: nothing was touched.
    """
    if options.remote:
        return release_remotely(env, options)
    if options.resume:
        return resume(env, yes=options.yes, abort=options.abort)
    if options.continued:
        return continue_release(env, options.continued, wait=options.wait)
    return release(env, options)
