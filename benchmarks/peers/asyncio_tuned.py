"""A chat server on asyncio that does nothing but be fast, with the wire of the a-chat tutorial.

A protocol, not streams; bytes, not text; one write for a recipient, however many lines have come
for it at once. It queues without a limit, checks nothing, and promises nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import Any

PEOPLE = dict[bytes, asyncio.WriteTransport]
"""The clients that are here, by name."""


class Peer(asyncio.Protocol):
    """One connection."""

    def __init__(self, people: PEOPLE) -> None:
        self._people = people
        self._name = b""
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.WriteTransport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and not self._name:
            self._log_in(lines.pop(0).strip())
        batches: dict[asyncio.WriteTransport, list[bytes]] = defaultdict(list)
        for line in lines:
            names, colon, text = line.partition(b":")
            message = b"from %b: %b\n" % (self._name, text.strip())
            for name in names.split(b",") if colon else ():
                if recipient := self._people.get(name.strip()):
                    batches[recipient].append(message)
        for recipient, messages in batches.items():
            recipient.write(b"".join(messages))

    def connection_lost(self, error: Exception | None) -> None:
        if self._people.get(self._name) is self._transport:
            del self._people[self._name]

    def _log_in(self, name: bytes) -> None:
        self._name = name
        self._people.setdefault(name, self._transport)


async def serve(port: int) -> None:
    people: PEOPLE = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Peer(people), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
