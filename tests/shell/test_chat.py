"""The client: a conversation that outlives its connections."""

from __future__ import annotations

import errno
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost, DNSLookupError
from twisted.internet.interfaces import IProtocolFactory, IPushProducer, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from achat_twisted import wire
from achat_twisted.shell.connection import DEAF_AFTER, LISTEN, PING_AFTER, ClientSession
from achat_twisted.shell.conversation import (
    FIRST,
    WELCOME_TIMEOUT,
    WELCOME_TIMEOUT_WITH_SECRET,
    Client,
)
from achat_twisted.shell.outgoing import Outgoing
from achat_twisted.shell.terminal import Terminal
from tests.fakes import FakeOutput

RETRY = 60.0
BACKOFF = 2.0

DESERTED = "nobody reads standard output any more"
FULL = "standard output cannot be written: No space left on device"

HARMLESS = [
    (b"from bob: \x1b[2Jhi", "from bob: \\x1b[2Jhi"),
    (b"from bob: \xff", "from bob: \\xff"),
    (b"from bob: hi\r", "from bob: hi"),
]

TURNED_AWAY = [
    ("! bad-name it is \x1b ugly", "host:1 does not take the name ann: it is \\x1b ugly"),
    ("! denied", "host:1 does not let ann in: the secret is missing or wrong"),
    ("! name-taken ann", "the name ann is taken at host:1"),
    ("! kicked", "the operator of host:1 has ended the session of ann"),
    ("! replaced", "ann has come to host:1 on another connection, which replaces this one"),
]


def _lines(output: StringTransport) -> list[str]:
    """The lines written since this was last asked."""
    text: bytes = output.value()
    output.clear()
    return text.decode().splitlines()


class Connection:
    """The far end of one of the client's connections."""

    def __init__(self, protocol: Any) -> None:
        self.transport = StringTransport(lenient=True)
        self._protocol = protocol
        protocol.makeConnection(self.transport)

    def hears(self) -> list[str]:
        """The lines that have come since this was last asked."""
        return _lines(self.transport)

    def says(self, *lines: str) -> None:
        self.sends("".join(f"{line}\n" for line in lines).encode())

    def sends(self, data: bytes) -> None:
        self._protocol.dataReceived(data)

    def closes(self) -> None:
        self._protocol.connectionLost(Failure(ConnectionDone()))

    def breaks(self) -> None:
        self._protocol.connectionLost(Failure(ConnectionLost()))

    def welcomes(self) -> list[str]:
        """Lets the client in, and returns what it says then."""
        assert self.hears()[0].startswith("ann")
        self.says("! welcome ann")
        return self.hears()


@implementer(IStreamClientEndpoint)
class FakeEndpoint:
    """A place where a server is, or is not, as the test decides."""

    def __init__(self) -> None:
        self.attempts = 0
        self._connecting: tuple[Deferred[Any], Any] | None = None

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:
        assert self._connecting is None, "one connection is enough"
        self.attempts += 1
        self._connecting = Deferred(), protocolFactory
        return self._connecting[0]

    def accepts(self) -> Connection:
        connecting, factory = self._take()
        protocol = factory.buildProtocol(None)
        connection = Connection(protocol)
        connecting.callback(protocol)
        return connection

    def refuses(self) -> None:
        self.fails(ConnectError(errno.ECONNREFUSED, "refused."))

    def fails(self, error: Exception) -> None:
        self._take()[0].errback(error)

    def _take(self) -> tuple[Deferred[Any], Any]:
        assert self._connecting is not None, "nobody wants to connect"
        connecting, self._connecting = self._connecting, None
        return connecting


class ClientTestCase(SynchronousTestCase):
    """A client between a user at a terminal and a server, all of them in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.endpoint = FakeEndpoint()
        self.pauses: list[int] = []
        self.outgoing = Outgoing()
        self.output = cast(Any, FakeOutput())
        self.errors = cast(Any, FakeOutput())
        self.terminal = Terminal(self.outgoing, self.output, self.errors)
        self.terminal.makeConnection(StringTransport())

    def start(self, retry: float = RETRY, login: str = "ann") -> None:
        client = Client(
            "host:1",
            self.endpoint,
            wire.parse_login(login),
            self.outgoing,
            self.terminal,
            clock=self.clock,
            retry=retry,
            backoff=self._backoff,
        )
        self.code = Deferred.fromCoroutine(client.run())

    def log_in(self, retry: float = RETRY) -> Connection:
        """A client that is welcome, and has said nothing yet."""
        self.start(retry)
        connection = self.endpoint.accepts()
        connection.welcomes()
        return connection

    def come_back(self) -> Connection:
        """The next connection, after the pause."""
        self.clock.advance(BACKOFF)
        return self.endpoint.accepts()

    def types(self, *lines: str) -> None:
        self.terminal.dataReceived("".join(f"{line}\n" for line in lines).encode())

    def ends_input(self) -> None:
        self.terminal.connectionLost()

    def seen(self) -> list[str]:
        """The lines on standard output since this was last asked."""
        return _lines(self.output)

    def told(self) -> list[str]:
        """The lines on standard error since this was last asked."""
        return _lines(self.errors)

    def assert_left(self, code: int) -> None:
        """The client has ended with this exit code, and waits for nothing more."""
        self.assertEqual(self.successResultOf(self.code), code)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def _backoff(self, attempt: int) -> float:
        self.pauses.append(attempt)
        return BACKOFF


class ConversationTests(ClientTestCase):
    """One session."""

    def test_waits_for_welcome(self) -> None:
        """Nothing but the login line is said before the server says welcome."""
        self.start()
        self.types("bob: hi")
        connection = self.endpoint.accepts()
        self.assertEqual(connection.hears(), ["ann"])
        connection.says("from carol: mail comes first", "! welcome ann")
        self.assertEqual(connection.hears(), ["bob: hi", "/sync"])

    def test_second_welcome(self) -> None:
        """A second welcome changes nothing."""
        connection = self.log_in()
        self.types("bob: hi")
        connection.says("! welcome ann")
        self.assertEqual(connection.hears(), ["bob: hi", "/sync"])

    def test_login_with_secret(self) -> None:
        """A secret goes with the name."""
        self.start(login="ann:p@ss:word")
        self.assertEqual(self.endpoint.accepts().hears(), ["ann:p@ss:word"])

    def test_shows(self) -> None:
        """Messages go to standard output, notices to standard error, and no others are shown."""
        connection = self.log_in()
        connection.says("from bob: hi", "! mail 2", "from bob: ! bye 3", "neither", "! pong")
        self.assertEqual(self.seen(), ["from bob: hi", "from bob: ! bye 3"])
        self.assertEqual(self.told(), ["! mail 2", "neither", "! pong"])

    def test_shows_no_control_characters(self) -> None:
        """Any bytes that a server sends are shown, and harmless."""
        connection = self.log_in()
        for raw, shown in HARMLESS:
            connection.sends(raw + b"\n")
            self.assertEqual(self.seen(), [shown])

    def test_keeps_own_questions_to_itself(self) -> None:
        """Answers to the client's own questions are not shown; those to the user's are."""
        connection = self.log_in()
        self.types("bob: hi")
        self.types("/sync mine")
        self.assertEqual(connection.hears(), ["bob: hi", "/sync", "/sync mine"])
        connection.says("! synced 2", "! synced 3 mine", "! synced", "! synced x")
        self.assertEqual(self.told(), ["! synced 3 mine", "! synced", "! synced x"])

    def test_end_of_input(self) -> None:
        """At the end of input the rest is said, then goodbye; the server's goodbye ends it all."""
        self.start()
        self.types("bob: hi")
        self.ends_input()
        connection = self.endpoint.accepts()
        self.assertEqual(connection.welcomes(), ["bob: hi", "/quit"])
        connection.says("! kept bob 1", "from bob: late", "! bye 2")
        self.assertTrue(connection.transport.disconnecting)
        connection.closes()
        self.assert_left(0)
        self.assertEqual((self.seen(), self.told()), (["from bob: late"], ["! kept bob 1"]))

    def test_quit(self) -> None:
        """When the user says C{/quit}, the client does not come back."""
        connection = self.log_in()
        self.types("/quit")
        self.assertEqual(connection.hears(), ["/quit"])
        connection.says("! bye 1")
        connection.closes()
        self.assert_left(0)

    def test_end_of_file_after_quit(self) -> None:
        """A server that ends without goodbye costs nothing if it has confirmed every line."""
        connection = self.log_in()
        self.types("bob: hi")
        self.ends_input()
        connection.says("! synced 2")
        connection.closes()
        self.assert_left(0)
        self.assertEqual(self.told(), [])

    def test_end_of_file_in_doubt(self) -> None:
        """If the end leaves lines in doubt, the client says which, and fails."""
        connection = self.log_in()
        self.types("bob: hi")
        self.ends_input()
        connection.closes()
        self.assert_left(1)
        self.assertEqual(self.told()[1:], ["    bob: hi"])

    def test_slow_output(self) -> None:
        """While standard output is full, the server is not read; nothing is lost by it."""
        connection = self.log_in()
        verifyObject(IPushProducer, ClientSession(wire.Login("a", None), *self._ends(), self.clock))
        self.output.fills()
        self.assertEqual(connection.transport.producerState, "paused")
        connection.says("from bob: 1", "from bob: 2")
        self.assertEqual(self.seen(), [])
        self.output.empties()
        self.assertEqual(connection.transport.producerState, "producing")
        self.assertEqual(self.seen(), ["from bob: 1", "from bob: 2"])

    def test_end_while_output_is_slow(self) -> None:
        """Input that came before the end is shown, even if there was no room for it yet."""
        connection = self.log_in()
        self.ends_input()
        self.output.fills()
        connection.says("from bob: last words", "! bye 1")
        connection.closes()
        self.assertEqual(self.seen(), ["from bob: last words"])
        self.assert_left(0)
        self.output.empties()
        self.assertEqual(connection.transport.producerState, "paused")

    def test_deserted(self) -> None:
        """When nobody reads standard output, the client leaves at once and says why."""
        connection = self.log_in()
        self.types("bob: hi")
        self.output.breaks(DESERTED)
        self.assertTrue(connection.transport.disconnected)
        connection.breaks()
        self.assert_left(1)
        self.assertEqual(
            self.told()[1:],
            ["    bob: hi", f"achat: {DESERTED}; given up with no lines unsent"],
        )

    def test_deserted_with_messages(self) -> None:
        """Messages for a standard output that takes no more are counted, and make a failure."""
        connection = self.log_in()
        connection.says("from bob: 1", "from bob: 2")
        self.output.breaks(FULL, unshown=1)
        connection.says("from bob: 3", "from bob: 4")
        connection.breaks()
        self.types("bob: hi")
        self.assert_left(1)
        self.assertEqual(
            self.told()[-1:],
            [
                f"achat: {FULL}; 3 messages had come, but could not be shown;"
                " given up with no lines unsent"
            ],
        )

    def test_interrupt(self) -> None:
        """Messages that wait for room in standard output when the user leaves have come in vain."""
        connection = self.log_in()
        self.output.fills()
        connection.says("from bob: 1", "from bob: 2")
        self.output.fault = FULL
        self.assertEqual(self.terminal.interrupt(), "2 messages had come, but could not be shown")
        connection.breaks()

    def test_deserted_when_all_is_said(self) -> None:
        """A standard output that breaks when all is said and heard makes a failure, too."""
        connection = self.log_in()
        self.ends_input()
        connection.says("from bob: 1", "! bye 1")
        self.output.breaks(FULL, unshown=1)
        connection.closes()
        self.assert_left(1)
        self.assertIn("1 message had come, but could not be shown", self.told()[0])

    def test_breaks_at_the_flush(self) -> None:
        """A standard output that breaks at the very last write makes a failure, too."""
        self.output.loseConnection = lambda: None
        connection = self.log_in()
        self.ends_input()
        connection.says("from bob: 1", "! bye 1")
        connection.closes()
        self.assertNoResult(self.code)
        self.output.breaks(FULL, unshown=1)
        self.assert_left(1)

    def test_breaks_after_giving_up(self) -> None:
        """Unsent lines are reported once, whatever else goes wrong."""
        self.output.loseConnection = lambda: None
        connection = self.log_in(retry=0)
        self.types("bob: hi")
        connection.says("from bob: 1", "! bye 0")
        connection.closes()
        self.output.breaks(FULL, unshown=1)
        self.assert_left(1)
        self.assertEqual(
            self.told(),
            [
                "achat: host:1 has closed the session; given up with 1 line unsent:",
                "    bob: hi",
                f"achat: {FULL}; 1 message had come, but could not be shown",
            ],
        )

    def test_refused_before_it_is_sent(self) -> None:
        """A line that no server would take makes a failure, though all others are taken in."""
        for line in (b"bob: caf\xe9\n", b"bob: \x1b[31merror\n", b"bob: a\0b\n", b"x" * 2**21):
            self.setUp()
            connection = self.log_in()
            self.types("bob: before")
            self.terminal.dataReceived(line)
            self.ends_input()
            connection.says("! bye 3")
            connection.closes()
            self.assert_left(1)

    def test_input_that_breaks(self) -> None:
        """Input that could not be read to its end is not taken for one that was."""
        connection = self.log_in()
        self.terminal.connectionLost(Failure(OSError(errno.EIO, "")))
        self.assertEqual(self.told(), ["achat: standard input cannot be read: Input/output error"])
        connection.says("! bye 1")
        connection.closes()
        self.assert_left(1)

    def _ends(self) -> tuple[Outgoing, Terminal]:
        return self.outgoing, self.terminal


class RestartTests(ClientTestCase):
    """A server that goes away in order, and returns."""

    def test_sends_again(self) -> None:
        """Exactly the lines that were not taken in are sent again, ahead of newer ones."""
        connection = self.log_in()
        self.types("bob: 1")
        self.types("bob: 2", "bob: 3")
        connection.says("! bye 3")
        self.types("bob: 4")
        connection.closes()
        self.types("bob: 5")
        self.assertEqual(
            self.told(), ["achat: host:1 has closed the session; trying again for 60 seconds"]
        )
        connection = self.come_back()
        self.assertEqual(connection.welcomes(), ["bob: 3", "bob: 4", "bob: 5", "/sync"])
        self.assertEqual(self.told(), ["achat: reached host:1"])

    def test_goodbye_that_came_too_late(self) -> None:
        """If the server stops while the client says goodbye, the rest is sent to the next one."""
        connection = self.log_in()
        self.types("bob: 1")
        self.types("bob: 2")
        self.ends_input()
        self.assertEqual(connection.hears(), ["bob: 1", "/sync", "bob: 2", "/quit"])
        connection.says("! bye 2")
        connection.closes()
        self.assertNoResult(self.code)
        connection = self.come_back()
        self.assertEqual(connection.welcomes(), ["bob: 2", "/quit"])
        connection.says("! bye 2")
        connection.closes()
        self.assert_left(0)

    def test_only_the_goodbye_came_too_late(self) -> None:
        """If all lines were taken in, there is no need to come back for the goodbye alone."""
        connection = self.log_in()
        self.types("bob: 1")
        self.ends_input()
        connection.says("! bye 2")
        connection.closes()
        self.assert_left(0)

    def test_end_of_input_while_away(self) -> None:
        """A user with nothing more to say does not wait for the server's return."""
        connection = self.log_in()
        connection.says("! bye 0")
        connection.closes()
        self.ends_input()
        self.clock.advance(BACKOFF)
        self.assert_left(0)
        self.assertEqual(self.endpoint.attempts, 1)

    def test_comes_in_once_at_least(self) -> None:
        """An empty input still fetches what the server has kept."""
        self.start()
        self.ends_input()
        self.endpoint.refuses()
        connection = self.come_back()
        connection.welcomes()
        connection.says("! mail 1", "from bob: kept", "! bye 1")
        connection.closes()
        self.assertEqual(self.seen(), ["from bob: kept"])
        self.assert_left(0)

    def test_goodbye_without_a_number(self) -> None:
        """A goodbye that does not say how many lines were taken in does not count."""
        connection = self.log_in()
        self.types("bob: hi")
        connection.says("! bye")
        connection.closes()
        self.assertIn("    bob: hi", self.told())


class BreakTests(ClientTestCase):
    """A connection that ends without a word."""

    def test_lines_in_doubt(self) -> None:
        """Lines that may have arrived are shown and not sent again; those not sent yet are."""
        connection = self.log_in()
        self.types("bob: 1")
        connection.says("! synced 2")
        self.types("bob: 2")
        self.types("bob: 3")
        connection.breaks()
        self.types("bob: 4")
        self.assertEqual(
            self.told(),
            [
                "achat: 2 lines may not have arrived, as the connection to host:1 broke before it"
                " confirmed:",
                "    bob: 2",
                "    bob: 3",
                "achat: the connection to host:1 broke; trying again for 60 seconds",
            ],
        )
        connection = self.come_back()
        self.assertEqual(connection.welcomes(), ["bob: 4", "/sync"])

    def test_exit_code(self) -> None:
        """A conversation in which lines were in doubt has not succeeded."""
        connection = self.log_in()
        self.types("bob: 1")
        connection.breaks()
        connection = self.come_back()
        connection.welcomes()
        self.ends_input()
        connection.says("! bye 1")
        connection.closes()
        self.assert_left(1)

    def test_refused_lines(self) -> None:
        """A conversation in which a line, or a copy of it, was refused has not succeeded."""
        for notice in ("! unknown bob 1", "! full bob 1", "! bad-line why", "! too-long 8192"):
            self.setUp()
            connection = self.log_in()
            self.types("bob: 1")
            self.ends_input()
            connection.says(notice, "! bye 3")
            connection.closes()
            self.assert_left(1)
            self.assertEqual(self.told(), [notice])

    def test_nothing_in_doubt(self) -> None:
        """If all was confirmed, nothing is in doubt."""
        connection = self.log_in()
        self.types("bob: 1")
        connection.says("! synced 2")
        connection.breaks()
        self.assertEqual(
            self.told(), ["achat: the connection to host:1 broke; trying again for 60 seconds"]
        )
        connection = self.come_back()
        connection.welcomes()
        self.ends_input()
        connection.says("! bye 1")
        connection.closes()
        self.assert_left(0)


class SilenceTests(ClientTestCase):
    """Servers that say nothing any more, and those that have nothing to say."""

    def test_asks(self) -> None:
        """A server that has said nothing for a while is asked, and its answer is not shown."""
        connection = self.log_in()
        for _ in range(20):
            self.wait(PING_AFTER)
            self.assertEqual(connection.hears(), ["/ping"])
            connection.says("! pong")
        self.assertEqual(self.told(), [])
        self.assertFalse(connection.transport.disconnected)

    def test_does_not_ask_without_need(self) -> None:
        """A server that says something now and then is not asked."""
        connection = self.log_in()
        for _ in range(20):
            self.wait(PING_AFTER - LISTEN)
            connection.says("from bob: hi")
        self.assertEqual(connection.hears(), [])

    def test_gives_up_a_dead_server(self) -> None:
        """A server that does not answer is left within two minutes, and tried again."""
        connection = self.log_in()
        self.wait(DEAF_AFTER)
        self.assertLess(DEAF_AFTER, 120)
        self.assertTrue(connection.transport.disconnected)
        connection.breaks()
        self.assertEqual(
            self.told(), ["achat: host:1 does not answer any more; trying again for 60 seconds"]
        )
        self.come_back().welcomes()
        self.assertEqual(self.told(), ["achat: reached host:1"])

    def test_lines_to_a_dead_server(self) -> None:
        """Lines that a dead server has not confirmed are in doubt."""
        connection = self.log_in()
        self.types("bob: hi")
        self.wait(DEAF_AFTER)
        connection.breaks()
        self.assertIn("    bob: hi", self.told())

    def test_after_goodbye(self) -> None:
        """A server that dies before its goodbye is left; nothing is said behind the client's."""
        connection = self.log_in()
        self.ends_input()
        self.wait(DEAF_AFTER)
        self.assertEqual(connection.hears(), ["/quit"])
        self.assertTrue(connection.transport.disconnected)

    def test_after_a_suspension(self) -> None:
        """A client that was suspended reads what has come meanwhile before it judges."""
        connection = self.log_in()
        self.clock.advance(10 * DEAF_AFTER)
        self.assertFalse(connection.transport.disconnected)
        self.wait(PING_AFTER - LISTEN)
        self.assertEqual(connection.hears(), ["/ping"])

    def test_while_standard_output_is_full(self) -> None:
        """A client that does not read cannot know what there is to hear, and does not judge."""
        connection = self.log_in()
        self.output.fills()
        self.wait(10 * DEAF_AFTER)
        self.assertFalse(connection.transport.disconnected)
        self.output.empties()
        self.wait(PING_AFTER)
        self.assertEqual(connection.hears(), ["/ping"])

    def test_slowed_down(self) -> None:
        """A server that slows the client down has the time for all that it was sent."""
        connection = self.log_in()
        self.types(*(f"bob: {number}" for number in range(599)))
        connection.says("! slow-down 10")
        self.wait(DEAF_AFTER + 60 - LISTEN)  # 599 lines and a /sync, and later a /ping
        self.assertFalse(connection.transport.disconnected)
        self.wait(2 * LISTEN)
        self.assertTrue(connection.transport.disconnected)

    def test_answers_to_the_user(self) -> None:
        """Answers to the user's own questions are shown, and no other."""
        connection = self.log_in()
        self.wait(PING_AFTER)
        self.types("/ping", "/ping twice", "/pingpong")
        self.assertEqual(connection.hears()[:2], ["/ping", "/ping"])
        connection.says("! pong")
        self.assertEqual(self.told(), [])
        connection.says("! pong", "! pong", "! pong")
        self.assertEqual(self.told(), ["! pong"] * 3)

    def wait(self, seconds: float) -> None:
        self.clock.pump([LISTEN] * round(seconds / LISTEN))


class RetryTests(ClientTestCase):
    """Tries to reach an absent server."""

    def test_gives_up(self) -> None:
        """After the given time the client names the server, and the number of unsent lines."""
        self.start()
        self.types("bob: 1", "bob: 2")
        for _ in range(30):
            self.assertNoResult(self.code)
            self.endpoint.refuses()
            self.clock.advance(BACKOFF)
        self.endpoint.refuses()
        self.assert_left(1)
        self.assertEqual(self.pauses, list(range(1, 31)))
        self.assertEqual(
            self.told(),
            [
                "achat: cannot reach host:1: Connection refused; trying again for 60 seconds",
                "achat: cannot reach host:1: Connection refused; given up with 2 lines unsent:",
                "    bob: 1",
                "    bob: 2",
            ],
        )

    def test_last_attempt_is_not_late(self) -> None:
        """However long the pauses are, the last attempt comes when the time is up."""
        self.start(retry=3)
        self.endpoint.refuses()
        self.clock.advance(BACKOFF)
        self.endpoint.refuses()
        self.clock.advance(1)
        self.endpoint.refuses()
        self.assert_left(1)

    def test_time_begins_again(self) -> None:
        """Each loss has the whole time, and pauses begin small."""
        self.start()
        self.clock.advance(RETRY - 1)
        connection = self.endpoint.accepts()
        connection.welcomes()
        self.clock.advance(RETRY)
        connection.breaks()
        self.clock.advance(BACKOFF)
        self.endpoint.refuses()
        connection = self.come_back()
        connection.welcomes()
        connection.breaks()
        self.assertNoResult(self.code)
        self.assertEqual(self.pauses, [1, 2, 1])

    def test_more_than_was_read(self) -> None:
        """If there was more input than the client has read, it does not claim to have counted."""
        self.start(retry=0)
        self.types(*["x" * 1023] * 64)
        self.endpoint.refuses()
        self.assertIn("given up with at least 64 lines unsent", self.told()[0])

    def test_shows_the_first_of_many(self) -> None:
        """Of many unsent lines the first are shown, to go on from there."""
        self.start(retry=0)
        self.types(*(f"bob: {number}" for number in range(FIRST + 1)))
        self.endpoint.refuses()
        told = self.told()
        self.assertIn("101 lines unsent, of which these are the first 100:", told[0])
        self.assertEqual(told[1:], [f"    bob: {number}" for number in range(FIRST)])

    def test_zero_and_absent(self) -> None:
        """Without retry, an absent server is tried once."""
        self.start(retry=0)
        self.types("bob: hi")
        self.endpoint.refuses()
        self.assert_left(1)
        self.assertEqual(
            self.told(),
            [
                "achat: cannot reach host:1: Connection refused; given up with 1 line unsent:",
                "    bob: hi",
            ],
        )

    def test_unknown_host(self) -> None:
        """An unknown host counts as absent too, as only the network may be down."""
        self.start()
        self.endpoint.fails(DNSLookupError("no such host."))
        self.assertEqual(
            self.told()[0][:63], "achat: cannot reach host:1: DNS lookup failed: no such host; tr"
        )
        self.come_back()

    def test_zero_and_closed(self) -> None:
        """Without retry, the server's ordered end ends the client too."""
        connection = self.log_in(retry=0)
        self.types("bob: hi")
        connection.says("! bye 1")
        connection.closes()
        self.assert_left(0)
        self.assertEqual(self.told(), ["achat: host:1 has closed the session"])

    def test_zero_and_not_all_taken(self) -> None:
        """Without retry, lines that were not taken in are lost, and the client says so."""
        connection = self.log_in(retry=0)
        self.types("bob: hi")
        connection.says("! bye 0")
        connection.closes()
        self.assert_left(1)
        self.assertEqual(
            self.told(),
            ["achat: host:1 has closed the session; given up with 1 line unsent:", "    bob: hi"],
        )

    def test_zero_and_broken(self) -> None:
        """Without retry, a break is a failure."""
        connection = self.log_in(retry=0)
        connection.breaks()
        self.assert_left(1)
        self.assertEqual(
            self.told(), ["achat: the connection to host:1 broke; given up with no lines unsent"]
        )


class LoginTests(ClientTestCase):
    """A server's answers to the login."""

    def test_turned_away(self) -> None:
        """A login that the server will never let in ends the client with one clear sentence."""
        for notice, sentence in TURNED_AWAY:
            self.setUp()
            self.start()
            connection = self.endpoint.accepts()
            connection.says(notice)
            connection.closes()
            self.assert_left(1)
            self.assertEqual(self.told(), [f"achat: {sentence}; given up with no lines unsent"])

    def test_replaced(self) -> None:
        """A client whose name another connection has taken over does not fight for it."""
        connection = self.log_in()
        self.types("bob: 1", "bob: 2")
        connection.says("! replaced", "! bye 1")
        connection.closes()
        self.assert_left(1)
        self.assertIn("given up with 1 line unsent", self.told()[0])

    def test_replaced_when_done(self) -> None:
        """A takeover by somebody else is not a failure, if all is said."""
        connection = self.log_in()
        self.types("/quit")
        connection.says("! replaced", "! bye 1")
        connection.closes()
        self.assert_left(0)

    def test_busy(self) -> None:
        """A server that is busy is tried again, as one that is absent."""
        self.start()
        connection = self.endpoint.accepts()
        connection.says("! busy")
        connection.closes()
        self.assertEqual(self.told(), ["achat: host:1 is busy; trying again for 60 seconds"])
        self.come_back().welcomes()
        self.assertEqual(self.told(), ["achat: reached host:1"])

    def test_closed_before_welcome(self) -> None:
        """A server that stops before it has answered is tried again."""
        self.start()
        self.endpoint.accepts().closes()
        self.assertEqual(
            self.told(),
            [
                "achat: host:1 has closed the connection without a welcome;"
                " trying again for 60 seconds"
            ],
        )
        self.come_back().welcomes()

    def test_own_name_taken(self) -> None:
        """On the way back, our own name may still be taken, by our lost connection."""
        self.log_in().breaks()
        connection = self.come_back()
        connection.says("! name-taken ann")
        connection.closes()
        self.come_back().welcomes()

    def test_denied_on_the_way_back(self) -> None:
        """On the way back too, a refusal that will not pass is final."""
        self.log_in().breaks()
        connection = self.come_back()
        connection.says("! denied")
        connection.closes()
        self.assert_left(1)

    def test_no_welcome(self) -> None:
        """A server that speaks no notices is left, with a word on what to use instead."""
        self.start()
        self.types("bob: hi")
        connection = self.endpoint.accepts()
        connection.says("from bob: hi")
        self.clock.advance(WELCOME_TIMEOUT)
        self.assertTrue(connection.transport.disconnected)
        self.assert_left(1)
        self.assertEqual(self.seen(), ["from bob: hi"])
        self.assertEqual(
            self.told(),
            [
                "achat: host:1 has not said welcome within 5 seconds; a server that speaks no"
                " notices (--plain) is for nc, not for achat; given up with 1 line unsent:",
                "    bob: hi",
            ],
        )
        connection.says("! welcome ann")
        connection.breaks()

    def test_patience_with_a_secret(self) -> None:
        """A server that has a secret to check may take longer for it."""
        self.start(login="ann:secret")
        connection = self.endpoint.accepts()
        self.clock.advance(WELCOME_TIMEOUT_WITH_SECRET - 1)
        self.assertFalse(connection.transport.disconnected)
        connection.welcomes()
        self.types("/quit")
        connection.closes()

    def test_patience_on_the_way_back(self) -> None:
        """A server that was there before may take its time to start, as long as is tried at all."""
        self.log_in().breaks()
        connection = self.come_back()
        self.clock.advance(RETRY - BACKOFF - 1)
        self.assertFalse(connection.transport.disconnected)
        self.clock.advance(1)
        self.assertTrue(connection.transport.disconnected)
        connection.breaks()
        self.assert_left(1)
