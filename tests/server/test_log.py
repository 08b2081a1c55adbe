"""The log: its lines, its threshold, and where it goes."""

from __future__ import annotations

import json
import os
import sys
import syslog
from collections.abc import Iterator
from contextlib import contextmanager
from gc import collect
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from weakref import ref

from twisted.application.service import Application
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import (
    ILogObserver,
    Logger,
    LogLevel,
    LogPublisher,
    formatEventAsClassicLogText,
)
from twisted.python.failure import Failure
from twisted.python.log import LogPublisher as OlderPublisher
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.server.log import ApplicationLog, as_text
from achat_twisted.tools.errors import CannotStart


class Odd:
    """A value that is not JSON."""

    def __init__(self, text: str | None) -> None:
        self._text = text

    def __str__(self) -> str:
        if self._text is None:
            raise ValueError("no text")
        return self._text


class ApplicationLogTests(SynchronousTestCase):
    """L{ApplicationLog}."""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))
        self.file = self.folder / "log"
        self.rotations: list[Any] = []
        self.addCleanup(self._close)

    def _close(self) -> None:
        for rotate in self.rotations:
            rotate.args[0].__self__.file.close()  # as nobody else does while the process lives

    def _begin(self, level: str = "info", line: str = "json", **twistd: Any) -> Logger:
        """Have an application log as twistd would have it."""
        if not twistd:
            twistd = {"logfile": str(self.file), "nodaemon": True}
        self.reactor = MemoryReactorClock()
        self.log = ApplicationLog(twistd, level, line, self.rotations.append, self.reactor)
        application = Application("achat")
        self.log.keep_for(application)
        self.publisher = LogPublisher(application.getComponent(ILogObserver))
        return Logger("achat_twisted.test", observer=self.publisher)

    def _lines(self) -> list[str]:
        return self.file.read_text().splitlines()

    def _objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines()]

    def test_text_steers_no_terminal(self) -> None:
        """A line of text has no control characters, and the rest of an event is indented."""
        log = self._begin(line="text")
        log.info("{what}", what="a\x1b[2J\x9b31m\r\u2028\x00b\n2026-01-01 [achat] forged\té")
        first, second = self.file.read_text(encoding="utf-8").split("\n", 1)
        self.assertTrue(first.endswith(r" a\x1b[2J\x9b31m\r\u2028\x00b"), first)
        self.assertEqual(second, "\t2026-01-01 [achat] forged\té\n")

    def test_text_is_twisted_s(self) -> None:
        """A line of text is what Twisted makes of an event, whatever that has in it."""
        odd: list[dict[str, Any]] = [
            {},
            {"log_format": ""},
            {"log_format": "{nothing}"},
            {"log_format": "{name.real:>4} {name!r} {{}}"},
            {"log_format": "{name()} (or so)", "name": lambda: "called"},
            {"log_format": "{0}"},
            {"log_format": b"{name}"},
            {"log_format": "{name", "log_level": None},
            {"log_system": "elsewhere"},
            {"log_time": None},
            {"log_failure": Failure(ValueError("no"))},
            {"name": "two\nlines\n"},
            {"name": Odd(None)},
        ]
        for change in odd:
            event = {
                "log_format": "{name} is here",
                "log_level": LogLevel.info,
                "log_namespace": "achat",
                "log_time": 1e9 + 0.75,
                "name": 7,
            } | change
            self.assertEqual(as_text(event), formatEventAsClassicLogText(event), change)
        without = {"log_format": "hello"}
        self.assertEqual(as_text(without), formatEventAsClassicLogText(without))

    def test_json(self) -> None:
        """An event is an object on one line, with its kind, its text, and its fields by name."""
        log = self._begin()
        log.info("{name} was refused: {reason}", name="bob", reason="busy", peer="1.2.3.4:5")
        (event,) = self._objects()
        self.assertRegex(event.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00$")
        self.assertEqual(
            event,
            {
                "level": "info",
                "event": "{name} was refused: {reason}",
                "message": "bob was refused: busy",
                "name": "bob",
                "reason": "busy",
                "peer": "1.2.3.4:5",
                "source": "achat_twisted.test",
            },
        )

    def test_odd_values(self) -> None:
        """Control characters are escaped, and values that are not JSON are there as text."""
        log = self._begin()
        text = "a\nb\x1b[31m\x9b\u2028\ud800"
        log.info(
            "{text}", text=text, odd=Odd("odd"), worse=Odd(None), wide=float("inf"), n=3, no=None
        )
        (line,) = self._lines()
        self.assertTrue(line.isascii() and line.isprintable())
        (event,) = self._objects()
        self.assertEqual(
            [event[key] for key in ("text", "odd", "wide", "n", "no")],
            [text, "odd", "inf", 3, None],
        )
        self.assertIn("no text", event["worse"])

    def test_failure(self) -> None:
        """A failure is on one line too, with its traceback in a field."""
        log = self._begin()
        try:
            raise ZeroDivisionError("by nought")
        except ZeroDivisionError:
            log.failure("{name} could not be served", Failure(), name="bob")
        (event,) = self._objects()
        self.assertEqual((event["level"], event["name"]), ("critical", "bob"))
        self.assertIn("\nbuiltins.ZeroDivisionError: by nought", event["traceback"])

    def test_older_ways(self) -> None:
        """Events from Twisted's older way of logging are of the same kind."""
        self._begin()
        older = OlderPublisher(publishPublisher=self.publisher, observerPublisher=self.publisher)
        older.msg("(TCP Port 8080 Closed)")
        (event,) = self._objects()
        self.assertEqual(event["message"], "(TCP Port 8080 Closed)")
        self.assertEqual(set(event), {"time", "level", "event", "message", "source"})

    def test_text(self) -> None:
        """Lines of text look as Twisted's own."""
        self._begin(line="text").warn("not {what}", what="waiting")
        (line,) = self._lines()
        self.assertRegex(line, r"^\S+ \[achat_twisted.test#warn\] not waiting$")

    def test_level(self) -> None:
        """Events below the level are left out; the level can be changed at any time."""
        log = self._begin("warn", "text")
        log.info("one")
        log.warn("two")
        self.log.set_level("debug")
        log.debug("three")
        self.log.set_level("error")
        log.warn("four")
        log.critical("five")
        self.assertEqual([line.split()[-1] for line in self._lines()], ["two", "three", "five"])

    def test_rotation(self) -> None:
        """A new log file can be asked for, and the old one stays beside it."""
        log = self._begin(line="text")
        log.info("old")
        (rotate,) = self.rotations
        rotate()
        log.info("new")
        self.assertTrue((self.folder / "log.1").read_text().endswith("old\n"))
        self.assertTrue(self.file.read_text().endswith("new\n"))

    def test_standard_output(self) -> None:
        """In the foreground it goes to standard output, unless twistd is told otherwise."""
        for logfile in (None, "-"):
            with self._output() as output:
                self._begin(logfile=logfile, nodaemon=True).info("hi")
            self.assertEqual(json.loads(output.read_bytes())["message"], "hi")

    def test_characters_that_the_terminal_has_not(self) -> None:
        """Characters that standard output cannot encode are escaped, and so are half characters."""
        for encoding, expected in (
            ("ascii", b"\\u03a9mega, Zo\\xeb \\udc80"),
            ("latin-1", b"\\u03a9mega, Zo\xeb \\udc80"),
            ("utf-8", "Ωmega, Zoë \\udc80".encode()),
        ):
            with self._output(encoding) as output:
                log = self._begin(line="text", logfile=None, nodaemon=True)
                log.info("{name}", name="Ωmega, Zoë \udc80")
            self.assertTrue(output.read_bytes().endswith(b" %b\n" % expected))

    @contextmanager
    def _output(self, encoding: str = "utf-8") -> Iterator[Path]:
        """A file that is standard output."""
        path = self.folder / encoding
        with path.open("w", encoding=encoding) as file:
            self.patch(sys, "stdout", file)
            yield path

    def test_full_disk(self) -> None:
        """Lines that a full disk refuses are counted in their place, when there is room again."""
        with self._output() as output:
            log = self._begin(line="text", logfile=None, nodaemon=True)
            log.info("before")
            number = sys.stdout.fileno()
            room, full = os.dup(number), os.open("/dev/full", os.O_WRONLY)
            self.addCleanup(os.close, room)
            self.addCleanup(os.close, full)
            os.dup2(full, number)
            log.info("one")
            log.info("two")
            os.dup2(room, number)
            log.info("after")
        self.assertEqual(
            [line.partition("] ")[2] for line in output.read_text().splitlines()],
            ["before", "", "lines are missing here, as the log did not take them: 2", "after"],
        )

    def test_file_is_kept(self) -> None:
        """The file stays open for as long as the log is used, even if nobody can replace it."""
        log = self._begin(line="text")
        file: Any = ref(self.rotations.pop().args[0].__self__.file)
        collect()
        log.info("hi")
        self.assertEqual([line.partition("] ")[2] for line in self._lines()], ["hi"])
        file().close()

    def test_syslog(self) -> None:
        """Lines for the system's log wait as well, with their priority, and in its words."""
        self.patch(syslog, "syslog", lambda *sent: self.sent.append(sent))
        self.sent: list[tuple[int, str]] = []
        log = self._begin(line="text", syslog=True, prefix="achat")
        log.info("{name} is here", name="Ωmega \udc80")
        self.assertEqual(self.sent, [(syslog.LOG_INFO, "[-] Ωmega \\udc80 is here")])

    def test_cannot_be_written(self) -> None:
        """A log that cannot be opened is reported in one sentence, before the start."""
        for twistd, why in (
            ({"logfile": str(self.folder / "no" / "log")}, "the log cannot be written: [Errno 2]"),
            ({"logfile": "-", "nodaemon": False}, "a daemon has no standard output to log to"),
            ({"syslog": True, "prefix": "achat"}, "--syslog takes only text"),
        ):
            error = self.assertRaises(CannotStart, self._begin, **twistd)
            self.assertIn(why, str(error))
        self.patch(sys, "stdout", None)
        error = self.assertRaises(CannotStart, self._begin, nodaemon=True)
        self.assertIn("standard output is closed", str(error))

    def test_not_an_application(self) -> None:
        """A program that is not an application keeps its own log."""
        reactor = MemoryReactorClock()
        log = ApplicationLog(
            {"logfile": str(self.file)}, "info", "json", self.rotations.append, reactor
        )
        log.keep_for(self)
        self.assertFalse(self.file.exists())
        self.assertEqual((reactor.whenRunningHooks, reactor.triggers), ([], {}))
