"""The command line of C{twistd achat}."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from twisted.cred.strcred import AuthOptionMixin, findCheckerFactories
from twisted.internet.endpoints import quoteStringArgument
from twisted.python import usage

import twisted
from achat_twisted import __version__, wire
from achat_twisted.broker.shares import OUTBOX_LIMIT
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.login.credentials import SUPPORTED
from achat_twisted.mailbox.accounts import LIMITS
from achat_twisted.operator.protocol import SOCKET
from achat_twisted.reader.terms import LOGIN_TIMEOUT
from achat_twisted.server import values
from achat_twisted.server.config import Configured
from achat_twisted.server.log import FORMATS, LEVELS
from achat_twisted.server.service import GRACE
from achat_twisted.server.values import MEMORY, Number, choice
from achat_twisted.tools.quantities import BYTES, DAYS, SECONDS, Quantity
from achat_twisted.tools.suggest import suggest

_LIMITS = Limits()

DAY = 86_400.0
"""A day, in seconds."""

_BACKLOG = 1024
"""The connections that the kernel may complete before the server accepts them.

Twisted's 50 are full within milliseconds when many come at once, and then the kernel drops the
first packet of each newcomer, which tries again after a second, after three, and so on.
"""

ROOMS = ("open", "operator")
"""Those who make rooms: anyone, or the operator."""

_LINES_IN_OUTBOX = 8
"""The least number of lines of greatest length that an outbox must hold."""

_HELP = {
    "port": "TCP port to listen on.",
    "interface": "IP address to listen on.",
    "grace": "Seconds a stop may take; lines undelivered by then are kept.",
    "max-line": "Bytes a line may have.",
    "login-timeout": "Seconds within which a client must send its name.",
    "outbox-limit": "Bytes queued in memory for one client; the rest goes to its mailbox.",
    "outbox-total": "Bytes queued or unacknowledged for all; beyond that each has only an even"
    " share.",
    "connections": "Connections at a time.",
    "connections-per-host": "Connections from one host at a time, or 0.",
    "logins-per-host": "Logins from one host in a minute, or 0.",
    "rate": "Lines a second from one client, in the long run, or 0.",
    "burst": "Lines that a client may be ahead of --rate.",
    "recipients": "Recipients a line may have.",
    "mailbox": "Where mail is kept: memory, or sqlite:PATH.  [default: sqlite: in $STATE_DIRECTORY"
    " if that is set, else memory]",
    "mailbox-limit": "Bytes kept for one name.",
    "mailbox-total": "Bytes kept in all.",
    "keep": "Days for which mail is kept.",
    "room-limit": "Bytes kept of what is said in one room; then its oldest lines go.",
    "room-rate": "Copies a second that one client makes in rooms, in the long run, or 0.",
    "rooms": "Makers of rooms: anyone who joins one that there is not (open), or the operator."
    "  [default: open on loopback without --auth, else operator]",
    "duplicate": "A second login with a name: reject it, or let it takeover.  [default: takeover"
    " with --auth, else reject]",
    "log-level": "Least level that is logged: debug, info, warn or error.",
    "log-format": "Format of a log line: text, or json for an object.",
    "http": "Port on this machine, or Twisted endpoint, for /metrics, /healthz and /readyz.",
    "admin": "Unix socket for achat admin.  [default: admin.sock in $RUNTIME_DIRECTORY if that is"
    " set, else none]",
    "durable": "Say ! kept, and answer /sync, once lines survive a crash; needs --mailbox sqlite.",
    "limit-local": "Apply the limits per host and per client to this machine's own, too.",
    "plain": "Send only messages, no notices: the wire of the a-chat tutorial.",
}
"""The words of C{--help}, in its order."""


def _parameter(
    option: str, default: object, check: Callable[[str], object], short: str | None = None
) -> list[Any]:
    return [option, short, default, _HELP[option], check]


def _number(
    option: str,
    default: float,
    least: float,
    most: float,
    quantity: Quantity | None = None,
    short: str | None = None,
) -> list[Any]:
    """A row for a number; a whole one if its default is."""
    return _parameter(option, default, Number(option, type(default), least, most, quantity), short)


class Options(AuthOptionMixin, Configured):
    """The command line of C{twistd achat}."""

    synopsis = "[options]"
    longdesc = (
        "A chat server that never silently loses a line it has accepted. Bytes may be written as"
        " 64K, 16M or 1G, times as 90s, 5m, 12h or 30d."
    )
    optParameters: ClassVar = [
        _number("port", 8080, 0, 65535, short="p"),
        _parameter("interface", "127.0.0.1", values.interface, short="i"),
        _number("grace", GRACE, 0, 3600, SECONDS, short="g"),
        _number("max-line", wire.MAX_LINE, 64, 2**20, BYTES),
        _number("login-timeout", LOGIN_TIMEOUT, 0.1, 3600, SECONDS),
        _number("outbox-limit", OUTBOX_LIMIT, 2**16, 2**30, BYTES),
        _number("outbox-total", _LIMITS.outbox_total, 0, 2**40, BYTES),
        _number("connections", _LIMITS.connections, 1, 10**6),
        _number("connections-per-host", _LIMITS.connections_per_host, 0, 10**6),
        _number("logins-per-host", _LIMITS.logins_per_host, 0, 10**6),
        _number("rate", _LIMITS.rate, 0, 10**9),
        _number("burst", _LIMITS.burst, 1, 10**9),
        _number("recipients", wire.MAX_RECIPIENTS, 1, 10**6),
        _parameter("mailbox", None, values.mailbox, short="m"),
        _number("mailbox-limit", LIMITS.per_name, 0, 2**40, BYTES),
        _number("mailbox-total", LIMITS.total, 0, 2**50, BYTES),
        _number("keep", LIMITS.age / DAY, 0.001, 36500, DAYS, short="k"),
        _number("room-limit", LIMITS.per_room, 0, 2**40, BYTES),
        _number("room-rate", _LIMITS.room_rate, 0, 10**9),
        _parameter("rooms", None, choice("rooms", *ROOMS)),
        _parameter("duplicate", None, values.duplicate),
        _parameter("log-level", "info", choice("log-level", *LEVELS)),
        _parameter("log-format", "text", choice("log-format", *FORMATS)),
        _parameter("http", None, values.http),
        _parameter("admin", None, values.admin),
    ]
    optFlags: ClassVar = [[flag, None, _HELP[flag]] for flag in ("durable", "limit-local", "plain")]
    supportedInterfaces = SUPPORTED
    private = frozenset({"auth"})
    compData = usage.Completions(
        optActions={
            "config": usage.CompleteFiles("*.toml"),
            "duplicate": usage.CompleteList(Duplicate),
            "rooms": usage.CompleteList(ROOMS),
            "log-format": usage.CompleteList(FORMATS),
            "log-level": usage.CompleteList(LEVELS),
        }
    )

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(environ)
        self["listen"] = []
        self["auth"] = []

    def opt_version(self) -> NoReturn:
        """Display the versions of achat and Twisted and exit."""
        print(f"achat {__version__} on Twisted {twisted.__version__}")
        raise SystemExit

    opt_h = Configured.opt_help

    def opt_listen(self, endpoint: str) -> None:
        """Twisted endpoint to listen on; may be repeated, and replaces --port and --interface."""
        self["listen"].append(endpoint)

    def opt_auth(self, description: str) -> None:
        """Login check, as TYPE:ARGUMENT; may be repeated. Without it anybody can be anybody."""
        kind = description.partition(":")[0]
        known = sorted(factory.authType for factory in findCheckerFactories())
        if kind not in known:
            raise usage.UsageError(
                f"--auth {kind} will not do: there is no such type; --help-auth lists them"
                f"{suggest(kind, known)}"
            )
        self["auth"].append(description)

    def parseArgs(self, *args: str) -> None:
        if args:
            raise usage.UsageError(f"it takes only options, no arguments such as {args[0]!r}")

    def postOptions(self) -> None:
        if self["mailbox"] is None:
            state = self._environ.get("STATE_DIRECTORY", "").partition(":")[0]
            file = Path(state, "mailbox.sqlite").absolute()
            self.defaults["mailbox"] = f"sqlite:{file}" if state else MEMORY
            self["mailbox"] = values.mailbox(self.defaults["mailbox"])
        runtime = self._environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        if self["admin"] is None and runtime:
            self.defaults["admin"] = os.path.join(runtime, SOCKET)
            self["admin"] = values.admin(self.defaults["admin"])
        if self["durable"] and self["mailbox"] == MEMORY:
            raise usage.UsageError("--durable needs --mailbox sqlite:PATH")
        if self["duplicate"] is None:
            self.defaults["duplicate"] = Duplicate.TAKEOVER if self["auth"] else Duplicate.REJECT
            self["duplicate"] = self.defaults["duplicate"]
        if self["rooms"] is None:
            is_private = ip_address(self["interface"].partition("%")[0]).is_loopback and not (
                self["listen"] or self["auth"]
            )
            self["rooms"] = self.defaults["rooms"] = ROOMS[0 if is_private else 1]
        least = _LINES_IN_OUTBOX * self["max-line"]
        if self["outbox-limit"] < least:
            raise usage.UsageError(
                f"--outbox-limit must be at least {BYTES.show(least)}, for {_LINES_IN_OUTBOX} lines"
                f" of --max-line {BYTES.show(self['max-line'])}"
            )

    def endpoints(self) -> list[str]:
        """The endpoints to listen on, as Twisted's strings."""
        interface = quoteStringArgument(self["interface"])
        return self["listen"] or [f"tcp:{self['port']}:interface={interface}:backlog={_BACKLOG}"]
