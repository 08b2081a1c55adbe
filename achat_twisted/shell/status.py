"""Standard error: sentences, and below them a line of status, if it is a terminal."""

from __future__ import annotations

import os
from typing import Protocol

from achat_twisted.shell.escapes import harmless
from achat_twisted.shell.files import Unwritable

_CLEAR = "\r\x1b[K"
"""Go to the beginning of the line, and erase it (ECMA-48, 8.3.41)."""


class Writable(Protocol):
    """A file that is written to; see L{files.Output}."""

    @property
    def fault(self) -> str:
        """The reason why it takes no more; empty if it does."""

    def put(self, text: str) -> None:
        """Write a text now, or as soon as there is room."""

    async def drain(self) -> None:
        """Wait until all is written.

        @raise Unwritable: if it takes no more.
        """


class Status:
    """Tells sentences, and how far a long work is."""

    def __init__(self, errors: Writable, *, is_terminal: bool) -> None:
        self._errors = errors
        self._is_terminal = is_terminal
        self._shown = ""

    def tell(self, sentence: str, *more: str) -> None:
        """Tell a sentence, and below it some lines of what it is about."""
        lines = [f"achat: {harmless(sentence)}", *(f"    {harmless(line)}" for line in more)]
        text = "".join(f"{line}\n" for line in lines)
        self._errors.put(f"{_CLEAR if self._shown else ''}{text}{self._shown}")

    def show(self, text: str) -> None:
        """Show how far it is, instead of what was shown before; nothing but on a terminal."""
        if self._is_terminal and text != self._shown:
            self._shown = text
            self._errors.put(f"{_CLEAR}{text}")


class SharedError:
    """Standard error that commands of ours write to as well: it is left as it is, and waits."""

    def __init__(self) -> None:
        self.fault = ""

    def put(self, text: str) -> None:
        data = text.encode(errors="backslashreplace")
        try:
            while data:
                data = data[os.write(2, data) :]
        except OSError as error:
            self.fault = f"standard error cannot be written: {os.strerror(error.errno or 0)}"

    async def drain(self) -> None:
        if self.fault:
            raise Unwritable(self.fault)
