"""The clients: people who post, read, dawdle, leave, break off and return, and forget nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from socket import SHUT_WR
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from achat_twisted import wire
from tests.simulation.network import TICK, Wire
from tests.simulation.witness import NOBODY, Conversation, Posting


@dataclass(frozen=True, slots=True)
class World:
    """The means that a client has in the world.

    @ivar dial: opens a connection for a name; nobody can hear yet whether it is let in.
    @ivar numbers: unique ones, for lines.
    """

    clock: IReactorTime
    dial: Callable[[str], tuple[Conversation, Wire]]
    numbers: Iterator[int]
    names: tuple[str, ...]
    tell: Callable[[str], None]


class Client:
    """One person, over all their connections.

    @ivar wild: whether faults and whims are to be expected, or only that all be posted and read.
    @ivar intents: every line that was ever to be posted.
    """

    def __init__(self, name: str, world: World, rng: Random) -> None:
        self.name = name
        self.wild = True
        self.intents: set[int] = set()
        self._world = world
        self._rng = rng
        self._to_post: deque[Posting] = deque()
        self._over = True
        self._reading: IDelayedCall | None = None
        self._later(self._rng.randrange(500) * TICK, self._connect)

    @property
    def settled(self) -> bool:
        """True if all its lines are posted, and are known to be."""
        if self._over or self._leaving or self._to_post or not self._welcome:
            return False
        return self._certain == len(self._here.written)

    def calm_down(self) -> None:
        """Do nothing from now on but post what is to be posted, and read."""
        self.wild = False
        self._gulp, self._interval = 10**6, 0.0
        if not self._over:
            self._here.client.breaks_at = None
            self._wake()

    # Coming and going

    def _connect(self) -> None:
        self._here, self._wire = self._world.dial(self.name)
        self._here.client.on_change = self._wake
        self._over = self._leaving = self._half_closes = False
        self._welcome = self._refused = self._has_bye = False
        self._certain = 0
        self._input = b""
        self._output = bytearray(self._greet())
        self._dawdle()
        if self.wild and self._rng.random() < 0.4:
            self._here.client.breaks_at = self._rng.randrange(1, 3000)
        if self.wild and self._rng.random() < 0.05:
            self._leaving, self._half_closes = True, self._rng.random() < 0.5
        else:
            self._output += b"\n"
            if self._may_speak and self._rng.random() < 0.3:
                self._post()
        self._write_out()
        self._later(self._pause(), self._act, self._here)

    def _greet(self) -> bytes:
        """All up to the end of its login line."""
        return self.name.encode()

    @property
    def _may_speak(self) -> bool:
        """True if it may say something behind its login line."""
        return True

    def _end(self, how: str) -> None:
        if not self._over:
            self._move_on(how)
            self._here.client.close()

    def _move_on(self, how: str) -> None:
        """This connection is over for the client, which posts uncertain lines again."""
        self._over = True
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._world.tell(f"{self.name} ends {self._here.peer}: {how}")
        self._here.client.on_change = lambda: None
        self._to_post.extendleft(reversed(self._uncertain()))
        self._later(self._pause(), self._connect)

    def _uncertain(self) -> list[Posting]:
        """The lines that are to be posted again, as they may not have been taken in."""
        again = [line for line in self._here.written[self._certain :] if isinstance(line, Posting)]
        if self._has_bye or self._refused:
            return again
        return [replace(line, number=next(self._world.numbers)) for line in again]

    def _give_up(self, here: Conversation) -> None:
        if here is self._here:
            self._end("nothing is heard any more")

    # Their actions

    def _act(self, here: Conversation) -> None:
        if self._over or here is not self._here:
            return
        if not self._leaving:
            if not self.wild:
                self._finish()
            elif self._welcome:
                self._rng.choices(self.whims, self.weights)[0](self)
        self._later(self._pause(), self._act, here)

    def _finish(self) -> None:
        """Post what is left, and ask whether it was taken in."""
        if self._to_post:
            self._send_postings(len(self._to_post))
        elif self._welcome and "/sync" not in self._here.written[self._certain :]:
            self._say("/sync")

    def _post(self) -> None:
        if self.wild:
            for _ in range(self._rng.choice([1, 1, 3, 20])):
                self._intend(*self._draw_post())
        self._send_postings(self._rng.randint(1, 30))

    def _intend(self, recipients: tuple[str, ...], padding: int) -> None:
        number = next(self._world.numbers)
        self.intents.add(number)
        self._to_post.append(Posting(number, number, recipients, padding))

    def _draw_post(self) -> tuple[tuple[str, ...], int]:
        names = self._rng.choices(self._world.names, k=self._rng.choice([1, 1, 1, 2, 4]))
        if self._rng.random() < 0.05:
            names.append(NOBODY)
        return tuple(names), self._rng.choice([0, 5, 50, 200])

    def _send_postings(self, most: int) -> None:
        for _ in range(min(most, len(self._to_post))):
            self._say(self._to_post.popleft())

    def _sync(self) -> None:
        self._say("/sync")

    def _chat(self) -> None:
        self._say(self._draw_chat())

    def _draw_chat(self) -> Posting | str:
        return self._rng.choice(["/ping", "/who", "/sync mark", "what?", "\a"])

    def _pester(self) -> None:
        """Ask for more than an outbox has room for."""
        for _ in range(250):
            self._say("/help")

    def _dawdle(self) -> None:
        """Read in another way: at once, slowly, or not at all for a while."""
        self._gulp, self._interval = 10**6, 0.0
        if self.wild:
            self._gulp = self._rng.choice([10**6, 10**6, 500, 20])
            self._interval = self._rng.choice([0, 0, 0, 10, 10, 1000, 1000, 20_000, 400_000]) * TICK

    def _quit(self) -> None:
        """Leave, perhaps right behind what is posted."""
        if self._rng.random() < 0.5:
            self._post()
        self._say("/quit")
        self._leaving = True

    def _half_close(self) -> None:
        self._leaving = self._half_closes = True
        self._write_out()

    def _change_seats(self) -> None:
        """Connect anew while the old connection is still there."""
        self._later(self._rng.randint(1, 20), self._here.client.close)
        self._move_on("changes seats")

    def _hang_up(self) -> None:
        self._end("hangs up")

    def _storm_out(self) -> None:
        """Quit behind more than there is room for, but do not wait for the end of it."""
        for _ in range(self._rng.randint(1, 60)):
            self._intend((self.name,), 50)
        self._send_postings(len(self._to_post))
        self._quit()
        self._later(self._rng.randrange(400) * TICK, self._here.client.reset)

    def _reset(self) -> None:
        self._here.client.reset()

    def _be_cut_off(self) -> None:
        self._world.tell(f"{self._here.peer} is cut")
        self._wire.cut()

    def _vanish(self) -> None:
        self._world.tell(f"{self._here.peer} is silent")
        self._wire.silence()
        self._later(self._rng.randint(1, 100), self._wire.cut)
        self._later(self._rng.choice([1.0, 10.0, 90.0]), self._give_up, self._here)

    whims: tuple[Callable[[Any], None], ...] = (
        _post,
        _sync,
        _chat,
        _pester,
        _dawdle,
        _quit,
        _half_close,
        _change_seats,
        _hang_up,
        _storm_out,
        _reset,
        _be_cut_off,
        _vanish,
    )
    weights: tuple[int, ...] = (400, 100, 50, 4, 100, 20, 20, 20, 10, 10, 20, 20, 20)

    # Bytes

    def _say(self, line: Posting | str) -> None:
        self._here.written.append(line)
        self._output += f"{line}\n".encode()
        self._write_out()

    def _write_out(self) -> None:
        client = self._here.client
        try:
            while self._output:
                del self._output[: client.send(self._output)]
            if self._half_closes:
                client.shutdown(SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self._output.clear()

    def _wake(self) -> None:
        if self._output:
            self._write_out()
        if self._reading is None and not self._over:
            self._reading = self._later(self._interval, self._read)

    def _read(self) -> None:
        self._reading = None
        try:
            data = self._here.client.recv(self._gulp)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(str(error))
            return
        if not data:
            self._end("end of file")
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._hear(line.decode())
        self._wake()

    def _hear(self, line: str) -> None:
        self._world.tell(f"{self._here.peer} {self.name} < {line}")
        said = wire.parse_server_line(line)
        if isinstance(said, wire.Message):
            return
        if said.word == "welcome":
            self._welcome = True
        elif said.word == "synced":
            self._certain = int(said.detail.split()[0])
        elif said.word == "bye":
            self._has_bye = self._leaving = True
            self._certain = int(said.detail)
        elif said.word in ("name-taken", "busy", "bad-name"):
            self._refused = self._leaving = True

    def _pause(self) -> float:
        return self._rng.choice([1, 30, 300, 2000]) * TICK if self.wild else 1.0

    def _later(self, delay: float, call: Callable[..., None], *args: object) -> IDelayedCall:
        return self._world.clock.callLater(delay, call, *args)
