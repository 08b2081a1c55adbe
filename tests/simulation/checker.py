"""The checker: compares the promise with the bytes that reached the clients' machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from achat_twisted import wire
from tests.simulation.witness import Conversation, Posting, Witness, demand

Pair = tuple[str, str]
"""The poster of a line, and its recipient."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A whole line that has reached a client's machine."""

    said: wire.Message | wire.Notice
    confirmed: bool
    """True if the server got the acknowledgement, so that it must not repeat the line."""


def _heard(conversation: Conversation) -> Iterator[_Heard]:
    final = conversation.server.final or 0
    end = 0
    for line in bytes(conversation.client.heard).splitlines(keepends=True):
        end += len(line)
        if line.endswith(b"\n"):
            yield _Heard(wire.parse_server_line(line.decode()[:-1]), end <= final)


class Checker:
    """Looks at a schedule that is over, with everybody served and nobody connected."""

    def __init__(self, witness: Witness, conversations: Sequence[Conversation]) -> None:
        self._witness = witness
        self._conversations = {each.peer: each for each in conversations}
        self._joined = [self._conversations[peer] for peer in witness.joined]

    def check(self, intents: Iterable[int]) -> None:
        """@raise PromiseBroken: if anything was lost, doubled, out of order or not told."""
        for conversation in self._conversations.values():
            self._check_what_was_told(conversation)
        self._check_arrivals()
        taken = {
            line.intent
            for each in self._joined
            for line in each.written
            if isinstance(line, Posting) and line.number in self._witness.recipients
        }
        missing = sorted(set(intents) - taken)
        demand(not missing, f"{missing} were never taken in")

    # The notices about clients' own lines

    def _check_what_was_told(self, conversation: Conversation) -> None:
        """C{! synced N} and C{! bye N}: N lines were taken in, and their outcomes told before."""
        peer, written = conversation.peer, conversation.written
        taken = self._witness.taken.get(peer, [])
        posted = _numbers(written)
        demand(taken == posted[: len(taken)], f"{peer}: taken in {taken} of {posted}")
        told: Counter[tuple[str, str]] = Counter()
        last = ""
        for heard in _heard(conversation):
            if isinstance(heard.said, wire.Message):
                continue
            last, detail = heard.said.word, heard.said.detail
            if last in ("kept", "full", "unknown"):
                name, copies = detail.rsplit(" ", 1)
                told[last, name] += int(copies)
            elif last in ("synced", "bye"):
                lines = int(detail.split()[0])
                covered = _numbers(written[:lines])
                demand(lines <= len(written), f"{peer}: {last} {lines} of {len(written)}")
                demand(covered == taken[: len(covered)], f"{peer}: {last} {lines}, but {taken}")
                demand(last != "bye" or covered == taken, f"{peer}: bye {lines}, but {taken}")
                truth = self._outcomes(covered)
                demand(told == truth, f"{peer}: told {told} by {last} {lines}, not {truth}")
        if conversation.client.ended and peer in self._witness.joined:
            demand(last == "bye", f"{peer}: closed in order after {last or 'nothing'}")

    def _outcomes(self, numbers: Iterable[int]) -> Counter[tuple[str, str]]:
        outcomes: Counter[tuple[str, str]] = Counter()
        for number in numbers:
            outcomes.update(self._witness.outcomes.get(number, {}))
        return outcomes

    # The lines that have arrived

    def _check_arrivals(self) -> None:
        """Each copy once and in order; again only if the acknowledgement was lost.

        Lines that a connection has got without the server's knowledge must be just the next ones.
        """
        expected = self._expected()
        got: dict[Pair, list[int]] = {}
        for conversation in self._joined:
            confirmed, unconfirmed = _arrivals(conversation)
            broken = conversation.client.broken or conversation.server.broken
            demand(broken or not unconfirmed, f"{conversation.peer}: closed before {unconfirmed}")
            for pair in confirmed.keys() | unconfirmed.keys():
                whole = got.setdefault(pair, [])
                whole += confirmed.get(pair, [])
                seen = whole + unconfirmed.get(pair, [])
                should = expected.get(pair, [])[: len(seen)]
                demand(seen == should, f"{conversation.peer}: {pair} {_difference(seen, should)}")
        for pair, numbers in expected.items():
            arrived = got.get(pair, [])
            demand(arrived == numbers, f"{pair} {_difference(arrived, numbers)}")

    def _expected(self) -> dict[Pair, list[int]]:
        """The copies that were accepted and not refused, in order."""
        senders = self._senders()
        expected: dict[Pair, list[int]] = {}
        for number, recipients in self._witness.recipients.items():
            sender = senders[number]
            refused = self._refused(number)
            for recipient in recipients:
                if refused[recipient]:
                    refused[recipient] -= 1
                else:
                    expected.setdefault((sender, recipient), []).append(number)
        return expected

    def _refused(self, number: int) -> Counter[str]:
        outcomes = self._witness.outcomes.get(number, Counter())
        return Counter({name: n for (word, name), n in outcomes.items() if word != "kept"})

    def _senders(self) -> dict[int, str]:
        return {
            number: self._conversations[peer].name
            for peer, numbers in self._witness.taken.items()
            for number in numbers
        }


def _numbers(written: Sequence[Posting | str]) -> list[int]:
    return [line.number for line in written if isinstance(line, Posting)]


def _arrivals(conversation: Conversation) -> tuple[dict[Pair, list[int]], dict[Pair, list[int]]]:
    """The numbers that came over a connection: the confirmed ones, and those after them."""
    confirmed: dict[Pair, list[int]] = {}
    unconfirmed: dict[Pair, list[int]] = {}
    for heard in _heard(conversation):
        if isinstance(heard.said, wire.Message):
            numbers = confirmed if heard.confirmed else unconfirmed
            pair = (heard.said.sender, conversation.name)
            numbers.setdefault(pair, []).append(int(heard.said.text.split()[0]))
    return confirmed, unconfirmed


def _difference(arrived: list[int], expected: list[int]) -> str:
    """The point at which two lists part, for people."""
    same = 0
    while same < min(len(arrived), len(expected)) and arrived[same] == expected[same]:
        same += 1
    return (
        f"agree on {same}, then {arrived[same : same + 5]} came"
        f" instead of {expected[same : same + 5]}"
    )
