"""The checker of tags: compares what clients that resume were told with what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from achat_twisted import wire
from achat_twisted.wire.tags import Verdict, parse_got, parse_verdict
from tests.simulation.hearing import Arrivals, arrivals, heard, number_of, numbers
from tests.simulation.witness import Conversation, Posting, Witness, demand

_NONSENSE: Counter[tuple[str, str]] = Counter({("bad-line", ""): 1})


@dataclass(frozen=True, slots=True)
class _Resumed:
    """The place at which a session goes on."""

    lines: int
    message: int
    era: str


class TagChecker:
    """Knows what each number has meant, in each era of each tag."""

    def __init__(self, witness: Witness, joined: Iterable[Conversation]) -> None:
        """@param joined: all connections that logged in, in order."""
        self._witness = witness
        self._lines: dict[tuple[str, str, str], dict[int, Posting]] = {}
        self._messages: dict[tuple[str, str, str], dict[int, int]] = {}
        for conversation in joined:
            resumed = _resumed(conversation)
            if resumed is not None:
                lines = self._lines.setdefault(_era(conversation, resumed), {})
                lines.update(enumerate(_lines(conversation), resumed.lines + 1))

    def check_messages(self, conversation: Conversation) -> None:
        """In an era, a number that has meant a message means that one for ever."""
        resumed = _resumed(conversation)
        if resumed is not None:
            known = self._messages.setdefault(_era(conversation, resumed), {})
            for place, message in enumerate(_messages(conversation), resumed.message):
                was = known.setdefault(place, number_of(message))
                same = was == number_of(message)
                demand(same, f"{conversation.peer}: message {place} was {was}, now {message}")

    # The verdicts on lines

    def check_what_was_told(self, conversation: Conversation) -> None:
        """All refusals of its lines up to N come before C{! synced N}, and none of any others."""
        peer = conversation.peer
        resumed = _resumed(conversation)
        if resumed is None:
            demand(not self._witness.taken.get(peer), f"{peer}: read before it was told where")
            return
        lines = self._lines[_era(conversation, resumed)]
        known = self._witness.heard[peer]
        told: set[tuple[int, str, str]] = set()
        for said in _notices(conversation):
            verdict = parse_verdict(said)
            if verdict is not None:
                if verdict.first:
                    self._check_verdict(peer, verdict, lines)
                    name = verdict.subject if verdict.copies else ""
                    places = range(verdict.first, verdict.last + 1)
                    told |= {(place, verdict.word, name) for place in places}
            elif said.word in ("synced", "bye"):
                count = int(said.detail.split()[0])
                self._check_count(conversation, said.word, count - resumed.lines)
                due = {
                    (place, word, name)
                    for place in range(known + 1, count + 1)
                    for word, name in self._outcomes(lines[place])
                    if word != "kept"
                }
                demand(due <= told, f"{peer}: not told {due - told} by {said.word} {count}")

    def _check_verdict(self, peer: str, verdict: Verdict, lines: dict[int, Posting]) -> None:
        name = verdict.subject if verdict.copies else ""
        copies = 0
        for place in range(verdict.first, verdict.last + 1):
            demand(place in lines, f"{peer}: told of line {place}, which it has not said")
            outcome = self._outcomes(lines[place])[verdict.word, name]
            demand(outcome > 0, f"{peer}: told {verdict}, but that is not so of line {place}")
            copies += outcome
        demand(copies == (verdict.copies or 1), f"{peer}: told {verdict}, but of {copies} copies")

    def _check_count(self, conversation: Conversation, word: str, count: int) -> None:
        """Check that C{count} lines were taken in, and no more behind a C{! bye}."""
        peer, lines = conversation.peer, _lines(conversation)
        taken = self._witness.taken.get(peer, [])
        demand(0 <= count <= len(lines), f"{peer}: {word} {count} of {len(lines)}")
        covered = numbers(lines[:count])
        demand(covered == taken[: len(covered)], f"{peer}: {word} {count}, but {taken}")
        demand(word != "bye" or covered == taken, f"{peer}: bye {count}, but {taken}")

    def _outcomes(self, line: Posting) -> Counter[tuple[str, str]]:
        if not line.recipients:
            return _NONSENSE
        return self._witness.outcomes.get(line.number, Counter())

    # The messages

    def arrivals(self, conversation: Conversation) -> tuple[Arrivals, Arrivals]:
        """The numbers of those that count as delivered, and of those that come again.

        None may count as delivered that the client has not said to have got.
        """
        messages = _messages(conversation)
        resumed = _resumed(conversation)
        count = 0
        if resumed is not None and not conversation.only_sends:
            left = self._witness.first_left[conversation.peer]
            got = max(map(_got, conversation.written), default=0)
            demand(
                resumed.message <= left <= max(got + 1, resumed.message),
                f"{conversation.peer}: delivered up to {left - 1}, though {got} was got",
            )
            count = left - resumed.message
        return arrivals(conversation, messages[:count]), arrivals(conversation, messages[count:])


def _resumed(conversation: Conversation) -> _Resumed | None:
    for said in _notices(conversation):
        if said.word == "resumed":
            lines, message, era = said.detail.split()
            return _Resumed(int(lines), int(message), era)
    return None


def _era(conversation: Conversation, resumed: _Resumed) -> tuple[str, str, str]:
    return conversation.name, conversation.tag, resumed.era


def _lines(conversation: Conversation) -> list[Posting]:
    return [line for line in conversation.written if isinstance(line, Posting)]


def _notices(conversation: Conversation) -> Iterable[wire.Notice]:
    return (each.said for each in heard(conversation) if isinstance(each.said, wire.Notice))


def _messages(conversation: Conversation) -> Sequence[wire.Message]:
    return [each.said for each in heard(conversation) if isinstance(each.said, wire.Message)]


def _got(line: Posting | str) -> int:
    """The number of the last message that a line says was got."""
    if isinstance(line, Posting) or not line.startswith("/got ") or line == "/got x":
        return 0
    return parse_got(line.removeprefix("/got ")).messages
