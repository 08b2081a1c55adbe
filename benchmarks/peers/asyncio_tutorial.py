"""The a-chat tutorial on asyncio, or on uvloop: a reader, a queue and a writer for each client.

It has the design and the wire of the tutorial's own servers: the queues have no limit, and nothing
is promised when it is stopped.
"""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from importlib import import_module


class House:
    """The clients that are here, and the lines queued for them."""

    def __init__(self) -> None:
        self._queues: dict[str, asyncio.Queue[str]] = {}

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A client, from its name to its end."""
        name = (await reader.readline()).decode().strip()
        if not name or name in self._queues:
            writer.close()
            return
        queue = self._queues[name] = asyncio.Queue()
        writing = asyncio.create_task(self._write(queue, writer))
        try:
            async for line in reader:
                self._post(name, line.decode())
        finally:
            del self._queues[name]
            writing.cancel()
            writer.close()

    def _post(self, sender: str, line: str) -> None:
        names, colon, text = line.partition(":")
        for name in names.split(",") if colon else ():
            if queue := self._queues.get(name.strip()):
                queue.put_nowait(f"from {sender}: {text.strip()}\n")

    async def _write(self, queue: asyncio.Queue[str], writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write((await queue.get()).encode())
            await writer.drain()


async def serve(port: int) -> None:
    server = await asyncio.start_server(House().receive, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


def main() -> None:
    parser = ArgumentParser(description="The a-chat tutorial on asyncio.")
    parser.add_argument("port", type=int)
    parser.add_argument("--uvloop", action="store_true")
    arguments = parser.parse_args()
    factory = import_module("uvloop").new_event_loop if arguments.uvloop else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(arguments.port))


if __name__ == "__main__":
    main()
