"""What people and CI see. Nothing else prints: human text goes to stderr, results go to stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from longshore import safe_output
from longshore.errors import DeclinedError, LongshoreError
from longshore.masking import Masks, secrets

if TYPE_CHECKING:
    from longshore.aws.ecs import Service
    from longshore.live_display import Live
    from longshore.result import Failure


class Prompt:
    """Questions to the person at the terminal.

    Args:
        stdin: where the answers are typed.
        show: shows a question for as long as its answer is awaited.
        interactive: whether a person is there to answer.
    """

    def __init__(
        self, stdin: TextIO, show: Callable[[str], AbstractContextManager[None]], *, interactive: bool
    ) -> None:
        self._stdin, self._show = stdin, show
        self.interactive = interactive

    def approve(self, question: str, *, yes: bool) -> None:
        """Asks before something is changed.

        Raises:
            DeclinedError: the answer was no, or there is no terminal.
        """
        if yes:
            return
        if not self.interactive:
            raise DeclinedError("there is no terminal to ask at; stopped before anything was applied", "Use --yes.")
        if not self.ask(f"{question} [y/N] ").strip().lower().startswith("y"):
            raise DeclinedError("declined; nothing was applied")

    def ask(self, question: str) -> str:
        """Asks a question and returns the answer as it was typed."""
        with self._show(question):
            return safe_output.line(self._stdin)


class Console:
    """Plain lines; at a terminal, a live display on top.

    Args:
        out: for results and JSON.
        err: for everything that is for people only.
        stdin: where questions are answered.
        interactive: whether a person is at the other end; found out from stdin and err if not given.
        masks: what is not to be shown; the secrets in the variables of this process if not given.
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
        self._out = out or sys.stdout
        self._err = cast(TextIO, safe_output.BestEffortStream(err or sys.stderr))
        self.masks = masks or Masks(secrets(os.environ))
        stdin = stdin or sys.stdin
        at_terminal = stdin.isatty() and self._err.isatty()
        self.prompt = Prompt(
            stdin, self._show_question, interactive=at_terminal if interactive is None else interactive
        )
        self._services: dict[str, tuple[int, int, str]] = {}
        self._live: Live | None = None

    @contextmanager
    def live(self) -> Iterator[None]:
        """Shows steps and services live while the block lasts, if a terminal is there to show them."""
        if not self._err.isatty():
            yield
            return
        from longshore.live_display import Live  # noqa: PLC0415 - rich takes 0.1 s to import

        self._live = Live(self._err)
        self._live.start()
        try:
            yield
        finally:
            self._live.stop()
            self._live = None

    def step_started(self, name: str) -> None:
        """A step of a release begins."""
        if self._live:
            self._live.step(name, None, ok=True)
        else:
            self._say(f"==> {name}")

    def step_ended(self, name: str, seconds: float, *, ok: bool) -> None:
        """A step has ended."""
        if self._live:
            self._live.step(name, seconds, ok=ok)
        else:
            self._say(f"    {'done' if ok else 'FAILED'}: {name} ({seconds:.1f} s)")

    def service(self, service: Service) -> None:
        """A look at a service; said again only when something has changed."""
        seen = (service.running, service.desired, service.latest_event)
        if self._services.get(service.name) == seen:
            return
        self._services[service.name] = seen
        if self._live:
            self._live.service(service.name, service.running, service.desired, self.masks.mask(service.latest_event))
        else:
            self._say(f"    {service.name}: {service.running}/{service.desired} running  {service.latest_event}")

    def detail(self, text: str) -> None:
        """One line of what a step is doing."""
        if self._live:
            self._live.detail(self.masks.mask(text))
        else:
            self._say(f"    {text}")

    def log_line(self, text: str) -> None:
        """One line of a container's log."""
        self._say(f"    | {self.masks.mask_untrusted(text)}")

    def say(self, text: str) -> None:
        """A sentence for people."""
        self._say(text)

    def warn(self, text: str) -> None:
        """Something that a person must know, though the work goes on."""
        self._say(f"warning: {text}")

    def finding(self, mark: str, name: str, text: str) -> None:
        """One finding of the checks: OK, SKIP or FAIL."""
        self._say(f"  {mark:<4} {name}: {text}")

    def differences(self, lines: Sequence[str]) -> None:
        """What a plan would change."""
        self._say("Changes:" if lines else "No changes.")
        for line in lines:
            self._say(f"  {line}")

    def error(self, error: LongshoreError) -> None:
        """What went wrong, where, and what to do next."""
        self._say(f"error: {error.message}")
        if error.hint:
            self._say(f"  → {error.hint}")

    def failed(self, error: LongshoreError) -> None:
        """A release does not succeed: said at once, before anything is moved back."""
        self._say(f"failed: {error.message}")

    def failure(self, failure: Failure) -> None:
        """Why, as AWS, the container and the health URL say it."""
        exits = ", ".join(f"{name} {code}" for name, code in failure.exit_codes.items() if code is not None)
        rows = {
            "task": f"{failure.task} ({failure.tasks} like it)" if failure.tasks > 1 else failure.task,
            "stop code": failure.stop_code,
            "reason": self.masks.mask_untrusted(failure.reason),
            "exit codes": exits,
            "health URL": self.masks.mask_untrusted(failure.answer),
        }
        self._say(f"why {failure.subject} failed:")
        for name, text in rows.items():
            if text:
                self._say(f"    {name}: {text}")
        self._lines(f"last lines of {failure.container}", failure.log)
        self._lines("events", failure.events)

    def interrupted(self, signal: str) -> None:
        """A first signal has come."""
        self._say(f"{signal}: stopping after this step; what has moved goes back (once more: leave at once)")

    def waits_for(self, lock: object) -> None:
        """Somebody else holds the environment."""
        self._say(f"waits: it is {lock}")

    def result(self, text: str) -> None:
        """A result, for a person or a pipe."""
        safe_output.put(self._out, f"{self.masks.mask(text)}\n")

    def verbatim(self, text: str) -> None:
        """A result that is to be used as it is, by a shell or a file. Whoever made it has left out what is secret."""
        safe_output.put(self._out, f"{text}\n")

    def document(self, value: Any) -> None:
        """One JSON document. Whoever made it has masked its texts: here it would lose its form."""
        safe_output.put(self._out, f"{json.dumps(value, indent=2)}\n")

    def table(self, rows: Iterable[Mapping[str, object]], empty: str) -> None:
        """Rows under their keys, as a result; ``empty`` where there is none."""
        texts = [{key: str(value) for key, value in row.items()} for row in rows]
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
        self._err.write(self.masks.mask(question))
        self._err.flush()
        yield
        if self._live:
            self._live.start()

    def _lines(self, title: str, lines: Sequence[str]) -> None:
        if lines:
            self._say(f"    {title}:")
        for line in lines:
            self._say(f"    | {self.masks.mask_untrusted(line)}")

    def _say(self, text: str) -> None:
        text = self.masks.mask(text)
        if self._live:
            self._live.line(text)
        else:
            self._err.write(f"{text}\n")
            self._err.flush()
