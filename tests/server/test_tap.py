"""The command line: its meaning, and its mistakes in one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from twisted.internet.abstract import FileDescriptor
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.takeover import Duplicate
from achat_twisted.tap import Options, makeService
from achat_twisted.tools.errors import CannotStart

A_TIME = "or a time such as 5m"

A_SIZE = "or a size such as 64K"

WRONG = [
    (["--port", "99999"], "--port must be a whole number from 0 to 65535, not '99999'"),
    (["--port", "http"], "--port must be a whole number from 0 to 65535, not 'http'"),
    (["--grace", "-1"], f"--grace must be a number of seconds from 0 to 3600, {A_TIME}, not '-1'"),
    (
        ["--grace", "nan"],
        f"--grace must be a number of seconds from 0 to 3600, {A_TIME}, not 'nan'",
    ),
    (["--grace", "2h"], f"--grace must be a number of seconds from 0 to 3600, {A_TIME}, not '2h'"),
    (
        ["--max-line", "1"],
        f"--max-line must be a whole number of bytes from 64 to 1048576, {A_SIZE}, not '1'",
    ),
    (
        ["--login-timeout", "0"],
        f"--login-timeout must be a number of seconds from 0.1 to 3600, {A_TIME}, not '0'",
    ),
    (
        ["--outbox-limit", "1k"],
        "--outbox-limit must be a whole number of bytes from 65536 to 1073741824,"
        f" {A_SIZE}, not '1k'",
    ),
    (
        ["--outbox-limit", "64MB"],
        "--outbox-limit must be a whole number of bytes from 65536 to 1073741824,"
        f" {A_SIZE}, not '64MB'",
    ),
    (["--port", "8k"], "--port must be a whole number from 0 to 65535, not '8k'"),
    (
        ["--outbox-limit", "65536", "--max-line", "65536"],
        "--outbox-limit must be at least 512K, for 8 lines of --max-line 64K",
    ),
    (
        ["--interface", "localhost"],
        "--interface must be an IP address such as 127.0.0.1 or ::, not 'localhost'",
    ),
    (["--duplicate", "both"], "--duplicate must be reject or takeover, not 'both'"),
    (["--mailbox", "disk"], "--mailbox must be memory or sqlite:PATH, not 'disk'"),
    (["--mailbox", "sqlite:"], "--mailbox must be memory or sqlite:PATH, not 'sqlite:'"),
    (
        ["--mailbox-limit", "-1"],
        "--mailbox-limit must be a whole number of bytes from 0 to 1099511627776,"
        f" {A_SIZE}, not '-1'",
    ),
    (
        ["--keep", "0"],
        "--keep must be a number of days from 0.001 to 36500, or a time such as 12h, not '0'",
    ),
    (["--durable"], "--durable needs --mailbox sqlite:PATH"),
    (["--http", "65536"], "--http must be a port from 0 to 65535, or an endpoint, not '65536'"),
    (["8080"], "it takes only options, no arguments such as '8080'"),
    (["--colour", "red"], "option --colour not recognized"),
]

NO_ENDPOINT = [
    ("tcp", r"an argument is missing, unknown or given twice; a colon in one is written \:"),
    ("tcp:1:interfaces=x", "an argument is missing"),
    ("tcp:1:interface=::", "an argument is missing"),
    ("systemd:domain=INET:index=0", "systemd has not passed that many sockets"),
    ("tcp:http", "not a number: 'http'"),
    (r"tls:/no/such/pl\:ace:8443", "no file *.pem can be seen in /no/such/pl:ace"),
    ("tls:path=/no/such:port=8443", "no file *.pem can be seen in /no/such"),
    ("nonsense:8080", "Unknown endpoint type: 'nonsense'"),
    ("stdio:", "it is not a socket that clients can connect to"),
    ("haproxy:stdio:", "it is not a socket that clients can connect to"),
    ("haproxy:tcp:http", "not a number: 'http'"),
]


def parsed(*arguments: str, environ: Mapping[str, str] | None = None) -> Options:
    options = Options(environ or {})
    options.parseOptions(list(arguments))
    return options


class OptionsTests(SynchronousTestCase):
    """L{Options}."""

    def test_defaults(self) -> None:
        """Without options everything has the default that the documents name."""
        self.assertEqual(
            dict(parsed()),
            {
                "port": 8080,
                "interface": "127.0.0.1",
                "listen": [],
                "auth": [],
                "grace": 10.0,
                "max-line": 8192,
                "login-timeout": 30.0,
                "outbox-limit": 1048576,
                "duplicate": Duplicate.REJECT,
                "plain": 0,
                "mailbox": "memory",
                "mailbox-limit": 2**24,
                "mailbox-total": 2**28,
                "keep": 30.0,
                "durable": 0,
                "connections": 20_000,
                "connections-per-host": 256,
                "logins-per-host": 300,
                "rate": 50,
                "burst": 500,
                "room-limit": 2**24,
                "room-rate": 10_000,
                "rooms": "open",
                "recipients": 1_000,
                "outbox-total": 2**28,
                "limit-local": 0,
                "http": None,
                "admin": None,
                "config": None,
                "log-level": "info",
                "log-format": "text",
            },
        )

    def test_values(self) -> None:
        """Given options are taken, and --listen may be given more than once."""
        options = parsed(
            *("--port", "1", "--grace", "2.5", "--duplicate", "takeover", "--plain"),
            *("--listen", "tcp:1", "--listen", "unix:/x"),
        )
        self.assertEqual(
            [options[key] for key in ("port", "grace", "duplicate", "plain", "listen")],
            [1, 2.5, Duplicate.TAKEOVER, 1, ["tcp:1", "unix:/x"]],
        )

    def test_suffixes(self) -> None:
        """Bytes, seconds and days may have a suffix, and the help shows its defaults with one."""
        options = parsed("--mailbox-limit", "1G", "--grace", "1m", "--keep", "36h")
        self.assertEqual(
            [options[key] for key in ("mailbox-limit", "grace", "keep")], [2**30, 60.0, 1.5]
        )
        for default in ("[default: 16M]", "[default: 10s]", "[default: 30d]", "[default: 8080]"):
            self.assertIn(default, options.getUsage())
        self.assertEqual(options.defaults["mailbox-limit"], 2**24)

    def test_mailbox(self) -> None:
        """Mail is in the file that is named, or else in systemd's state directory, or in memory."""
        state = {"STATE_DIRECTORY": "/var/lib/achat:/var/lib/other"}
        for arguments, environ, mailbox in (
            (["--mailbox", "sqlite:/x/y"], state, Path("/x/y")),
            (["--mailbox", "sqlite:y"], {}, Path("y").absolute()),
            (["--mailbox", "memory"], state, "memory"),
            ([], state, Path("/var/lib/achat/mailbox.sqlite")),
            ([], {}, "memory"),
        ):
            self.assertEqual(parsed(*arguments, environ=environ)["mailbox"], mailbox)

    def test_duplicate(self) -> None:
        """With --auth a name can be taken over, unless that is forbidden."""
        for arguments, duplicate in (
            (["--auth", "unix"], Duplicate.TAKEOVER),
            (["--auth", "unix", "--duplicate", "reject"], Duplicate.REJECT),
            (["--duplicate", "takeover"], Duplicate.TAKEOVER),
        ):
            self.assertEqual(parsed(*arguments)["duplicate"], duplicate)

    def test_auth(self) -> None:
        """The argument of --auth is taken as it is, and it may be given more than once."""
        options = parsed("--auth", "argon2:/x:y", "--auth", "unix")
        self.assertEqual(options["auth"], ["argon2:/x:y", "unix"])

    def test_no_auth(self) -> None:
        """A wrong --auth is refused before anything is done, in one sentence."""
        error = self.assertRaises(SystemExit, parsed, "--auth", "magic")
        self.assertEqual(
            str(error),
            "achat: --auth magic will not do: there is no such type; --help-auth lists them",
        )

    def test_wrong_values(self) -> None:
        """A mistake ends the process with one sentence that says what would be right."""
        for arguments, sentence in WRONG:
            error = self.assertRaises(SystemExit, parsed, *arguments)
            self.assertEqual(str(error), f"achat: {sentence}")


class ServiceTests(SynchronousTestCase):
    """L{makeService}."""

    def test_given_reactor(self) -> None:
        """A reactor that is given has a clock of its own, which stays."""
        reactor = MemoryReactorClock()
        clock = reactor.seconds
        makeService(parsed(), reactor)
        self.assertEqual(reactor.seconds, clock)


class EndpointTests(SynchronousTestCase):
    """The endpoints at which it is to listen."""

    def test_loopback(self) -> None:
        """By default it listens where only this machine can reach it."""
        self.assertEqual(parsed().endpoints(), ["tcp:8080:interface=127.0.0.1:backlog=1024"])

    def test_port_and_interface(self) -> None:
        """Port and interface say where else; an address may have colons in it."""
        options = parsed("--port", "1", "--interface", "::1")
        self.assertEqual(options.endpoints(), [r"tcp:1:interface=\:\:1:backlog=1024"])

    def test_listen_replaces_port_and_interface(self) -> None:
        """Endpoints take the place of port and interface."""
        options = parsed("--port", "1", "--listen", "tcp:2", "--listen", "unix:/x")
        self.assertEqual(options.endpoints(), ["tcp:2", "unix:/x"])

    def test_http(self) -> None:
        """A number is a port that only this machine can reach; an endpoint is what it says."""
        for text, endpoint in (
            ("9100", "tcp:9100:interface=127.0.0.1"),
            ("unix:/x", "unix:/x"),
            ("tcp:9100", "tcp:9100"),
        ):
            self.assertEqual(parsed("--http", text)["http"], endpoint)

    def test_http_is_no_endpoint(self) -> None:
        """A wrong endpoint for the monitor is refused in one sentence, too."""
        for endpoint, why in NO_ENDPOINT:
            error = self.assertRaises(
                SystemExit, makeService, parsed("--http", endpoint), MemoryReactorClock()
            )
            self.assertIn(f"achat: --http {endpoint!r} is not an endpoint: {why}", str(error))

    def test_no_endpoint(self) -> None:
        """An endpoint that clients cannot connect to is refused in one sentence."""
        for endpoint, why in NO_ENDPOINT:
            error = self.assertRaises(
                SystemExit, makeService, parsed("--listen", endpoint), MemoryReactorClock()
            )
            self.assertIn(f"achat: --listen {endpoint!r} is not an endpoint: {why}", str(error))


class StartTests(SynchronousTestCase):
    """Before anything is made."""

    def test_a_twisted_that_nobody_knows(self) -> None:
        """A Twisted that would lose lines is refused, and no port opens."""
        reactor = MemoryReactorClock()
        self.patch(FileDescriptor, "doWrite", lambda transport: transport.stopWriting())
        error = self.assertRaises(CannotStart, makeService, parsed(), reactor)
        self.assertIn("would lose lines, as what was written does not arrive", str(error))
        self.assertEqual(reactor.tcpServers, [])
