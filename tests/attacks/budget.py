"""The attack budget: what ten thousand hostile connections cost at most, by the default limits.

They come from fifty addresses, and the limits hold for loopback as for any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.attacks.ordeal import Attack, Findings

_MANY = 10_000
_MIB = 2**20

HEAD = """\
| attack | bound | server's memory | kernel | CPU | the pair: half, 99 %, all | newcomer | log | \
what was seen |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True, slots=True)
class Item:
    """An attack, and its permitted cost.

    @ivar bound: what the limits say, in words.
    """

    what: str
    bound: str
    attack: Attack


def _item(
    what: str, bound: str, crowd: str, seconds: float, *, size: int = _MANY, **more: bool
) -> Item:
    # The pair says some hundred lines a second, and must not be slowed down for that.
    limits = ("--limit-local", "--rate", "200")
    return Item(what, bound, Attack(crowd, size, seconds, limits, hosts=50, **more))


BUDGET = (
    _item("say nothing", "5 KiB each: 49 MiB, for --login-timeout", "silent", 40),
    _item(
        "logins of 8,000 bytes, then a byte a second",
        "5 KiB and --max-line each: 127 MiB, for --login-timeout",
        "endless-logins",
        40,
    ),
    _item("logged in and idle", "6 KiB each: 59 MiB", "idle", 20),
    _item("logged in with a tag, and idle", "7 KiB each: 69 MiB", "tagged", 20),
    _item(
        "have tags, and confirm neither messages nor refusals",
        "with a tag and idle, twice --outbox-total, --mailbox-total, and a round: 837 MiB",
        "unconfirming",
        60,
    ),
    _item(
        "the same without tags, and so without an end of their sessions",
        "idle, and 128 KiB each",
        "ungrateful",
        60,
    ),
    _item(
        "have tags, send to themselves all they may, and confirm each message by itself",
        "with a tag and idle, 128 KiB each, and four times that in messages: 126 MiB",
        "confirming-each",
        20,
        size=200,
    ),
    _item(
        "have tags, and say /got of nothing new, or of what there is not",
        "with a tag and idle, and 128 KiB each: 26 MiB",
        "confirming-nothing",
        20,
        size=200,
    ),
    _item(
        "have tags, never read, and so never confirm, and send to each other all they may",
        "as those without tags that never read",
        "half-open",
        60,
    ),
    _item(
        "are tags of one name that only send, come, stay, and leave together",
        "7 KiB each: 69 MiB",
        "many-tags",
        40,
    ),
    _item(
        "never read, and send to each other all they may",
        "idle, twice --outbox-total, --mailbox-total, and 128 KiB each that are not acknowledged:"
        " 2,077 MiB; when all break off, the mailbox gets all that, and it is there twice",
        "shouting-deaf",
        60,
    ),
    _item("2 KiB of bad lines at a time", "idle, and 128 KiB each: 1,309 MiB", "rude", 30),
    _item(
        "two hundred send bad lines",
        "idle, and 128 KiB each: 26 MiB",
        "rude-and-greedy",
        20,
        size=200,
    ),
    _item("half a TLS handshake", "", "half-handshakes", 40, size=1000, tls=True),
    _item("wrong secrets", "idle, and 64 MiB for each of two at a time", "guesses", 30, auth=True),
)
"""The attacks to try."""


def row(item: Item, findings: Findings) -> str:
    """The attack's effects, as a row of the table in Markdown."""
    times = sorted(findings.times)
    parts = (
        f"{times[min(len(times) - 1, int(p * len(times)))] * 1000:.0f}" for p in (0.5, 0.99, 1)
    )
    before, peak = findings.before, findings.peak
    cells = (
        f"{item.attack.size:,}: {item.what}",
        item.bound,
        f"{before.resident / _MIB:.0f} MiB, {peak.resident / _MIB:.0f} at most",
        f"+{findings.kernel / _MIB:.0f} MiB",
        f"{peak.cpu - before.cpu:.1f} s of {item.attack.seconds:.0f}",
        f"{', '.join(parts)} ms",
        f"{findings.newcomer * 1000:.0f} ms",
        f"{len(findings.log) / 1024:,.0f} KiB",
        "; ".join([findings.said, *findings.faults()]),
    )
    return f"| {' | '.join(cells)} |"
