"""Services that wait at lifecycle hooks during a run: shown once, and recorded with the answer that ended the wait."""

from __future__ import annotations

from longshore.errors import AwsError, RolloutError, UnreadableRecordError
from longshore.ledger.answers import Answer
from longshore.rollout import pauses
from longshore.rollout.tracking import ServiceLook
from longshore.run.recorder import Recorder


def show(recorder: Recorder, key: str, look: ServiceLook) -> None:
    """Shows that a service waits, once for each wait, and records the answers when it has ended.

    Args:
        recorder: of the run.
        key: of the service.
        look: at the service.
    """
    paused, waits = look.paused, recorder.waits
    hooks = tuple((hook.id, hook.status, hook.expires_at) for hook in paused.hooks if hook.holds) if paused else ()
    before = waits.get(key, ())
    if hooks == before:
        return
    waits[key] = hooks
    if paused:
        recorder.console.say(pauses.describe(look.service.name, paused, command(recorder, key)))
    if before:
        _record(recorder, key)


def command(recorder: Recorder, key: str) -> str:
    """The command that answers the hook of a service."""
    return f"invoke continue -e {recorder.result.environment} --service {key}"


def explain(recorder: Recorder, error: RolloutError) -> None:
    """Adds to an error who has rolled the service back, if a person did so at a hook."""
    key = next((key for key, service in recorder.result.services.items() if service.name == error.service), "")
    if key not in recorder.waits:
        return
    rolled_back = [answer for answer in _record(recorder, key) if answer.action == "ROLLBACK"]
    if rolled_back:
        error.message += f"; {rolled_back[-1]}"


def _record(recorder: Recorder, key: str) -> list[Answer]:
    """Copies the answers to the entry of the run; returns those about a service."""
    try:
        answers = recorder.ledger.answers(recorder.result.release).read()
    except (AwsError, UnreadableRecordError):
        return []  # they stay in the ledger beside the entry
    lines = [str(answer) for answer in answers]
    for line in lines:
        if line not in recorder.result.answers:
            recorder.detail(line)
    recorder.result.answers = lines
    return [answer for answer in answers if answer.service == key and answer.state != "refused"]
