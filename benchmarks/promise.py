"""The cost of the promise: tracking acknowledgements, and keeping the ledger, on against off.

Strategy: the server is run from two copies of the tree, of which one has both edited out. They
take turns, so that whatever else the machine does hits both; of all rounds the median counts.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from achat_twisted.bench.servers import Server
from benchmarks import load
from benchmarks.load import Cost
from benchmarks.server import running
from tests import scratch
from tests.scratch import Edit

_LINES = 40_000
"""The lines that each of the flood's senders sends."""

_ROUND_TRIPS = 8_000
"""The round trips of a conversation."""

_BROKER = "achat_twisted/broker/broker.py"
_TURNS = "achat_twisted/broker/turns.py"
_WRITER = "achat_twisted/broker/writer.py"

OFF = {
    "what was written is not remembered": Edit(
        _WRITER,
        "        self._tail += batch\n",
        "",
    ),
    "nobody asks at the end what has arrived": Edit(
        _WRITER,
        "        await self._outlet.finish(last)\n        self.prune()\n",
        "        await self._outlet.finish(last)\n",
    ),
    "nor is what is written last": Edit(
        _WRITER,
        "        self._tail += last\n",
        "",
    ),
    "nobody asks now and then": Edit(
        _TURNS,
        "        if not session.watched:\n            self._watch(session)\n",
        "",
    ),
    "what is accepted is not counted": Edit(
        _BROKER,
        "        self._ledger.accepted += len(post.recipients)\n",
        "",
    ),
    "what passes the mailbox by is not counted": Edit(
        _BROKER,
        "                else:\n                    feed.passed += 1\n",
        "",
    ),
    "nor is a run": Edit(
        _BROKER,
        "            self._ledger.accepted += copies\n",
        "",
    ),
    "which passes the mailbox by likewise": Edit(
        _BROKER,
        "            else:\n                peer.feed.passed += copies\n",
        "",
    ),
}
"""The edits that leave a server without its promise."""


def _flood(server: Server) -> Cost:
    return load.flood(server, _LINES)


def _converse(server: Server) -> Cost:
    return load.converse(server, _ROUND_TRIPS)


def measure(tree: Path) -> tuple[Cost, Cost]:
    """The cost of a message in a flood, and of one in a conversation."""
    with running(tree) as server:
        return _flood(server), _converse(server)


def show(what: str, unit: str, on: Sequence[float], off: Sequence[float], limit: float) -> None:
    """Print medians, and by how much the promise makes it dearer in the median round."""
    dearer = median(a / b for a, b in zip(on, off, strict=True)) - 1
    holds = "yes" if dearer < limit else "NO"
    print(
        f"{what:40} {median(on):8.2f} {unit} with, {median(off):8.2f} without: {dearer:+7.1%},"
        f" under {limit:.0%}: {holds}"
    )


def main() -> None:
    parser = ArgumentParser(description="What the promise costs.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with scratch.copy() as on, scratch.copy(*OFF.values()) as off:
        measured = [(measure(on), measure(off)) for _ in range(rounds)]

    def each(pick: Callable[[tuple[Cost, Cost]], float]) -> tuple[list[float], list[float]]:
        return [1e6 * pick(a) for a, _ in measured], [1e6 * pick(b) for _, b in measured]

    show("flood, time for a line", "µs", *each(lambda costs: costs[0].elapsed), 0.10)
    show("flood, server's CPU for a line", "µs", *each(lambda costs: costs[0].cpu), 0.10)
    show("conversation, server's CPU for a line", "µs", *each(lambda costs: costs[1].cpu), 0.05)


if __name__ == "__main__":
    main()
