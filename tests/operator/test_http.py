"""The monitor: its answers, its visitors, and their time."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, cast

from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.broker import Broker
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.mailbox.memory import MemoryMailbox
from achat_twisted.operator.console import Console
from achat_twisted.operator.http import VISIT, VISITORS, Monitor, MonitorSite, Pages
from achat_twisted.operator.outcome import Outcome
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.server.options import Options
from achat_twisted.server.reload import Reloader
from achat_twisted.server.service import ChatService
from achat_twisted.server.systemd import NoNotifier
from tests.fakes import Bug, NoSignals
from tests.logged import Logged
from tests.net.test_listener import ADDRESSES, Endpoint, Port
from tests.server.test_service import Door


class Visitor:
    """A client of a L{MonitorSite}."""

    def __init__(self, site: MonitorSite) -> None:
        self._visit = site.buildProtocol(None)
        self.transport = Transport()
        self._visit.makeConnection(self.transport)

    def sends(self, data: bytes) -> None:
        self._visit.dataReceived(data)

    def asks(self, path: str, method: str = "GET") -> str:
        """The answer, from the status to the last byte of the body."""
        self.sends(f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer: str = self.transport.value().decode()
        return answer

    def is_gone(self) -> None:
        self._visit.connectionLost(connectionDone)


class Transport(StringTransport):
    """A connection that says whether it was aborted."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


def status(answer: str) -> int:
    return int(answer.split()[1])


def body(answer: str) -> str:
    return answer.partition("\r\n\r\n")[2]


def console(clock: Clock, phase: Callable[[], str]) -> Console:
    """A console that looks at nothing but the phase."""
    mailbox, factory = MemoryMailbox(clock), cast(Any, None)
    return Console(Broker(clock, mailbox), mailbox, factory, phase, Outcome)


class SiteTests(SynchronousTestCase):
    """L{MonitorSite} and its pages."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.phase = "ready"
        self.registry = CollectorRegistry()
        self.console = console(self.clock, lambda: self.phase)
        self.site = MonitorSite(Pages(self.registry, self.console), self.clock)
        self.site.doStart()

    def _asks(self, path: str, method: str = "GET") -> str:
        return Visitor(self.site).asks(path, method)

    def test_healthy(self) -> None:
        """A server that answers when asked whether it is alive, is."""
        self.phase = "stopping"
        self.assertEqual(status(self._asks("/healthz")), 200)

    def test_ready(self) -> None:
        """It is ready in one phase only, and names its phase."""
        for phase, code in (("starting", 503), ("ready", 200), ("stopping", 503), ("new", 503)):
            self.phase = phase
            answer = self._asks("/readyz")
            self.assertEqual((status(answer), body(answer)), (code, f"{phase}\n"))

    def test_kinds_of_metrics(self) -> None:
        """Metrics come in the format that is asked for, and in the oldest one by default."""
        for accept, kind in (
            ("", "text/plain; version=0.0.4; charset=utf-8"),
            ("Accept: application/openmetrics-text\r\n", "application/openmetrics-text; version="),
            ("Accept: application/openmetrics-text; version=x\r\n", "text/plain; version=0.0.4"),
        ):
            visitor = Visitor(self.site)
            visitor.sends(f"GET /metrics HTTP/1.1\r\n{accept}\r\n".encode())
            self.assertIn(f"\r\nContent-Type: {kind}", visitor.transport.value().decode())

    def test_head(self) -> None:
        """HEAD is answered with what GET would be, without the body, and without a word in the
        log.
        """
        with Logged("twisted.web") as logged:
            head, get = self._asks("/readyz", "HEAD"), self._asks("/readyz")
        self.assertEqual(head, get.removesuffix("ready\n"))
        self.assertEqual(logged.texts, [])

    def test_nothing_else(self) -> None:
        """Other paths and other methods are refused, and queries are ignored."""
        for path, method, code in (
            ("/", "GET", 404),
            ("/metrics/", "GET", 404),
            ("/metrics?x=1", "GET", 200),
            ("/metrics", "POST", 405),
            ("/metrics", "PUT", 405),
            ("/metrics", "NONSENSE", 405),
            ("/healthz", "DELETE", 405),
            ("*", "OPTIONS", 200),
        ):
            answer = self._asks(path, method)
            self.assertEqual(status(answer), code, (path, method))
        self.assertIn("\r\nAllow: GET, HEAD\r\n", self._asks("/metrics", "PUT"))

    def test_says_nothing_of_itself(self) -> None:
        """An answer does not name the software."""
        self.assertNotIn("Twisted", self._asks("/healthz"))

    def test_one_request_each(self) -> None:
        """A connection is closed after the answer, also if more was asked for."""
        visitor = Visitor(self.site)
        visitor.sends(b"GET /healthz HTTP/1.1\r\nConnection: keep-alive\r\n\r\n" * 2)
        self.assertEqual(visitor.transport.value().count(b"HTTP/1.1 200"), 1)
        self.assertIn(b"\r\nConnection: close\r\n", visitor.transport.value())
        self.assertTrue(visitor.transport.disconnecting)

    def test_slow_visitor(self) -> None:
        """A visitor that takes too long is aborted, however busy it is."""
        visitor = Visitor(self.site)
        for _ in range(int(VISIT) - 1):
            self.clock.advance(1)
            visitor.sends(b"G")
        self.assertFalse(visitor.transport.aborted)
        self.clock.advance(1)
        self.assertTrue(visitor.transport.aborted)
        visitor.is_gone()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_who_has_gone(self) -> None:
        """A visitor that has gone is not waited for."""
        visitor = Visitor(self.site)
        visitor.asks("/healthz")
        visitor.is_gone()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_idle_crowd(self) -> None:
        """When there are too many, the one that has been idle longest goes, and one gets in."""
        crowd = [Visitor(self.site) for _ in range(VISITORS)]
        crowd[0].sends(b"GET /healthz HTTP/1.1\r\n\r\n")
        crowd[1].sends(b"GET /hea")
        crowd += [Visitor(self.site) for _ in range(VISITORS - 1)]
        self.assertEqual(
            [visitor.transport.aborted for visitor in crowd],
            [False, *[True] * (VISITORS - 1), *[False] * (VISITORS - 1)],
        )
        for visitor in crowd[1:VISITORS]:
            visitor.is_gone()
        self.assertEqual(status(self._asks("/healthz")), 200)

    def test_crowd_that_is_answered(self) -> None:
        """When all are being answered the next one finds no room until one of them has gone."""
        crowd = [Visitor(self.site) for _ in range(VISITORS)]
        for visitor in crowd:
            visitor.asks("/healthz")
        self.assertIsNone(self.site.buildProtocol(None))
        crowd[0].is_gone()
        self.assertEqual(status(self._asks("/healthz")), 200)

    def test_odd_headers(self) -> None:
        """An odd header is a bad request at most, and one about what is accepted not even that."""
        for header, code in (
            (b"Accept: \xe9", 200),
            (b"Accept: application/openmetrics-text;version=1..0", 200),
            (b"Accept: application/openmetrics-text;version=\xc2\xb2", 200),
            (b"Accept: application/openmetrics-text;version=" + b"9" * 5000, 200),
            (b"Content-Length: x", 400),
            (b"Content-Length: " + b"9" * 5000, 400),
        ):
            visitor = Visitor(self.site)
            visitor.sends(b"GET /metrics HTTP/1.1\r\n" + header + b"\r\n\r\n")
            self.assertEqual(status(visitor.transport.value().decode()), code, header[:60])
            self.assertTrue(visitor.transport.disconnecting)

    @given(
        st.lists(
            st.sampled_from(
                (
                    *(b"application/openmetrics-text", b"text/plain", b"version=", b"escaping="),
                    *(b"1", b";", b",", b".", b"-", b"q=", b"values", b"\xe9", b"\xff", b" "),
                )
            )
        )
    )
    def test_any_accept(self, words: list[bytes]) -> None:
        """A visitor gets the metrics in one format or the other, whatever it says it accepts."""
        visitor = Visitor(self.site)
        visitor.sends(b"GET /metrics HTTP/1.1\r\nAccept: " + b"".join(words) + b"\r\n\r\n")
        self.assertEqual(status(visitor.transport.value().decode()), 200)
        visitor.is_gone()

    def test_long_request(self) -> None:
        """A visitor's body is not kept, and too long a head is refused."""
        files: list[BytesIO] = []

        class WatchedSite(MonitorSite):
            def getContentFile(self, length: int | None) -> BytesIO:
                files.append(super().getContentFile(length))
                return files[-1]

        site = WatchedSite(Pages(self.registry, self.console), self.clock)
        visitor = Visitor(site)
        visitor.sends(b"PUT /metrics HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n")
        visitor.sends(b"x" * 999_999)
        self.assertEqual([file.getvalue() for file in files], [b""])
        visitor.sends(b"x")
        self.assertEqual(status(visitor.transport.value().decode()), 405)
        visitor = Visitor(self.site)
        visitor.sends(b"GET /metrics HTTP/1.1\r\n" + b"X: x\r\n" * 10_000)
        self.assertEqual(status(visitor.transport.value().decode()), 400)

    def test_bug(self) -> None:
        """A bug of ours is an error in the log, and costs one answer."""

        class Broken:
            def collect(self) -> list[Any]:
                raise Bug

        self.registry.register(Broken())
        self.assertEqual(status(self._asks("/metrics")), 500)
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)
        self.assertEqual(status(self._asks("/healthz")), 200)


class SitesPort(Port):
    """The port of a site, which hears when it is closed."""

    def __init__(self, site: MonitorSite) -> None:
        super().__init__(ADDRESSES[0][0])
        self._site = site

    def stopListening(self) -> Deferred[None]:
        self._site.doStop()
        return super().stopListening()


class MonitorTests(SynchronousTestCase):
    """L{Monitor}, and the server that it watches."""

    def setUp(self) -> None:
        self.clock = Clock()
        watched = console(self.clock, lambda: self.service.phase.value)
        self.site = MonitorSite(Pages(CollectorRegistry(), watched), self.clock)
        self.site.doStart()
        self.port = SitesPort(self.site)
        self.monitor = Monitor(Endpoint(succeed(self.port)), "tcp:80", self.site)
        self.door = Door()
        mailbox = MemoryMailbox(self.clock)
        broker = Broker(self.clock, mailbox)
        self.service = ChatService(
            [self.door],
            ChatFactory(
                broker,
                self.clock,
                Terms(),
                Admission(self.clock, Limits()),
            ),
            broker,
            mailbox,
            clock=self.clock,
            signals=NoSignals(),
            notifier=NoNotifier(),
            reloader=Reloader(Options({})),
            attendants=[self.monitor],
        )

    def _is_ready(self) -> int:
        return status(Visitor(self.site).asks("/readyz"))

    def test_not_ready_before_ports_close(self) -> None:
        """From the first moment of a stop it is not ready, while the ports are still open."""
        self.service.privilegedStartService()
        self.assertEqual(self._is_ready(), 503)
        self.service.startService()
        self.assertEqual(self._is_ready(), 200)
        stopped = self.service.stopService()
        self.assertFalse(self.door.closed.called)
        self.assertEqual(self._is_ready(), 503)
        self.assertTrue(self.port.listening)
        self.door.closed.callback(None)
        self.successResultOf(stopped)
        self.assertFalse(self.port.listening)

    def test_nobody_holds_up_the_stop(self) -> None:
        """A visitor that is still there when the stop is over is sent away, and not waited for."""
        self.service.privilegedStartService()
        self.service.startService()
        self.clock.advance(0)
        visitor = Visitor(self.site)
        visitor.sends(b"GET /hea")
        stopped = self.service.stopService()
        self.assertFalse(visitor.transport.aborted)
        self.door.closed.callback(None)
        self.successResultOf(stopped)
        self.assertTrue(visitor.transport.aborted)
        visitor.is_gone()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_says_where(self) -> None:
        """It says where the metrics are, and loudly so if others than this machine can see them."""
        for address, texts in (
            (ADDRESSES[0][0], ["metrics are at http://127.0.0.1:80/metrics"]),
            (
                ADDRESSES[2][0],
                [
                    "metrics are at http://0.0.0.0:80/metrics",
                    "0.0.0.0:80 can be reached from other machines, and anybody there can read"
                    " the metrics",
                ],
            ),
        ):
            with Logged() as logged:
                monitor = Monitor(Endpoint(succeed(Port(address))), "tcp:80", self.site)
                monitor.privilegedStartService()
                monitor.startService()
            self.assertEqual(logged.texts, texts)
