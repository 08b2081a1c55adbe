"""The checker: finds missing, repeated and disordered lines in the numbers that came."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class Stream:
    """The numbers from one sender to one recipient, as they come; they should be 0, 1, 2, …

    @ivar end: one more than the highest number that has come.
    @ivar gaps: lower ones that have not come.
    @ivar repeated: how many came that had come before.
    @ivar late: how many came for the first time, but after a higher one: those are out of order,
        whether or not repeats are allowed.
    """

    def __init__(self) -> None:
        self.end = 0
        self.gaps: set[int] = set()
        self.repeated = 0
        self.late = 0

    def arrive(self, number: int) -> None:
        if number >= self.end:
            self.gaps.update(range(self.end, number))
            self.end = number + 1
        elif number in self.gaps:
            self.gaps.remove(number)
            self.late += 1
        else:
            self.repeated += 1

    @property
    def delivered(self) -> int:
        """The number of different numbers that have come."""
        return self.end - len(self.gaps)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fates of all lines; each counts once for each recipient."""

    posted: int
    delivered: int
    repeated: int
    missing: int
    late: int

    @property
    def at_least_once(self) -> bool:
        """True if all have come, in order once the repeats are taken out."""
        return not self.missing and not self.late

    @property
    def exactly_once(self) -> bool:
        return self.at_least_once and not self.repeated

    def __str__(self) -> str:
        return (
            f"{self.posted} posted, {self.delivered} delivered, {self.repeated} repeated,"
            f" {self.missing} missing, {self.late} out of order"
        )


class Inbox:
    """The lines that one recipient has been sent."""

    def __init__(self) -> None:
        self._streams: defaultdict[str, Stream] = defaultdict(Stream)

    def arrive(self, sender: str, number: int) -> None:
        self._streams[sender].arrive(number)

    def judge(self, posted: Mapping[str, int]) -> Verdict:
        """@param posted: how many lines each sender has posted to this recipient.
        @raise ValueError: if more have come than were posted, or from somebody else.
        """
        for sender, stream in self._streams.items():
            if stream.end > posted.get(sender, 0):
                raise ValueError(f"{sender} has never posted line {stream.end - 1}")
        streams = self._streams.values()
        delivered = sum(stream.delivered for stream in streams)
        return Verdict(
            posted=sum(posted.values()),
            delivered=delivered,
            repeated=sum(stream.repeated for stream in streams),
            missing=sum(posted.values()) - delivered,
            late=sum(stream.late for stream in streams),
        )


def total(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on several recipients."""
    verdicts = list(verdicts)
    return Verdict(
        posted=sum(verdict.posted for verdict in verdicts),
        delivered=sum(verdict.delivered for verdict in verdicts),
        repeated=sum(verdict.repeated for verdict in verdicts),
        missing=sum(verdict.missing for verdict in verdicts),
        late=sum(verdict.late for verdict in verdicts),
    )
