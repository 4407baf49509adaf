"""The SSM parameter with the released tag: a plan without a tag uses it."""

from __future__ import annotations

from longshore.aws.ssm import Parameters
from longshore.errors import AwsError
from longshore.run.recorder import Recorder
from longshore.run.run import Run


def write(recorder: Recorder, parameters: Parameters, name: str) -> None:
    """Writes the version of the run to the parameter; a failure leaves the record incomplete: the release stands."""
    version = recorder.result.version
    try:
        with recorder.effect("write the tag", version):
            parameters.put(name, version)
    except AwsError as error:
        recorder.record_facts(record_incomplete=True)
        recorder.warn(f"{name} could not be set to {version}: {error.message}")


def restore(run: Run, parameters: Parameters, name: str, current: str) -> None:
    """Writes the previous version to the parameter, if an earlier process of this run wrote the new one.

    Args:
        run: the run.
        parameters: the Parameter Store.
        name: of the parameter.
        current: the tag that it holds.
    """
    previous = run.result.previous_version
    if current == run.result.version:
        with run.steadfast_step("restore the tag"), run.effect("restore the tag", previous):
            parameters.put(name, previous)
