"""A bridge of two servers, over which each message goes exactly once.

Run it as C{python bridge.py bridge@here bridge@there DIRECTORY}, which is where its two states are.
On either server C{bridge: bob: hi}, said by ann, brings C{bob} on the other one C{ann: hi} from the
bridge. A message has arrived there, in the state at least, before it is done here; and that state
notes which message was the last one, so that one that comes again, after a kill, is left out.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

from achat_twisted.client import Chat, ChatError, Message, UnusableLine, connect
from achat_twisted.client.messages import Work

LAST = "CREATE TABLE IF NOT EXISTS last (era, number)"


def is_new(db: Connection, message: Message) -> bool:
    """Notes a message as the last one, unless it was carried before."""
    here = [message.era, message.number]
    if db.execute("SELECT 1 FROM last WHERE era = ? AND number >= ?", here).fetchone():
        return False
    db.execute("DELETE FROM last")
    db.execute("INSERT INTO last VALUES (?, ?)", here)
    return True


def forward(message: Message, work: Work) -> None:
    """Posts what a message says."""
    to, colon, text = message.text.partition(":")
    if not colon:
        raise UnusableLine("there is no name")
    work.post(to.split(","), f"{message.sender}: {text.strip()}")


async def carry(here: Chat, there: Chat) -> None:
    """Carries messages in one direction, and tells their senders of refusals."""
    async with there.transaction() as work:
        work.db.execute(LAST)
    async for message in here:
        answers: list[tuple[str, str]] = []
        try:
            async with there.transaction() as work:
                if is_new(work.db, message):
                    forward(message, work)
        except UnusableLine:
            answers.append((message.sender, "! say NAME: TEXT"))
        await there.sync()
        for refusal in there.refusals():
            sender = refusal.line.split(":")[1].strip()
            if not sender.startswith("!"):  # as no name does: that line was an answer
                answers.append((sender, f"! {refusal.why}"))
        async with message.transaction() as work:
            for sender, why in answers:
                work.post(sender, why)


async def main(address_here: str, address_there: str, directory: str) -> None:
    place = Path(directory)
    async with (
        connect(address_here, state=place / "here.state") as here,
        connect(address_there, state=place / "there.state") as there,
    ):
        await asyncio.gather(carry(here, there), carry(there, here))


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            asyncio.run(main(*sys.argv[1:]))
    except ChatError as error:
        sys.exit(str(error))
