"""The checker: compares the promise with the bytes that reached the clients' machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from achat_twisted import wire
from tests.simulation.hearing import Arrivals, Pair, arrivals, heard, numbers
from tests.simulation.tag_checker import TagChecker
from tests.simulation.witness import Conversation, Posting, Witness, demand


class Checker:
    """Looks at a schedule that is over, with everybody served and nobody connected."""

    def __init__(self, witness: Witness, conversations: Sequence[Conversation]) -> None:
        self._witness = witness
        self._conversations = {each.peer: each for each in conversations}
        self._joined = [self._conversations[peer] for peer in witness.joined]
        self._tags = TagChecker(witness, self._joined)

    def check(self, intents: Iterable[int]) -> None:
        """@raise PromiseBroken: if anything was lost, doubled, out of order or not told."""
        for conversation in self._conversations.values():
            if conversation.tag:
                self._tags.check_what_was_told(conversation)
            else:
                self._check_what_was_told(conversation)
            self._check_farewell(conversation)
        self._check_arrivals()
        for conversation in self._joined:
            self._tags.check_messages(conversation)
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
        posted = numbers(written)
        demand(taken == posted[: len(taken)], f"{peer}: taken in {taken} of {posted}")
        told: Counter[tuple[str, str]] = Counter()
        for each in heard(conversation):
            if isinstance(each.said, wire.Message):
                continue
            word, detail = each.said.word, each.said.detail
            if word in ("kept", "full", "unknown"):
                name, copies = detail.rsplit(" ", 1)
                told[word, name] += int(copies)
            elif word in ("synced", "bye"):
                lines = int(detail.split()[0])
                covered = numbers(written[:lines])
                demand(lines <= len(written), f"{peer}: {word} {lines} of {len(written)}")
                demand(covered == taken[: len(covered)], f"{peer}: {word} {lines}, but {taken}")
                demand(word != "bye" or covered == taken, f"{peer}: bye {lines}, but {taken}")
                truth = self._outcomes(covered)
                demand(told == truth, f"{peer}: told {told} by {word} {lines}, not {truth}")

    def _check_farewell(self, conversation: Conversation) -> None:
        """A session that is closed in order hears C{! bye} last."""
        if conversation.client.ended and conversation.peer in self._witness.joined:
            *_, last = heard(conversation)
            is_bye = isinstance(last.said, wire.Notice) and last.said.word == "bye"
            demand(is_bye, f"{conversation.peer}: closed in order after {last.said}")

    def _outcomes(self, covered: Iterable[int]) -> Counter[tuple[str, str]]:
        outcomes: Counter[tuple[str, str]] = Counter()
        for number in covered:
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
            if conversation.tag:
                confirmed, unconfirmed = self._tags.arrivals(conversation)
            else:
                confirmed, unconfirmed = _arrivals(conversation)
                broken = conversation.client.broken or conversation.server.broken
                demand(
                    broken or not unconfirmed, f"{conversation.peer}: closed before {unconfirmed}"
                )
            for pair in confirmed.keys() | unconfirmed.keys():
                whole = got.setdefault(pair, [])
                whole += confirmed.get(pair, [])
                seen = whole + unconfirmed.get(pair, [])
                should = expected.get(pair, [])[: len(seen)]
                demand(seen == should, f"{conversation.peer}: {pair} {_difference(seen, should)}")
        for pair, due in expected.items():
            arrived = got.get(pair, [])
            demand(arrived == due, f"{pair} {_difference(arrived, due)}")

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


def _arrivals(conversation: Conversation) -> tuple[Arrivals, Arrivals]:
    """The numbers that came over a connection: those acknowledged in time, and those after them."""
    confirmed: list[wire.Message] = []
    unconfirmed: list[wire.Message] = []
    for each in heard(conversation):
        if isinstance(each.said, wire.Message):
            (confirmed if each.confirmed else unconfirmed).append(each.said)
    return arrivals(conversation, confirmed), arrivals(conversation, unconfirmed)


def _difference(arrived: list[int], expected: list[int]) -> str:
    """The point at which two lists part, for people."""
    same = 0
    while same < min(len(arrived), len(expected)) and arrived[same] == expected[same]:
        same += 1
    return (
        f"agree on {same}, then {arrived[same : same + 5]} came"
        f" instead of {expected[same : same + 5]}"
    )
