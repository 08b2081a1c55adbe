"""The synchronous face, for scripts::

    from achat_twisted.client.blocking import connect

    with connect("cron@localhost", only_sends=True, retry=60) as chat:
        chat.post("ann", "the backup is done")

It is the chat of asyncio, in a loop of its own that runs only while a call waits: no thread is
involved. So nothing is heard between two calls; a script that thinks for long is taken for one that
is slow, and goes on where it was.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from achat_twisted.client import streams
from achat_twisted.client.address import Address
from achat_twisted.client.chat import Chat
from achat_twisted.client.errors import Closed, Refusal
from achat_twisted.client.events import Listener
from achat_twisted.client.messages import Logged, Members, Message, Posted, Posting, Work
from achat_twisted.client.state import State

if TYPE_CHECKING:
    from datetime import datetime
    from ssl import SSLContext

_T = TypeVar("_T")
_Run = Callable[[Coroutine[Any, Any, Any]], Any]


class BlockingMessage:
    """A message that has come, and is to be worked off; see L{Message}."""

    def __init__(self, message: Message, run: _Run) -> None:
        self._message = message
        self._run = run
        self.number = message.number
        self.era = message.era
        self.sender = message.sender
        self.text = message.text
        self.room = message.room
        self.is_own = message.is_own

    @property
    def time(self) -> datetime | None:
        """See L{Message.time}."""
        return self._message.time

    def done(self) -> None:
        """See L{Message.done}."""
        self._run(self._message.done())

    @contextmanager
    def transaction(self) -> Iterator[Work]:
        """See L{Message.transaction}; used with C{with}."""
        transaction = self._message.transaction()
        work = self._run(transaction.__aenter__())
        try:
            yield work
        except BaseException as error:
            if not self._run(transaction.__aexit__(type(error), error, error.__traceback__)):
                raise
        else:
            self._run(transaction.__aexit__(None, None, None))

    def __repr__(self) -> str:
        return repr(self._message)


class BlockingChat:
    """A chat whose methods wait; see L{Chat} for what they promise."""

    def __init__(self, make: Callable[[], Chat]) -> None:
        self._runner = asyncio.Runner()
        try:
            self._chat = self._run(_made(make))
        except BaseException:
            self._runner.close()
            raise

    def _run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        return self._runner.run(coroutine)

    def __enter__(self) -> Self:
        self._run(self._chat.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(in_order=kind is None)

    def close(self, *, in_order: bool = True) -> None:
        """See L{Chat.close}."""
        try:
            self._run(self._chat.close(in_order=in_order))
        finally:
            self._runner.close()

    def __iter__(self) -> Iterator[BlockingMessage]:
        """The messages, for ever; see L{next}."""
        while True:
            try:
                yield self.next()
            except Closed:
                return

    def next(self, timeout: float | None = None) -> BlockingMessage:
        """The next message, when it comes.

        @param timeout: the seconds to wait for it; None for ever.
        @raise TimeoutError: if none has come by then; none is lost.
        @raise SessionOver: see L{Chat.next}.
        """
        return BlockingMessage(self._run(_within(timeout, self._chat.next())), self._run)

    def post(self, to: str | Iterable[str], text: str) -> Posted:
        """See L{Chat.post}."""
        return self._run(self._chat.post(to, text))

    def say(self, line: str) -> Posted:
        """See L{Chat.say}."""
        return self._run(self._chat.say(line))

    def submit(self, lines: Iterable[str]) -> list[Posting]:
        """See L{Chat.submit}; L{outcome} tells what becomes of each."""
        return self._run(self._chat.submit(lines))

    def outcome(self, posting: Posting) -> Posted:
        """Wait until the fate of a line is known.

        @raise Refused: if it was refused, for all of its recipients or for some.
        @raise SessionOver: if the server lets us in no more, or was not reached in time.
        """
        return self._run(_awaited(posting))

    def sync(self) -> None:
        """See L{Chat.sync}."""
        self._run(self._chat.sync())

    def refusals(self) -> list[Refusal]:
        """See L{Chat.refusals}."""
        return self._run(_made(self._chat.refusals))

    def unsettled(self) -> list[str]:
        """See L{Chat.unsettled}."""
        return self._chat.unsettled()

    def ready(self) -> None:
        """See L{Chat.ready}."""
        self._run(self._chat.ready())

    def who(self) -> list[str]:
        """See L{Chat.who}."""
        return self._run(self._chat.who())

    def ping(self) -> None:
        """See L{Chat.ping}."""
        self._run(self._chat.ping())

    def join(self, room: str) -> None:
        """See L{Chat.join}."""
        self._run(self._chat.join(room))

    def part(self, room: str) -> None:
        """See L{Chat.part}."""
        self._run(self._chat.part(room))

    def members(self, room: str) -> Members:
        """See L{Chat.members}."""
        return self._run(self._chat.members(room))

    def log(self, room: str, lines: int = 20, before: int | None = None) -> list[Logged]:
        """See L{Chat.log}."""
        return self._run(self._chat.log(room, lines, before))


async def _made(make: Callable[[], _T]) -> _T:
    return make()


async def _awaited(posting: Posting) -> Posted:
    return await posting


async def _within(timeout: float | None, coroutine: Coroutine[Any, Any, _T]) -> _T:
    async with asyncio.timeout(timeout):
        return await coroutine


def connect(
    address: str | Address,
    *,
    secret: str | None = None,
    secret_file: str | None = None,
    environ: Mapping[str, str] = os.environ,
    state: str | os.PathLike[str] | State | None = None,
    tls: bool | SSLContext = False,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    only_sends: bool = False,
    device: bool = False,
    rooms: bool = False,
    retry: float | None = None,
    listener: Listener | None = None,
) -> BlockingChat:
    """A chat, to be entered with C{with}; the arguments and errors are those of L{streams.connect}.

    With C{retry} nothing waits for longer than that for a server that is not there; without it, for
    ever.
    """
    return BlockingChat(
        lambda: streams.connect(
            address,
            secret=secret,
            secret_file=secret_file,
            environ=environ,
            state=state,
            tls=tls,
            ca=ca,
            cert=cert,
            key=key,
            only_sends=only_sends,
            device=device,
            rooms=rooms,
            retry=retry,
            listener=listener,
        )
    )
