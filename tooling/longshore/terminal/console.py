"""The only module that prints: text for people goes to stderr, results go to stdout."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from longshore.errors import DeclinedError, LongshoreError
from longshore.masking import MaskedStream, Masks, secrets, shared_masks
from longshore.terminal import safe_output
from longshore.terminal.visible import CONTINUED, OURS, lines, marked, visible

if TYPE_CHECKING:
    from longshore.aws.ecs_types import Service
    from longshore.result import Failure
    from longshore.terminal.live_display import Live

_WITHIN = "    "
"""Before the first line of a text within a step."""
_LOG = "    | "
"""Before each line of a log."""


class Prompt:
    """Questions to the person at the terminal.

    Args:
        stdin: receives the answers.
        show: shows a question until it is answered.
        interactive: whether a person can answer.
    """

    def __init__(
        self, stdin: TextIO, show: Callable[[str], AbstractContextManager[None]], *, interactive: bool
    ) -> None:
        self._stdin, self._show = stdin, show
        self.interactive = interactive

    def approve(self, question: str, *, yes: bool) -> None:
        """Asks for approval of a change.

        Raises:
            DeclinedError: the answer was no, or there is no terminal.
        """
        if yes:
            return
        if not self.interactive:
            raise DeclinedError(
                "not running in a terminal, so the change cannot be approved; nothing was applied",
                "Run the command in a terminal, or approve in advance with --yes.",
            )
        if not self.ask(f"{question} [y/N] ").strip().lower().startswith("y"):
            raise DeclinedError("declined; nothing was applied")

    def ask(self, question: str) -> str:
        """Asks a question and returns the answer as typed."""
        with self._show(question):
            return safe_output.line(self._stdin)


class Console:
    """Plain lines; at a terminal, a live display on top.

    Args:
        out: receives results and JSON.
        err: receives everything that is only for people.
        stdin: receives the answers to questions.
        interactive: whether a person can answer; by default, whether stdin and err are terminals.
        masks: removes secrets; by default, those that the task shares, or those in this process's variables.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        stdin: TextIO | None = None,
        *,
        interactive: bool | None = None,
        masks: Masks | None = None,
    ) -> None:
        self._out = out or sys.stdout or io.StringIO()
        self._err = cast(TextIO, safe_output.BestEffortStream(err or sys.stderr or io.StringIO()))
        self.masks = masks or shared_masks() or Masks(secrets(os.environ))
        self._log, self._program = MaskedStream(self.masks), MaskedStream(self.masks)
        stdin = stdin or sys.stdin or io.StringIO()
        if interactive is None:
            interactive = safe_output.is_terminal(stdin) and self._err.isatty()
        self.prompt = Prompt(stdin, self._show_question, interactive=interactive)
        self._services: dict[str, tuple[int, int, str]] = {}
        self._live: Live | None = None

    @contextmanager
    def live(self) -> Iterator[None]:
        """Shows steps and services live during the block, if err is a terminal."""
        if not self._err.isatty():
            yield
            return
        from longshore.terminal.live_display import Live, is_redrawn  # noqa: PLC0415 - rich takes 0.1 s to import

        if not is_redrawn(os.environ):
            yield
            return
        self._live = Live(self._err)
        self._live.start()
        try:
            yield
        finally:
            self._live.stop()
            self._live = None

    def step_started(self, name: str) -> None:
        """Shows that a step of a release has started."""
        if self._live:
            self._live.step(visible(name), None, ok=True)
        else:
            self._say(name, "==> ")

    def step_ended(self, name: str, seconds: float, *, ok: bool) -> None:
        """Shows that a step has ended."""
        if self._live:
            self._live.step(visible(name), seconds, ok=ok)
        else:
            self._say(f"{name} ({seconds:.1f} s)", f"    {'done' if ok else 'FAILED'}: ")

    def service(self, service: Service, waits: str = "") -> None:
        """Shows the state of a service, if it has changed; ``waits`` says why it waits, and replaces its event."""
        event = waits or service.latest_event
        state = (service.running, service.desired, event)
        if self._services.get(service.name) == state:
            return
        self._services[service.name] = state
        if self._live:
            self._live.service(visible(service.name), service.running, service.desired, visible(self.masks.mask(event)))
        else:
            self._say(f"{service.name}: {service.running}/{service.desired} running  {event}", _WITHIN)

    def detail(self, text: str) -> None:
        """Shows one line of progress within a step."""
        if self._live:
            self._live.detail(visible(self.masks.mask(text)))
        else:
            self._say(text, _WITHIN)

    def program_line(self, text: str) -> None:
        """Shows one line of a program's output as progress; one that may end inside a secret waits for the next."""
        for line in self._program.feed(text):
            self.detail(line)

    def log_line(self, text: str) -> None:
        """Shows one event of a log, which may have several lines, or end inside a secret, as `program_line`."""
        for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
            self._log_lines(self._log.feed(line))

    def say(self, text: str) -> None:
        """Shows a sentence."""
        self._say(text)

    def hint(self, text: str) -> None:
        """Shows your next step."""
        self._say(text, "  → ")

    def warn(self, text: str) -> None:
        """Shows a warning; the command continues."""
        self._say(text, "warning: ")

    def finding(self, mark: str, name: str, text: str) -> None:
        """Shows the result of one check: OK, SKIP or FAIL."""
        self._say(f"{name}: {text}", f"  {mark:<4} ")

    def differences(self, changes: Sequence[str]) -> None:
        """Shows the changes of a plan."""
        self._say("", "Changes:" if changes else "No changes.")
        for line in changes:
            self._say(line, "  ")

    def error(self, error: LongshoreError) -> None:
        """Shows an error with its hint."""
        self._say(error.message, "error: ")
        if error.hint:
            self.hint(error.hint)

    def failed(self, error: LongshoreError) -> None:
        """Shows that a release has failed, before any rollback."""
        self._say(error.message, "failed: ")

    def failure(self, failure: Failure) -> None:
        """Shows why a service failed, in the words of AWS, the container and the health URL."""
        exits = ", ".join(f"{name} {code}" for name, code in failure.exit_codes.items() if code is not None)
        rows = {
            "task": f"{failure.task} (one of {failure.tasks} that stopped alike)"
            if failure.tasks > 1
            else failure.task,
            "stop code": failure.stop_code,
            "reason": self.masks.mask_untrusted(failure.reason),
            "alarms": ", ".join(failure.alarms),
            "load balancer": self.masks.mask_untrusted("; ".join(failure.targets)),
            "exit codes": exits,
            "health URL": self.masks.mask_untrusted(failure.answer),
        }
        self._say(f"{failure.subject} failed:", "why ")
        for name, text in rows.items():
            if text:
                self._say(f"{name}: {text}", _WITHIN)
        self._lines(f"last lines of {failure.container}", failure.log)
        self._lines("events", failure.events)

    def interrupted(self, signal: str) -> None:
        """Shows that a first signal was received."""
        self._say(f"{signal}: stopping at the next safe point; moved services are rolled back (once more: exit now)")

    def waits_for(self, lock: object) -> None:
        """Shows the lock that delays this command."""
        self._say(f"the environment is {lock}", "waiting: ")

    def result(self, text: str, head: str = "") -> None:
        """Prints a result, for a person or a pipe; ``head`` stands before its first line.

        Raises:
            OutputError: it could not be written, as in every function that prints a result.
        """
        self._flush()
        continued = " " * max(len(head), len(CONTINUED))
        safe_output.put(self._out, _joined(lines(self.masks.mask(text), head, continued)))

    def verbatim(self, text: str) -> None:
        """Prints a result unmasked, for a shell or a file; the caller has left out secrets and quoted the rest."""
        safe_output.put(self._out, f"{text}\n")

    def document(self, value: Any) -> None:
        """Prints one JSON document, whose texts are masked as everywhere else."""
        self._flush()
        # Azure Pipelines and GitHub search the whole line for a command such as ##vso[task.setvariable].
        safe_output.put(
            self._out, json.dumps(self.masks.mask_document(value), indent=2).replace("##", "#\\u0023") + "\n"
        )

    def table(self, rows: Iterable[Mapping[str, object]], empty: str) -> None:
        """Prints rows under their keys as a result; shows ``empty`` if there are none."""
        texts = [{key: visible(self.masks.mask(str(value))) for key, value in row.items()} for row in rows]
        if not texts:
            self.say(empty)
            return
        columns = list(texts[0])
        widths = [max(len(column), *(len(row[column]) for row in texts)) for column in columns]
        for cells in [columns, *([row[column] for column in columns] for row in texts)]:
            self.result("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())

    @contextmanager
    def _show_question(self, question: str) -> Iterator[None]:
        if self._live:
            self._live.stop()
        self._err.write(marked(visible(self.masks.mask(question)), OURS))
        self._err.flush()
        yield
        if self._live:
            self._live.start()

    def _lines(self, title: str, texts: Sequence[str]) -> None:
        if texts:
            self._say(f"{title}:", _WITHIN)
        for text in texts:
            self.log_line(text)
        self._flush()

    def _log_lines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self._write(text, _LOG, _LOG)

    def _flush(self) -> None:
        """Shows the lines that wait for the next one."""
        self._log_lines(self._log.flush())
        for line in self._program.flush():
            self.detail(line)

    def _say(self, text: str, head: str = "", continued: str = CONTINUED) -> None:
        self._flush()
        self._write(self.masks.mask(text), head, continued)

    def _write(self, text: str, head: str, continued: str) -> None:
        shown = lines(text, head, continued)
        if self._live:
            for before, line in shown:
                self._live.line(line, before, continued)
        else:
            self._err.write(_joined(shown))
            self._err.flush()


def _joined(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{f'{before}{line}'.rstrip()}\n" for before, line in pairs)
