"""A program in place of terraform that works on one command until it is told to stop, and then saves its state."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

ERROR = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "execution halted", "detail": ""}}
CHANGE = {
    "type": "planned_change",
    "change": {"action": "create", "resource": {"addr": "aws_ecs_service.this"}},
}
SUMMARY = {"type": "change_summary"}

_SCRIPT = """#!/bin/sh
here={here}
echo "$1" >> "$here/calls"
for argument in "$@"; do
  case "$argument" in -out=*) echo plan > "${{argument#-out=}}" ;; esac
done
stop() {{
  sleep 0.02
  for number in $(cat "$here/signals-at-end"); do kill -"$number" $PPID; sleep 0.02; done
  [ -e "$here/leaves" ] && cp "$here/leaves" errored.tfstate
  echo "stopped $1" >> "$here/ended"
  echo '{error}'
  exit 1
}}
if [ "$1" = "$(cat "$here/at")" ]; then
  rm "$here/at" && touch "$here/at"
  trap "stop $1" INT
  echo $$ > "$here/ready"
  for number in $(cat "$here/signals"); do kill -"$number" $PPID; done
  turns={turns}
  while [ $turns -gt 0 ]; do sleep 0.02; turns=$((turns - 1)); done
  echo "finished $1" >> "$here/ended"
fi
case "$1" in
  version) echo '{{"terraform_version": "1.11.4"}}' ;;
  plan) echo '{change}'; echo '{summary}' ;;
  show) echo '{{"resource_changes": []}}' ;;
  output) cat "$here/outputs" ;;
  *) echo '{{}}' ;;
esac
"""


class StoppableTerraform:
    """The program, in a folder.

    Args:
        folder: an empty one.
        seconds: how long the chosen command works if nothing stops it.
    """

    def __init__(self, folder: Path, seconds: float = 10) -> None:
        self.folder, self.binary = folder, folder / "terraform"
        error, change, summary = (json.dumps(event) for event in (ERROR, CHANGE, SUMMARY))
        turns = int(seconds / 0.02)
        self.binary.write_text(_SCRIPT.format(here=folder, error=error, change=change, summary=summary, turns=turns))
        self.binary.chmod(0o755)
        (folder / "outputs").write_text("{}")
        self.works_on("")

    def works_on(self, command: str, signals: Sequence[int] = (), at_end: Sequence[int] = ()) -> None:
        """Chooses the command that works until it is told to stop, once.

        Args:
            command: such as ``apply``; empty for none.
            signals: sent to the parent process when the work begins.
            at_end: sent to it when the program was told to stop, and before it ends.
        """
        (self.folder / "at").write_text(command)
        (self.folder / "signals").write_text(" ".join(map(str, signals)))
        (self.folder / "signals-at-end").write_text(" ".join(map(str, at_end)))
        for name in ("ready", "ended", "calls"):
            (self.folder / name).unlink(missing_ok=True)

    def leaves(self, state: dict[str, str]) -> None:
        """A state that it cannot save when it is stopped."""
        (self.folder / "leaves").write_text(json.dumps(state))

    @property
    def calls(self) -> list[str]:
        """The commands that were run."""
        return self._lines("calls")

    @property
    def ended(self) -> list[str]:
        """How the chosen command has ended: ``stopped apply`` or ``finished apply``."""
        return self._lines("ended")

    @property
    def alive(self) -> bool:
        """Whether the process of the chosen command exists."""
        try:
            os.kill(int((self.folder / "ready").read_text()), 0)
        except (ProcessLookupError, FileNotFoundError):
            return False
        return True

    def _lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().split("\n")[:-1] if file.exists() else []
