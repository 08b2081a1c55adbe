"""The monitor: metrics and health over HTTP.

Strategy: C{twisted.web} speaks HTTP. As no request takes long, a connection is for one request, and
has ten seconds in all. So a stop need not wait for any, and one that is slow on purpose gains
nothing. When there are too many, the oldest one that has not asked for anything yet goes, so that a
crowd of idle ones does not keep out one that asks.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from twisted.internet.interfaces import IAddress, IReactorTime, IStreamServerEndpoint
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from achat_twisted.net.listener import Listener
from achat_twisted.operator.console import Console
from achat_twisted.tools.deadlines import Deadlines

VISIT = 10.0
"""The seconds for a visitor to ask and to take the answer; then the connection is aborted."""

VISITORS = 50
"""The most visitors at a time.

When one more comes, the one that has been idle for longest goes; or the newcomer, if none is idle.
"""

_METHODS = (b"GET", b"HEAD")


class Pages(Resource):
    """The pages for an operator's tools, by path."""

    isLeaf = True

    def __init__(self, registry: CollectorRegistry, console: Console) -> None:
        super().__init__()
        self._registry = registry
        self._console = console
        self._pages = {
            b"/metrics": self._metrics,
            b"/healthz": lambda _request: b"alive\n",  # or else nobody would answer
            b"/readyz": self._readiness,
        }

    def render(self, request: Request) -> bytes:
        body = self._answer(request)
        if request.method == b"HEAD":
            request.setHeader(b"Content-Length", str(len(body)))
            return b""
        return body

    def _answer(self, request: Request) -> bytes:
        request.responseHeaders.removeHeader(b"Server")
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        page = self._pages.get(request.path)
        if page is None:
            request.setResponseCode(http.NOT_FOUND)
            return b"there is " + b", ".join(self._pages) + b"\n"
        if request.method not in _METHODS:
            request.setResponseCode(http.NOT_ALLOWED)
            request.setHeader(b"Allow", b", ".join(_METHODS))
            return b"it can only be read\n"
        return page(request)

    def _metrics(self, request: Request) -> bytes:
        # As bytes: Twisted decodes text as UTF-8, which a header need not be (RFC 9110, 5.5).
        accept = request.getHeader(b"Accept") or b""
        try:
            encode, kind = choose_encoder(accept.decode("ascii"))
        except (TypeError, ValueError):  # it stumbles over a version that is not a number
            encode, kind = choose_encoder("")
        request.setHeader(b"Content-Type", kind.encode("ascii"))
        return encode(self._registry)

    def _readiness(self, request: Request) -> bytes:
        state = self._console.state()
        if state != "ready":
            request.setResponseCode(http.SERVICE_UNAVAILABLE)
        return f"{state}\n".encode()


class _Nowhere(BytesIO):
    """A file that throws away the body of a request."""

    def write(self, data: Any) -> int:
        return len(data)


class _Visit(http.HTTPChannel):
    """One connection, for one request."""

    factory: MonitorSite
    transport: Any

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.came(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self.factory.forget(self)

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
        except ValueError:  # Twisted reads a length of thousands of digits as a number
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            self.loseConnection()

    def allContentReceived(self) -> None:
        self.factory.asked(self)
        super().allContentReceived()

    def checkPersistence(self, request: Request, version: bytes) -> bool:
        request.setHeader(b"Connection", b"close")
        return False

    def abort(self) -> None:
        self.transport.abortConnection()


class MonitorSite(Site):
    """Receives visitors, L{VISITORS} at a time, each for L{VISIT} seconds."""

    noisy = False
    protocol = _Visit  # type: ignore[assignment]  # Twisted's own would switch to HTTP/2

    def __init__(self, resource: Resource, clock: IReactorTime) -> None:
        # There is a deadline instead of Twisted's timeout, which begins anew with each byte.
        super().__init__(resource, timeout=None, reactor=clock)
        self._deadlines: Deadlines[_Visit] = Deadlines(clock, VISIT, _Visit.abort)
        self._visits: dict[_Visit, bool] = {}  # true if it has asked, in order of coming

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if len(self._visits) >= VISITORS:
            idle = next((visit for visit, has_asked in self._visits.items() if not has_asked), None)
            if idle is None:
                return None
            self.forget(idle)  # it is counted no longer, though its connection ends a moment later
            idle.abort()
        return super().buildProtocol(addr)

    def came(self, visit: _Visit) -> None:
        self._visits[visit] = False
        self._deadlines.add(visit)

    def asked(self, visit: _Visit) -> None:
        if visit in self._visits:
            self._visits[visit] = True

    def forget(self, visit: _Visit) -> None:
        self._visits.pop(visit, None)
        self._deadlines.remove(visit)

    def startFactory(self) -> None:
        """Open no access log, and start no clock for it, which would tick each second."""

    def stopFactory(self) -> None:
        """Send all visitors away, as the port is closed; there is no access log to close."""
        for visit in list(self._visits):
            visit.abort()

    def log(self, request: http.Request) -> None:
        """Write no access log."""

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols for a TLS handshake: no HTTP/2, for a single request."""
        return [b"http/1.1"]

    def getContentFile(self, length: int | None) -> BytesIO:
        """The file for a request's body, of any length."""
        return _Nowhere()


class Monitor(Listener):
    """The listener for those who watch the server; open until its stop is over."""

    greeting = "metrics are at http://{where}/metrics"
    warning = "{where} can be reached from other machines, and anybody there can read the metrics"

    def __init__(
        self, endpoint: IStreamServerEndpoint, description: str, site: MonitorSite
    ) -> None:
        super().__init__(endpoint, description, site, lambda _port: None)
