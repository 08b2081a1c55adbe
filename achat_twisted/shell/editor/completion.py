"""Completion: of the names at the beginning of a line, and of commands."""

from __future__ import annotations

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from achat_twisted.shell.editor.people import People


class LineCompleter(Completer):
    """Completes what one types when one presses Tab."""

    def __init__(self, people: People, commands: Iterable[str]) -> None:
        """@param commands: all that a line may begin with, with their slashes."""
        self._people = people
        self._commands = sorted(commands)

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        before = document.text_before_cursor
        if before.startswith("/"):
            for command in self._commands:
                if command.startswith(before):
                    yield Completion(command, -len(before))
        elif ":" not in before:
            listed, comma, start = before.rpartition(",")
            start = start.lstrip() if comma else before
            already = {name.strip() for name in listed.split(",")}
            for name in self._people.beginning(start):
                if name not in already:
                    yield Completion(f"{name}: ", -len(start), display=name)
