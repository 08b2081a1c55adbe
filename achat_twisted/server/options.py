"""The command line of C{twistd achat}."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar, NoReturn, Self

from twisted.cred.strcred import AuthOptionMixin, findCheckerFactories
from twisted.internet.endpoints import quoteStringArgument
from twisted.python import usage

import twisted
from achat_twisted import __version__, wire
from achat_twisted.broker.broker import OUTBOX_LIMIT, Duplicate
from achat_twisted.limits.limits import Limits
from achat_twisted.login.credentials import SUPPORTED
from achat_twisted.mailbox.accounts import LIMITS
from achat_twisted.operator.protocol import SOCKET
from achat_twisted.reader.terms import LOGIN_TIMEOUT
from achat_twisted.server.config import Configured, choice, with_denials
from achat_twisted.server.log import FORMATS, LEVELS
from achat_twisted.server.service import GRACE
from achat_twisted.tools.suggest import suggest

_LIMITS = Limits()

DAY = 86_400.0
"""A day, in seconds."""

_BACKLOG = 1024
"""The connections that the kernel may complete before the server accepts them.

Twisted's 50 are full within milliseconds when many come at once, and then the kernel drops the
first packet of each newcomer, which tries again after a second, after three, and so on.
"""

_LINES_IN_OUTBOX = 8
"""The least number of lines of greatest length that an outbox must hold."""


def _number(
    option: str, kind: type[int] | type[float], least: float, most: float, unit: str
) -> Callable[[str], float]:
    """A check for a numeric option; returns its value."""

    def check(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise usage.UsageError(
                f"--{option} must be {what} {unit}from {least:g} to {most:.15g}, not {text!r}"
            )
        return value

    return check


def _interface(text: str) -> str:
    try:
        ip_address(text)
    except ValueError:
        raise usage.UsageError(
            f"--interface must be an IP address such as 127.0.0.1 or ::, not {text!r}"
        ) from None
    return text


def _duplicate(text: str) -> Duplicate:
    return Duplicate(choice("duplicate", *Duplicate)(text))


MEMORY = "memory"
"""The value of C{--mailbox} for a mailbox in memory."""


def _mailbox(text: str) -> Path | str:
    """The path of the mailbox's file, or L{MEMORY}."""
    kind, _, path = text.partition(":")
    if text == MEMORY:
        return MEMORY
    if kind == "sqlite" and path:
        return Path(path).absolute()
    raise usage.UsageError(f"--mailbox must be memory or sqlite:PATH, not {text!r}")


def _http(text: str) -> str:
    """An endpoint; a number is a port that only this machine can reach."""
    if not text.isdecimal():
        return text
    if int(text) > 65535:
        raise usage.UsageError(
            f"--http must be a port from 0 to 65535, or an endpoint, not {text!r}"
        )
    return f"tcp:{text}:interface=127.0.0.1"


_LONGEST_SOCKET = 107
"""The most bytes that the path of a unix socket may have, see C{unix(7)}."""


def _admin(text: str) -> Path:
    path = Path(text).absolute()
    if not text or len(os.fsencode(path)) > _LONGEST_SOCKET:
        raise usage.UsageError(
            f"--admin must be a path of at most {_LONGEST_SOCKET} bytes, not {text!r}"
        )
    return path


@with_denials
class Options(AuthOptionMixin, Configured):
    """The command line of C{twistd achat}."""

    synopsis = "[options]"
    longdesc = "A chat server that never silently loses a line it has accepted."
    optParameters: ClassVar = [
        ["port", "p", 8080, "TCP port to listen on.", _number("port", int, 0, 65535, "")],
        ["interface", "i", "127.0.0.1", "IP address to listen on.", _interface],
        [
            "grace",
            "g",
            GRACE,
            "Seconds a stop may take; lines undelivered by then are kept.",
            _number("grace", float, 0, 3600, "of seconds "),
        ],
        [
            "max-line",
            None,
            wire.MAX_LINE,
            "Bytes a line may have.",
            _number("max-line", int, 64, 2**20, "of bytes "),
        ],
        [
            "login-timeout",
            None,
            LOGIN_TIMEOUT,
            "Seconds within which a client must send its name.",
            _number("login-timeout", float, 0.1, 3600, "of seconds "),
        ],
        [
            "outbox-limit",
            None,
            OUTBOX_LIMIT,
            "Bytes queued in memory for one client; the rest goes to its mailbox.",
            _number("outbox-limit", int, 2**16, 2**30, "of bytes "),
        ],
        [
            "outbox-total",
            None,
            _LIMITS.outbox_total,
            "Bytes queued or unacknowledged for all; beyond that each has only an even share.",
            _number("outbox-total", int, 0, 2**40, "of bytes "),
        ],
        [
            "connections",
            None,
            _LIMITS.connections,
            "Connections at a time.",
            _number("connections", int, 1, 10**6, ""),
        ],
        [
            "connections-per-host",
            None,
            _LIMITS.connections_per_host,
            "Connections from one host at a time, or 0.",
            _number("connections-per-host", int, 0, 10**6, ""),
        ],
        [
            "logins-per-host",
            None,
            _LIMITS.logins_per_host,
            "Logins from one host in a minute, or 0.",
            _number("logins-per-host", int, 0, 10**6, ""),
        ],
        [
            "rate",
            None,
            _LIMITS.rate,
            "Lines a second from one client, in the long run, or 0.",
            _number("rate", int, 0, 10**9, ""),
        ],
        [
            "burst",
            None,
            _LIMITS.burst,
            "Lines that a client may be ahead of --rate.",
            _number("burst", int, 1, 10**9, ""),
        ],
        [
            "recipients",
            None,
            wire.MAX_RECIPIENTS,
            "Recipients a line may have.",
            _number("recipients", int, 1, 10**6, ""),
        ],
        [
            "mailbox",
            "m",
            None,
            "Where mail is kept: memory, or sqlite:PATH.  [default: sqlite: in $STATE_DIRECTORY if"
            " that is set, else memory]",
            _mailbox,
        ],
        [
            "mailbox-limit",
            None,
            LIMITS.per_name,
            "Bytes kept for one name.",
            _number("mailbox-limit", int, 0, 2**40, "of bytes "),
        ],
        [
            "mailbox-total",
            None,
            LIMITS.total,
            "Bytes kept in all.",
            _number("mailbox-total", int, 0, 2**50, "of bytes "),
        ],
        [
            "keep",
            "k",
            LIMITS.age / DAY,
            "Days for which mail is kept.",
            _number("keep", float, 0.001, 36500, "of days "),
        ],
        [
            "duplicate",
            None,
            None,
            "A second login with a name: reject it, or let it takeover.  [default: takeover with"
            " --auth, else reject]",
            _duplicate,
        ],
        [
            "log-level",
            None,
            "info",
            "Least level that is logged: debug, info, warn or error.",
            choice("log-level", *LEVELS),
        ],
        [
            "log-format",
            None,
            "text",
            "Format of a log line: text, or json for an object.",
            choice("log-format", *FORMATS),
        ],
        [
            "http",
            None,
            None,
            "Port on this machine, or Twisted endpoint, for /metrics, /healthz and /readyz.",
            _http,
        ],
        [
            "admin",
            None,
            None,
            "Unix socket for achat admin.  [default: admin.sock in $RUNTIME_DIRECTORY if that is"
            " set, else none]",
            _admin,
        ],
    ]
    optFlags: ClassVar = [
        [
            "durable",
            None,
            "Say ! kept, and answer /sync, once lines survive a crash; needs --mailbox sqlite.",
        ],
        [
            "limit-local",
            None,
            "Apply the limits per host and per client to this machine's own, too.",
        ],
        ["plain", None, "Send only messages, no notices: the wire of the a-chat tutorial."],
    ]
    supportedInterfaces = SUPPORTED
    private = frozenset({"auth"})
    compData = usage.Completions(
        optActions={
            "config": usage.CompleteFiles("*.toml"),
            "duplicate": usage.CompleteList(["reject", "takeover"]),
            "log-format": usage.CompleteList(FORMATS),
            "log-level": usage.CompleteList(LEVELS),
        }
    )

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self["listen"] = []
        self["auth"] = []
        self._environ = environ

    def fresh(self) -> Self:
        return type(self)(self._environ)

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
            self["mailbox"] = _mailbox(self.defaults["mailbox"])
        runtime = self._environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
        if self["admin"] is None and runtime:
            self.defaults["admin"] = os.path.join(runtime, SOCKET)
            self["admin"] = _admin(self.defaults["admin"])
        if self["durable"] and self["mailbox"] == MEMORY:
            raise usage.UsageError("--durable needs --mailbox sqlite:PATH")
        if self["duplicate"] is None:
            self.defaults["duplicate"] = Duplicate.TAKEOVER if self["auth"] else Duplicate.REJECT
            self["duplicate"] = self.defaults["duplicate"]
        least = _LINES_IN_OUTBOX * self["max-line"]
        if self["outbox-limit"] < least:
            raise usage.UsageError(
                f"--outbox-limit must be at least {least} bytes, for {_LINES_IN_OUTBOX} lines of"
                f" --max-line {self['max-line']}"
            )

    def endpoints(self) -> list[str]:
        """The endpoints to listen on, as Twisted's strings."""
        interface = quoteStringArgument(self["interface"])
        return self["listen"] or [f"tcp:{self['port']}:interface={interface}:backlog={_BACKLOG}"]
