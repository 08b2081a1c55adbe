"""An assailant: a client that does what it is told, as far as its kernel lets it."""

from __future__ import annotations

from collections.abc import Callable
from socket import SHUT_WR

from tests.simulation.network import Wire


class Assailant:
    """One client; it connects when it has something to say, and anew when it was disconnected.

    @ivar gulp: bytes that it reads at a time; none, if it does not read.
    """

    def __init__(self, dial: Callable[[], Wire]) -> None:
        self.gulp = 10**6
        self._dial = dial
        self._wire: Wire | None = None
        self._output = bytearray()

    def say(self, data: bytes) -> None:
        wire = self._wire
        if wire is None or wire.client.broken or wire.client.ended:
            self._output.clear()
            wire = self._wire = self._dial()
            wire.client.on_change = self._on_change
        self._output += data
        self._write()

    def half_close(self) -> None:
        """Sends no more; bytes that the kernel has not taken yet are never sent."""
        if self._wire is not None:
            self._output.clear()
            self._wire.client.shutdown(SHUT_WR)

    def close(self) -> None:
        self._leave(lambda wire: wire.client.close())

    def reset(self) -> None:
        self._leave(lambda wire: wire.client.reset())

    def cut(self) -> None:
        """The connection breaks, and both sides are told."""
        self._leave(Wire.cut)

    def fall_silent(self) -> None:
        """Nothing arrives any more, either way; only a machine that asks in vain will know."""
        self._leave(Wire.silence)

    def read(self) -> None:
        """Read what is there: a gulp at once, and one with all that comes later."""
        if self._wire is not None and self.gulp:
            try:
                self._wire.client.recv(self.gulp)
            except OSError:
                return

    def _leave(self, way: Callable[[Wire], None]) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            wire.client.on_change = lambda: None
            way(wire)

    def _on_change(self) -> None:
        self._write()
        self.read()

    def _write(self) -> None:
        if self._wire is not None:
            try:
                while self._output:
                    del self._output[: self._wire.client.send(self._output)]
            except OSError:
                return
