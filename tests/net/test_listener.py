"""The listener: its address, and its lines in the log."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocolFactory,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from achat_twisted.net.addresses import describe, is_local
from achat_twisted.net.listener import Listener
from achat_twisted.tools.errors import CannotStart
from tests.logged import Logged

ADDRESSES = [
    (IPv4Address("TCP", "127.0.0.1", 80), "127.0.0.1:80", True),
    (IPv4Address("TCP", "127.9.9.9", 80), "127.9.9.9:80", True),
    (IPv4Address("TCP", "0.0.0.0", 80), "0.0.0.0:80", False),
    (IPv6Address("TCP", "::1", 80), "[::1]:80", True),
    (IPv6Address("TCP", "::", 80), "[::]:80", False),
    (IPv6Address("TCP", "fe80::1%eth0", 80), "[fe80::1%eth0]:80", False),
    (UNIXAddress("/run/achat"), "unix:/run/achat", True),
    (UNIXAddress(""), "a local socket", True),
]


@implementer(IListeningPort)
class Port:
    """A port that listens at an address."""

    listening = True

    def __init__(self, address: IAddress) -> None:
        self.address = address

    def startListening(self) -> None:
        """It does already."""

    def stopListening(self) -> Deferred[None]:
        self.listening = False
        return succeed(None)

    def getHost(self) -> IAddress:
        return self.address


@implementer(IStreamServerEndpoint)
class Endpoint:
    """An endpoint with a known result."""

    def __init__(self, result: Deferred[IListeningPort]) -> None:
        self.result = result

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        return self.result


class ListenerTests(SynchronousTestCase):
    """L{Listener}."""

    def setUp(self) -> None:
        self.prepared: list[IListeningPort] = []

    def _listener(self, result: Deferred[IListeningPort], **more: bool) -> Listener:
        return Listener(Endpoint(result), "tcp:80", Factory(), self.prepared.append, **more)

    def _started(self, address: IAddress, **more: bool) -> tuple[Listener, list[str]]:
        """A listener that has started, and its lines in the log other than its address."""
        listener = self._listener(succeed(Port(address)), **more)
        with Logged() as logged:
            listener.privilegedStartService()
            listener.startService()
        return listener, logged.texts[1:]

    def test_says_where(self) -> None:
        """It says where it listens, and loudly so if others than this machine can reach it."""
        for address, described, local in ADDRESSES:
            with Logged() as logged:
                listener = self._listener(succeed(Port(address)))
                listener.privilegedStartService()
                self.assertEqual(logged.texts, [])
                listener.startService()
            self.assertEqual(logged.texts[0], f"listening on {described}")
            self.assertEqual(len(logged.texts), 1 if local else 2, logged.texts)
            self.assertEqual((describe(address), is_local(address)), (described, local))

    def test_secrets_in_the_clear(self) -> None:
        """It warns of secrets where others can listen, unless TLS hides them, or there are none."""
        for address, described, local in ADDRESSES:
            _, warnings = self._started(address, is_guarded=True)
            self.assertEqual(
                warnings,
                []
                if local
                else [
                    f"{described} can be reached from other machines without TLS, and secrets"
                    " cross the network for anybody to read"
                ],
            )
            _, warnings = self._started(address, is_guarded=True, is_encrypted=True)
            self.assertEqual(warnings, [])

    def test_reload(self) -> None:
        """When a reload changes who may log in, it warns once of the new state."""
        for address, _, local in ADDRESSES:
            listener, _ = self._started(address)
            with Logged() as logged:
                for is_guarded in (True, True, False):
                    listener.guard(is_guarded)
            whats = [text.partition("machines")[2][:12] for text in logged.texts]
            self.assertEqual(whats, [] if local else [" without TLS", ", and anybod"])

    def test_port_is_prepared_and_closed(self) -> None:
        """Its port is prepared before anybody comes, and closed when it stops."""
        port = Port(ADDRESSES[0][0])
        listener = self._listener(succeed(port))
        listener.privilegedStartService()
        listener.startService()
        self.assertEqual(self.prepared, [port])
        self.successResultOf(listener.stopService())
        self.assertFalse(port.listening)

    def test_stops_without_a_port(self) -> None:
        """It can be stopped when it has never listened."""
        self.successResultOf(self._listener(Deferred()).stopService())

    def test_cannot_listen(self) -> None:
        """A port that is taken ends the process with one sentence."""
        taken = CannotListenError("", 80, OSError(98, "Address already in use"))
        listener = self._listener(fail(taken))
        error = self.assertRaises(CannotStart, listener.privilegedStartService)
        self.assertEqual(
            str(error),
            "achat: cannot listen on tcp:80: [Errno 98] Address already in use;"
            " stop what listens there, or choose another place",
        )

    def test_cannot_listen_for_another_reason(self) -> None:
        """Any other error is reported as it is."""
        for failure, why in [
            (CannotListenError("", 80, PermissionError(13, "no")), "[Errno 13] no"),
            (
                CannotListenError("", 80, OSError(97, "no")),
                "[Errno 97] no; a service without a network needs a socket that systemd opens",
            ),
            (ValueError("the socket is for AF_INET6"), "the socket is for AF_INET6"),
        ]:
            listener = self._listener(fail(failure))
            error = self.assertRaises(CannotStart, listener.privilegedStartService)
            self.assertEqual(str(error), f"achat: cannot listen on tcp:80: {why}")
