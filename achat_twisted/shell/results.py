"""Results: what has become of each line, told to people or to programs.

What was not taken in goes to standard output as it came, so that it can be said again. It is told
at once, before the library forgets it: so a crash may tell it twice, and never not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from achat_twisted.client.errors import Refusal
from achat_twisted.shell.escapes import to_json
from achat_twisted.shell.reading import is_too_long
from achat_twisted.shell.status import Status, Writable
from achat_twisted.shell.trying import count

_SHOWN = 1000
"""The characters that are shown of a line which no server would take for its length."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was given.

    @ivar number: its number among all that were given, from 1 on.
    @ivar text: the line itself, without its recipients.
    """

    number: int
    text: str


class Results(Protocol):
    """Anything that hears what has become of lines."""

    def taken(self, line: Line | None, kept: Sequence[str]) -> None:
        """A line was taken in for all; None stands for one of an earlier run.

        @param kept: the recipients for whom it waits.
        """

    def refused(self, line: Line, refusals: Sequence[Refusal], kept: Sequence[str]) -> None:
        """A line was refused by the server, for all or for some."""

    def unusable(self, line: Line, why: str) -> None:
        """A line was not said, as no server would take it."""

    def refused_before(self, refusals: Iterable[Refusal]) -> None:
        """Lines of an earlier run were refused."""

    def unsaid(self, lines: Iterable[Line]) -> None:
        """Lines are not taken in, as far as is known, and nobody keeps them."""

    def waiting(self, lines: Iterable[Line]) -> None:
        """Lines are not taken in, as far as is known, and wait in the state."""

    async def drain(self) -> None:
        """Wait until all that was told is written.

        @raise Unwritable: if standard output takes no more.
        """

    async def close(self) -> None:
        """There are no more; see L{drain}."""


class PlainResults:
    """For people: refusals on standard error, what is unsaid on standard output."""

    def __init__(self, output: Writable, status: Status, *, is_quiet: bool) -> None:
        self._output = output
        self._status = status
        self._is_quiet = is_quiet
        self._kept: Counter[str] = Counter()

    def taken(self, line: Line | None, kept: Sequence[str]) -> None:
        self._kept.update(kept)

    def refused(self, line: Line, refusals: Sequence[Refusal], kept: Sequence[str]) -> None:
        self._kept.update(kept)
        self._status.tell(f"refused: {line.text}", *(refusal.why for refusal in refusals))

    def unusable(self, line: Line, why: str) -> None:
        more = "…" if is_too_long(line.text) else ""
        text = line.text[:_SHOWN] if more else line.text
        self._status.tell(f"refused: {text}{more}", why)

    def refused_before(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            self._status.tell(f"refused, of an earlier run: {refusal.line}", refusal.why)

    def unsaid(self, lines: Iterable[Line]) -> None:
        self._output.put("".join(f"{line.text}\n" for line in lines))

    def waiting(self, lines: Iterable[Line]) -> None:
        """They are told of by their number."""

    async def drain(self) -> None:
        await self._output.drain()

    async def close(self) -> None:
        if not self._is_quiet:
            for name, lines in self._kept.items():
                self._status.tell(f"{count(lines)} kept for {name}")
        await self.drain()


class JsonResults:
    """For programs: an object on standard output for each line."""

    def __init__(self, output: Writable, to: str) -> None:
        self._output = output
        self._to = to

    def taken(self, line: Line | None, kept: Sequence[str]) -> None:
        if line is not None:
            self._put(line, "taken", kept=[*kept])

    def refused(self, line: Line, refusals: Sequence[Refusal], kept: Sequence[str]) -> None:
        self._put(line, "refused", kept=[*kept], refused=[*map(_describe, refusals)])

    def unusable(self, line: Line, why: str) -> None:
        refused = [{"recipient": None, "reason": "unusable", "why": why}]
        self._put(line, "refused", kept=[], refused=refused)

    def refused_before(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            to, _, text = refusal.line.partition(": ")
            said = {"line": None, "to": to, "text": text, "result": "refused"}
            self._dump({**said, "kept": [], "refused": [_describe(refusal)]})

    def unsaid(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._put(line, "unsaid")

    def waiting(self, lines: Iterable[Line]) -> None:
        for line in lines:
            self._put(line, "waiting")

    async def drain(self) -> None:
        await self._output.drain()

    async def close(self) -> None:
        await self.drain()

    def _put(self, line: Line, result: str, **more: Any) -> None:
        said = {"line": line.number, "to": self._to, "text": line.text, "result": result}
        self._dump({**said, **more})

    def _dump(self, described: dict[str, Any]) -> None:
        self._output.put(f"{to_json(described)}\n")


def _describe(refusal: Refusal) -> dict[str, str | None]:
    return {
        "recipient": refusal.recipient or None,
        "reason": refusal.word,
        "why": refusal.why,
    }
