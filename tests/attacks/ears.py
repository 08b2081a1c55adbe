"""The lines that clients hear: none that was not said, and none that a terminal would obey."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from achat_twisted import wire
from tests.simulation.kernel import Endpoint
from tests.simulation.witness import Witness, demand

REFUSALS = frozenset(["bad-name", "name-taken", "denied", "busy"])
"""The words of the notices that a connection without a name can get."""

NOTICES = REFUSALS.union(
    ["welcome", "mail", "kept", "unknown", "full", "bad-line", "too-long", "replaced"],
    ["kicked", "slow-down"],
    ["synced", "who", "pong", "stats", "help", "bye"],
)
"""The words of all notices."""


def obeyed(text: str) -> str:
    """The characters in a text that a terminal obeys, or takes for a line end."""
    return "".join(
        char for char in text if unicodedata.category(char) in ("Cc", "Zl", "Zp") and char != "\t"
    )


class Ears(Witness):
    """The lines that were really posted, and a comparison with those that were heard.

    @ivar names: who logged in, by the port of the connection's peer.
    @ivar posted: what each name has posted, by C{(sender, recipient)}.
    """

    def __init__(self) -> None:
        super().__init__(tell=lambda _: None)
        self.names: dict[int, str] = {}
        self.posted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)

    def join(self, peer: str, name: str) -> None:
        self.names[_port(peer)] = name

    def post_at_once(self, peer: str, posts: Sequence[wire.Post]) -> None:
        """Only what was posted counts here, so any order will do."""
        for post in posts:
            for text in post.text.split("\n"):
                self.post(peer, wire.Post(post.recipients, text))

    def post(self, peer: str, post: wire.Post) -> None:
        for name in post.recipients:
            self.posted[self.names[_port(peer)], name].add(post.text)

    def keep(self, name: str, line: bytes, kept: bool) -> None:
        """Checks that kept lines had been posted."""

    def check(self, server: Endpoint, client: Endpoint) -> None:
        """Checks that the lines on a client's machine are well-formed, and true.

        @raise PromiseBroken: if it is not.
        """
        lines = bytes(client.heard).split(b"\n")
        cut = lines.pop()
        demand(
            not cut or client.broken or server.broken or not client.ended, f"half a line: {cut!r}"
        )
        name = self.names.get(server.number)
        has_ended = False
        for raw in lines:
            demand(not has_ended, f"something comes behind the end: {raw!r}")
            line = raw.decode()
            demand(not obeyed(line), f"a terminal would obey this: {line!r}")
            said = wire.parse_server_line(line)
            if isinstance(said, wire.Message):
                demand(
                    name is not None and said.text in self.posted[said.sender, name],
                    f"nobody has posted this to {name}: {line!r}",
                )
            else:
                demand(said.word in (NOTICES if name else REFUSALS), f"what is this? {line!r}")
                has_ended = said.word == "bye" or name is None


def _port(peer: str) -> int:
    return int(peer.rpartition(":")[2])
