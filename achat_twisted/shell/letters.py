"""Dead letters: messages that are given up, and posted to somebody who looks after them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import Refusal, Refused
from achat_twisted.client.messages import Message
from achat_twisted.client.state import State
from achat_twisted.shell.working import plain

if TYPE_CHECKING:
    from sqlite3 import Connection

_SCHEMA = """
CREATE TABLE IF NOT EXISTS take_letter (
    room TEXT NOT NULL, era TEXT NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL)
"""
"""The letter whose message is not done yet: there is one at a time, as there is one message."""


class DeadLetters:
    """The letters of one run.

    A message is done when its letter is taken in. With a state in a file the letter stands beside
    the number of its message from the beginning, so that a crash in between posts no second one.

    @ivar recipients: those who get the letters, as a line begins.
    """

    def __init__(self, recipients: str, state: State) -> None:
        self.recipients = recipients
        self._state = state

    async def send(self, chat: Chat, message: Message) -> str:
        """Post a message, as much of it as the server takes, and be done with it.

        @return: the letter.
        @raise Refused: if it is not taken in; then the message is not done.
        @raise UnusableLine: if it can be no line.
        """
        letter = plain(message)
        refusals = await self._post(chat, message, letter)
        if (longest := _longest(refusals)) is not None:
            letter = _cut(letter, longest - len(f"{self.recipients}: ".encode()))
            refusals = await self._post(chat, message, letter)
        if refusals:
            raise Refused(refusals)
        if not self._state.is_lasting:
            await message.done()
            return letter
        async with message.transaction() as work:
            work.db.execute("DELETE FROM take_letter")
        return letter

    async def _post(self, chat: Chat, message: Message, letter: str) -> tuple[Refusal, ...]:
        """Post a letter, if it is not posted yet; returns its refusals."""
        if not self._state.is_lasting:
            try:
                await chat.say(f"{self.recipients}: {letter}")
            except Refused as error:
                return error.refusals
            return ()
        async with chat.transaction() as work:
            place = _posted(work.db, message)
            if place is None:
                work.post(self.recipients.split(", "), letter)
                place = self._state.last
                letters = (message.room, message.era, message.number, place)
                work.db.execute("DELETE FROM take_letter")
                work.db.execute("INSERT INTO take_letter VALUES (?, ?, ?, ?)", letters)
        await chat.sync()
        refusals = tuple(one for one in self._state.refusals() if one.place == place)
        if refusals:
            async with chat.transaction() as work:
                work.db.execute("DELETE FROM take_letter")
                self._state.told(place)
        return refusals


def _posted(db: Connection, message: Message) -> int | None:
    """The place of a message's letter; None if there is none."""
    db.execute(_SCHEMA)
    query = "SELECT place FROM take_letter WHERE room = ? AND era = ? AND number = ?"
    row = db.execute(query, (message.room, message.era, message.number)).fetchone()
    return None if row is None else int(row[0])


def _longest(refusals: tuple[Refusal, ...]) -> int | None:
    """The bytes that a line may have, if it was refused for its length."""
    for one in refusals:
        if one.word == "too-long" and one.detail.isdecimal():
            return int(one.detail)
    return None


def _cut(text: str, most: int) -> str:
    """The beginning of a text that is too long, with its length, in so many bytes."""
    whole = text.encode()
    end = f"… ({len(whole)} bytes)"
    return whole[: max(0, most - len(end.encode()))].decode(errors="ignore") + end
