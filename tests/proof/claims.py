"""The claims for each way in which a server may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.proof.checker import Verdict
from tests.proof.servers import Ending, Server


@dataclass(frozen=True, slots=True)
class Claim:
    """The subject of a proof.

    @ivar text: the claim, for people.
    @ivar end: how the server ends.
    @ivar holds: whether a verdict bears it out.
    @ivar special: the options that make the server keep it.
    """

    text: str
    end: Ending
    holds: Callable[[Verdict], bool]
    special: tuple[str, ...]

    def options(self, folder: Path) -> list[str]:
        """The server's command line, with a mailbox in C{folder}."""
        return [*self.special, "--mailbox", f"sqlite:{folder / 'mail'}", "--outbox-limit", "65536"]


CLAIMS = {
    "stops": Claim(
        "through ordered stops each line comes exactly once, in order",
        Server.stop,
        lambda verdict: verdict.exactly_once,
        ("--grace", "5"),
    ),
    "cuts": Claim(
        "through stops that wait for nobody each line comes at least once, in order",
        Server.stop,
        lambda verdict: verdict.at_least_once,
        ("--grace", "0"),
    ),
    "kills": Claim(
        "through SIGKILL, with --durable, each line comes at least once, in order",
        Server.kill,
        lambda verdict: verdict.at_least_once,
        ("--durable",),
    ),
}
