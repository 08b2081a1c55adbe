"""The self-test, with the Twisted that there is, and with some that there might be."""

from __future__ import annotations

import errno
import socket
from typing import Any, NoReturn

from twisted.internet.interfaces import IProtocol
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net import selftest
from achat_twisted.net.interfaces import IPoller
from achat_twisted.net.transport import ServerTransport
from achat_twisted.tools.errors import CannotStart


class SaysNothingOfHalfClose(ServerTransport):
    """As if Twisted kept elsewhere that a connection is half-closed."""

    _writeDisconnected = property(lambda self: False, lambda self, value: None)


class HasNoHalfClose(ServerTransport):
    """As if the attribute were gone."""

    @property
    def is_half_closed(self) -> bool:
        raise AttributeError("_writeDisconnected")


class WritesByItself(ServerTransport):
    """As if Twisted did not write by C{writeSomeData} any more."""

    def doWrite(self) -> Any:
        self.socket.send(b"something")


class Drops(ServerTransport):
    """As if Twisted wrote, and forgot what the kernel had not taken."""

    def doWrite(self) -> Any:
        self.stopWriting()


class NeverWrites(ServerTransport):
    """As if Twisted did not ask for room to write."""

    def startWriting(self) -> None:
        """Nothing is asked."""


class ClosesAtOnce(ServerTransport):
    """Half-closes without waiting for written bytes."""

    def loseWriteConnection(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)
        self._writeDisconnected = True


CHANGED = {
    SaysNothingOfHalfClose: "it does not say that a connection is half-closed",
    HasNoHalfClose: "it failed (AttributeError('_writeDisconnected'))",
    WritesByItself: "not all count as outstanding",
    Drops: "what was written does not arrive",
    NeverWrites: "what waits is not written when there is room",
    ClosesAtOnce: "it calls a connection half-closed too early",
}


class HoldsBack(TLSMemoryBIOProtocol):
    """As if TLS gathered small writes until the next turn of the reactor."""

    def write(self, data: bytes) -> None:
        """Nothing is written yet."""


class ForgetsTheEnd(TLSMemoryBIOProtocol):
    """As if TLS kept what is left of a large write."""

    def write(self, data: bytes) -> None:
        super().write(data[: 2**17])


class Differs(TLSMemoryBIOProtocol):
    """As if it were something else altogether."""

    def dataReceived(self, data: bytes) -> None:
        raise RuntimeError("not here")


CHANGED_TLS: dict[type[TLSMemoryBIOProtocol], str] = {
    HoldsBack: "TLS holds back what is written",
    ForgetsTheEnd: "TLS holds back what is written",
    Differs: "it failed (RuntimeError('not here'))",
}


class SelfTestTests(SynchronousTestCase):
    """L{selftest.run}."""

    def test_this_twisted(self) -> None:
        """The Twisted that is installed does what achat needs."""
        selftest.run()

    def test_no_unix_sockets(self) -> None:
        """Without unix sockets it cannot be tried, and the sentence says what helps."""

        def socketpair() -> NoReturn:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

        self.patch(socket, "socketpair", socketpair)
        refusal = self.assertRaises(CannotStart, selftest.run)
        self.assertIn("RestrictAddressFamilies= must have AF_UNIX", str(refusal))

    def test_changed(self) -> None:
        """A Twisted that would lose lines is refused, in one sentence that says why."""
        for changed, why in CHANGED.items():

            def make(poller: IPoller, sock: socket.socket, protocol: IProtocol) -> ServerTransport:
                nobody: Any = None
                return changed(poller, sock, protocol, ("", 0), nobody, 0, object())  # noqa: B023

            refusal = self.assertRaises(CannotStart, selftest.run, make)
            self.assertIn(why, str(refusal))
            self.assertNotIn("\n", str(refusal))

    def test_changed_tls(self) -> None:
        """A Twisted whose TLS holds back bytes that nobody counts is refused, too."""
        for changed, why in CHANGED_TLS.items():
            refusal = self.assertRaises(CannotStart, selftest.run, tls=changed)
            self.assertIn(why, str(refusal))
