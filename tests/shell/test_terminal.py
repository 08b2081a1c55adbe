"""The terminal: typed input, shown output, and waiting for either."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from achat_twisted.shell.outgoing import Outgoing
from achat_twisted.shell.terminal import MAX_TYPED, Terminal
from tests.fakes import FakeOutput, FakeSource

SHOWN = [
    ("from bob: hi", "from bob: hi\n"),
    ("tab\tstays", "tab\tstays\n"),
    ("Zoë 東京 👨\u200d👩", "Zoë 東京 👨\u200d👩\n"),
    ("\x1b[2J", "\\x1b[2J\n"),
    ("\0\x07\r\x7f", "\\x00\\x07\\x0d\\x7f\n"),
    ("\x9b1m", "\\x9b1m\n"),
    ("a\u2028b\u2029", "a\\u2028b\\u2029\n"),
]


class TerminalTestCase(SynchronousTestCase):
    """A terminal whose input and output are in memory."""

    def setUp(self) -> None:
        self.outgoing = Outgoing(window=100)
        self.input: Any = StringTransport()
        self.output = cast(Any, FakeOutput())
        self.errors = cast(Any, FakeOutput())
        self.terminal = Terminal(self.outgoing, self.output, self.errors)
        self.terminal.makeConnection(self.input)

    def sent(self) -> list[str]:
        """The typed lines, as a server gets them."""
        sent: list[bytes] = []
        self.outgoing.begin(sent.append)
        return b"".join(sent).decode().splitlines()


class InputTests(TerminalTestCase):
    """Typed input."""

    def test_lines(self) -> None:
        """However the input is cut into chunks, its lines are passed on."""
        for chunk in (b"bob: o", b"ne\nbob: two\r\nb", b"ob: three\n"):
            self.terminal.dataReceived(chunk)
        self.assertEqual(self.sent(), ["bob: one", "bob: two", "bob: three", "/sync"])

    def test_end_completes_a_line(self) -> None:
        """The end of input ends its last line too, and is an end."""
        self.terminal.dataReceived(b"bob: one")
        self.terminal.connectionLost()
        self.assertEqual(self.sent(), ["bob: one", "/quit"])

    def test_quit_is_an_end(self) -> None:
        """Input after C{/quit} is no longer read."""
        self.terminal.dataReceived(b"bob: one\n/quit now\nbob: two\n")
        self.terminal.dataReceived(b"bob: three\n")
        self.terminal.connectionLost()
        self.assertEqual(self.sent(), ["bob: one", "/quit"])
        self.assertEqual(self.input.producerState, "paused")

    def test_quit_among_lines(self) -> None:
        """Lines that C{/quit} only begins, or is part of, are lines like others."""
        self.terminal.dataReceived(b"/quite\nbob: /quit\n /quit\n")
        self.assertEqual(self.sent(), ["/quite", "bob: /quit", " /quit", "/sync"])

    def test_lines_that_no_server_takes(self) -> None:
        """Lines that are not text, or too long, are refused here as by a server."""
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
        self.assertEqual(self.input.producerState, "paused")
        self.sent()
        self.assertEqual(self.input.producerState, "producing")


class OutputTests(TerminalTestCase):
    """Shown output."""

    def test_harmless(self) -> None:
        """No control character reaches the screen as such; everything else does."""
        for line, shown in SHOWN:
            for show, output in (
                (self.terminal.message, self.output),
                (self.terminal.notice, self.errors),
            ):
                output.clear()
                show(line)
                self.assertEqual(output.value().decode(), shown)

    def test_says(self) -> None:
        """The client's own messages carry its name, and go to standard error."""
        self.terminal.say("two lines:", ["a", "b\x1b"])
        self.assertEqual(self.errors.value().decode(), "achat: two lines:\n    a\n    b\\x1b\n")
        self.assertEqual(self.output.value(), b"")

    def test_source_is_throttled_by_both(self) -> None:
        """A source that is shown is paused until neither output is full."""
        source = FakeSource()
        self.terminal.throttle(source)
        verifyObject(IPushProducer, self.terminal)
        self.output.fills()
        self.errors.fills()
        self.output.empties()
        self.assertTrue(source.paused)
        self.errors.empties()
        self.assertFalse(source.paused)

    def test_next_source_is_throttled_too(self) -> None:
        """A source that comes while an output is full begins by waiting."""
        self.output.fills()
        source = FakeSource()
        self.terminal.throttle(source)
        self.assertTrue(source.paused)
        self.terminal.throttle(None)
        self.output.empties()
        self.assertTrue(source.paused, "it has gone in the meantime")

    def test_lost_standard_error(self) -> None:
        """When nobody reads standard error, messages do not wait for it."""
        source = FakeSource()
        self.terminal.throttle(source)
        self.errors.fills()
        self.errors.is_lost()
        self.assertFalse(source.paused or source.stopped)

    def test_deserted(self) -> None:
        """When standard output takes no more, its sources are stopped, now and later."""
        first, second = FakeSource(), FakeSource()
        self.terminal.throttle(first)
        self.output.breaks("nobody reads")
        self.terminal.throttle(second)
        self.assertTrue(first.stopped and second.stopped)

    def test_loss(self) -> None:
        """Messages that are not out are lost once it is certain that they cannot be shown."""
        self.output.unshown = 1
        self.assertEqual(self.terminal.unshown, "1 message had come, but could not be shown")
        self.assertEqual(self.terminal.loss, "")
        self.output.breaks("nobody reads", unshown=1)
        self.assertEqual(
            self.terminal.loss, "nobody reads; 2 messages had come, but could not be shown"
        )

    def test_broken_without_loss(self) -> None:
        """A broken output is reported, even if nothing had come for it."""
        self.output.breaks("nobody reads")
        self.assertEqual(self.terminal.loss, "nobody reads")

    def test_flush_and_close(self) -> None:
        """Each output is waited for by itself, so that the last word can be about the first."""
        for output, end in ((self.output, self.terminal.flush), (self.errors, self.terminal.close)):
            output.loseConnection = lambda: None
            ended = Deferred.fromCoroutine(end())
            self.assertIsNone(output.producer)
            self.assertNoResult(ended)
            output.ended.callback(None)
            self.successResultOf(ended)
        self.assertEqual(self.terminal.loss, "")
