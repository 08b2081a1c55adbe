"""The terminal: what is typed, what is shown, and who has to wait."""

from __future__ import annotations

import os
from tempfile import TemporaryFile
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol, IPushProducer
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from achat_twisted.client.outgoing import Outgoing
from achat_twisted.client.terminal import MAX_TYPED, Output, Terminal
from tests.fakes import FakeSource

SHOWN = [
    ("from bob: hi", "from bob: hi\n"),
    ("tab\tstays", "tab\tstays\n"),
    ("Zoë 東京 👨\u200d👩", "Zoë 東京 👨\u200d👩\n"),
    ("\x1b[2J", "\\x1b[2J\n"),
    ("\0\x07\r\x7f", "\\x00\\x07\\x0d\\x7f\n"),
    ("\x9b1m", "\\x9b1m\n"),
    ("a\u2028b\u2029", "a\\u2028b\\u2029\n"),
]


class FakeStandardError(StringTransport):
    """What a L{Output} is to a terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: Deferred[None] = Deferred()


class TerminalTestCase(SynchronousTestCase):
    """A terminal whose input and output are in memory."""

    def setUp(self) -> None:
        self.outgoing = Outgoing(window=100)
        self.errors: Any = FakeStandardError()
        self.terminal = Terminal(self.outgoing, self.errors)
        self.stdio: Any = StringTransport()
        self.terminal.makeConnection(self.stdio)

    def sent(self) -> list[str]:
        """What has been typed, as a server gets it."""
        sent: list[bytes] = []
        self.outgoing.begin(sent.append)
        return b"".join(sent).decode().splitlines()


class InputTests(TerminalTestCase):
    """What is typed."""

    def test_lines(self) -> None:
        """However the input is cut into chunks, its lines are passed on."""
        for chunk in (b"bob: o", b"ne\nbob: two\r\nb", b"ob: three\n"):
            self.terminal.dataReceived(chunk)
        self.assertEqual(self.sent(), ["bob: one", "bob: two", "bob: three", "/sync"])

    def test_end_completes_a_line(self) -> None:
        """The end of input ends its last line too, and is an end."""
        self.terminal.dataReceived(b"bob: one")
        self.terminal.readConnectionLost()
        self.assertEqual(self.sent(), ["bob: one", "/quit"])

    def test_quit_is_an_end(self) -> None:
        """What stands behind C{/quit} is not read any more."""
        self.terminal.dataReceived(b"bob: one\n/quit now\nbob: two\n")
        self.terminal.dataReceived(b"bob: three\n")
        self.terminal.readConnectionLost()
        self.assertEqual(self.sent(), ["bob: one", "/quit"])
        self.assertEqual(self.stdio.producerState, "paused")

    def test_quit_among_lines(self) -> None:
        """Lines that C{/quit} only begins, or is part of, are lines like others."""
        self.terminal.dataReceived(b"/quite\nbob: /quit\n /quit\n")
        self.assertEqual(self.sent(), ["/quite", "bob: /quit", " /quit", "/sync"])

    def test_lines_that_no_server_takes(self) -> None:
        """Lines that are no text, or too long, are refused here as a server would."""
        long = b"x" * (MAX_TYPED + 1)
        self.terminal.dataReceived(b"a: \xff\na: \x1b[2J\n" + long + b"\na: good\n")
        self.assertEqual(self.sent(), ["a: good", "/sync"])
        self.assertEqual(
            self.errors.value().decode(),
            f"! bad-line not UTF-8\n! bad-line control characters\n! too-long {MAX_TYPED}\n",
        )

    def test_throttled(self) -> None:
        """Input is not read while too many lines wait for a server."""
        self.terminal.dataReceived(b"x" * 100 + b"\n")
        self.assertEqual(self.stdio.producerState, "paused")
        self.sent()
        self.assertEqual(self.stdio.producerState, "producing")


class OutputTests(TerminalTestCase):
    """What is shown."""

    def test_harmless(self) -> None:
        """No control character reaches the screen as such; everything else does."""
        for line, shown in SHOWN:
            for show, output in (
                (self.terminal.message, self.stdio),
                (self.terminal.notice, self.errors),
            ):
                output.clear()
                show(line)
                self.assertEqual(output.value().decode(), shown)

    def test_says(self) -> None:
        """What the client itself has to say carries its name, and goes to standard error."""
        self.terminal.say("two lines:", ["a", "b\x1b"])
        self.assertEqual(self.errors.value().decode(), "achat: two lines:\n    a\n    b\\x1b\n")
        self.assertEqual(self.stdio.value(), b"")

    def test_source_is_throttled_by_both(self) -> None:
        """Whoever is shown is paused until neither output is full."""
        source = FakeSource()
        self.terminal.throttle(source)
        out, errors = self.stdio.producer, self.errors.producer
        for brake in (out, errors):
            verifyObject(IPushProducer, brake)
        out.pauseProducing()
        out.pauseProducing()
        errors.pauseProducing()
        out.resumeProducing()
        self.assertTrue(source.paused)
        errors.resumeProducing()
        self.assertFalse(source.paused)

    def test_next_source_is_throttled_too(self) -> None:
        """Whoever comes while an output is full begins with waiting."""
        self.stdio.producer.pauseProducing()
        source = FakeSource()
        self.terminal.throttle(source)
        self.assertTrue(source.paused)
        self.terminal.throttle(None)
        self.stdio.producer.resumeProducing()
        self.assertTrue(source.paused, "it has gone in the meantime")

    def test_lost_standard_error(self) -> None:
        """When nobody reads standard error, what is to be shown does not wait for it."""
        source = FakeSource()
        self.terminal.throttle(source)
        self.errors.producer.pauseProducing()
        self.errors.producer.stopProducing()
        self.assertFalse(source.paused or source.stopped)

    def test_deserted(self) -> None:
        """When nobody reads standard output, whoever is shown there stops, now and later."""
        first, second = FakeSource(), FakeSource()
        self.terminal.throttle(first)
        self.terminal.writeConnectionLost()
        self.terminal.throttle(second)
        self.assertTrue(self.terminal.deserted and first.stopped and second.stopped)

    def test_close(self) -> None:
        """The terminal is closed when both outputs have flushed."""
        verifyObject(IHalfCloseableProtocol, self.terminal)
        closed = self.terminal.close()
        self.assertTrue(self.stdio.disconnecting and self.errors.disconnecting)
        self.assertEqual((self.stdio.producer, self.errors.producer), (None, None))
        self.terminal.connectionLost(Failure(ConnectionDone()))
        self.assertNoResult(closed)
        self.errors.closed.callback(None)
        self.successResultOf(closed)

    def test_close_waits_for_standard_output(self) -> None:
        """Standard output may be the last to flush."""
        closed = self.terminal.close()
        self.errors.closed.callback(None)
        self.assertNoResult(closed)
        self.terminal.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(closed)

    def test_close_deserted(self) -> None:
        """A standard output that nobody reads is not waited for."""
        self.terminal.writeConnectionLost()
        closed = self.terminal.close()
        self.errors.closed.callback(None)
        self.terminal.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(closed)


class DescriptorTests(SynchronousTestCase):
    """L{Output}."""

    def test_flushes_before_it_closes(self) -> None:
        """All that was written is in the file when the output says that it is closed."""
        reactor = MemoryReactorClock()
        with TemporaryFile() as file:
            output = Output(file.fileno(), reactor)
            self.assertFalse(os.get_blocking(file.fileno()))
            output.write(b"one\n")
            output.write(b"two\n")
            output.loseConnection()
            self.assertNoResult(output.closed)
            self.assertEqual(reactor.getWriters(), [output])
            output.connectionLost(Failure(output.doWrite()))
            self.successResultOf(output.closed)
            file.seek(0)
            self.assertEqual(file.read(), b"one\ntwo\n")
