"""An echo bot, which says to everybody what they have said to it.

Run it as C{python echo_bot.py echo@localhost}, and end it with Ctrl-C. It waits for the server
whenever that is away. If it is killed between an answer and C{done}, the message comes again and is
answered once more; C{worker.py} shows how to prevent that.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from achat_twisted.client import ChatError, Refused, connect


async def main(address: str) -> None:
    async with connect(address) as chat:
        async for message in chat:
            if not message.text.startswith("echo: "):  # two such bots would never stop
                try:
                    await chat.post(message.sender, f"echo: {message.text}")
                except Refused as refused:
                    print(refused, file=sys.stderr)
            await message.done()


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(main(*sys.argv[1:]))
    except ChatError as error:
        sys.exit(str(error))
