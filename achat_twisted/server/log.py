"""The log: the level from which it takes events, and the form of its lines.

Strategy: twistd looks for an observer on the application before it writes its first line. So the
service, as it becomes part of the application, brings one along that writes to where twistd would
have written. It is made of Twisted's own observers. Ours are the lines in JSON, and the parts
between an observer and the log: an encoding that has a form for every character, and a L{LogQueue},
so that the server never waits for its log.
"""

from __future__ import annotations

import json
import math
import os
import select
import sys
import syslog
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from io import FileIO
from pathlib import Path
from typing import Any, TextIO, cast

from twisted.internet.interfaces import IReactorCore
from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LegacyLogObserverWrapper,
    LogEvent,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    formatEventAsClassicLogText,
    formatTime,
)
from twisted.python.components import Componentized
from twisted.python.reflect import safe_str
from twisted.python.syslog import SyslogObserver

from achat_twisted.server.log_file import RenewableFile
from achat_twisted.server.log_queue import LogQueue
from achat_twisted.tools.errors import CannotStart

LEVELS = ("debug", "info", "warn", "error")
"""The values of C{--log-level}; events below it are not logged."""

TEXT, JSON = FORMATS = ("text", "json")
"""The values of C{--log-format}."""

_LEGACY = {"time", "system", "message", "isError", "format", "failure", "why", "printed", "debug"}
"""The fields that Twisted's older way of logging adds to an event."""

_NO_KIND = {"{log_text}", "{log_io}"}
"""The formats of plain text, from the older way of logging or from standard output."""

_SPECIAL = frozenset({"log_flattened", "log_failure", "log_system"})
"""The keys of events that are more than a format and its fields."""

_STEERING = {
    number: chr(number).encode("unicode_escape").decode()
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
    if chr(number) not in "\n\t"  # Twisted has indented these
}
"""The characters that control a terminal, with their escapes."""


def as_text(event: LogEvent) -> str | None:
    """One event as twistd writes it, but with nothing in it that controls a terminal.

    Text from strangers is checked where it comes in; this is for the parts that libraries quote.
    """
    text = _plain_text(event) or formatEventAsClassicLogText(event, _format_time)
    if text is None or text[:-1].isprintable():  # as nearly all are; to translate takes 2 µs
        return text
    return text.translate(_STEERING)


def _plain_text(event: LogEvent) -> str | None:
    """An event with nothing but fields to fill in, as Twisted writes it; None if it may have more.

    Twisted's way can also call what it finds in an event. That takes 13 µs for the line of a login,
    timed by itself, and this 2.
    """
    kind = event.get("log_format")
    if not isinstance(kind, str) or "(" in kind or not _SPECIAL.isdisjoint(event):
        return None
    try:
        text = kind.format_map(event)
        head = f"[{event['log_namespace']}#{event['log_level'].name}]"
    except Exception:
        return None  # Twisted has a form for that, too
    indented = text.replace("\n", "\n\t")
    return text and f"{_format_time(event.get('log_time'))} {head} {indented}\n"


def _format_time(when: float | None) -> str:
    return formatTime(when) if when is None else _format_second(int(when))


@lru_cache(maxsize=1)
def _format_second(second: int) -> str:
    """The time as twistd writes it, made once for all lines of a second: it takes 8 µs."""
    return formatTime(second)


def as_json(event: LogEvent) -> str:
    """One event as a line that is a JSON object.

    C{event} is the text with the names of its fields, which is the same for all events of that
    kind, and C{message} is the text with their values. The fields themselves follow by name.
    """
    message = formatEvent(event)
    kind = safe_str(event.get("log_format") or "")
    fields = {
        key: _plain(value)
        for key, value in event.items()
        if not key.startswith("log_") and key not in _LEGACY
    }
    failure = event.get("log_failure")
    return (
        json.dumps(
            {
                "time": datetime.fromtimestamp(event["log_time"], UTC).isoformat(),
                "level": event["log_level"].name,
                "event": message if kind in _NO_KIND else kind,
                "message": message,
                **fields,
                **({"traceback": failure.getTraceback()} if failure is not None else {}),
                "source": safe_str(event.get("log_namespace", "-")),
            }
        )
        + "\n"
    )


def _plain(value: object) -> str | int | float | bool | None:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such number
    return value if isinstance(value, str | int | float | None) else safe_str(value)


class _Stream:
    """A file to which whole lines are written, even if somebody has made it non-blocking.

    A line of which a full disk took only a part is ended before the next one. The file itself is
    kept, and not its descriptor alone: that would be another file's once nobody else kept it.
    """

    def __init__(self, file: FileIO | TextIO) -> None:
        self._file = file
        self._is_torn = False

    def write(self, line: bytes) -> None:
        """@raise OSError: if the file does not take all of it."""
        left = b"\n" + line if self._is_torn else line
        self._is_torn = True
        while left:
            try:
                left = left[os.write(self._file.fileno(), left) :]
            except BlockingIOError:
                room = select.poll()
                room.register(self._file, select.POLLOUT)
                room.poll()
        self._is_torn = False


class _Encoded:
    """The part of a text file that an observer uses; escapes what the encoding does not have."""

    def __init__(self, write: Callable[[bytes], object], encoding: str) -> None:
        self._write = write
        self._encoding = encoding

    def write(self, text: str) -> None:
        self._write(text.encode(self._encoding, "backslashreplace"))

    def flush(self) -> None:
        """Do nothing, as nothing is buffered."""


class _Syslog(SyslogObserver):
    """Twisted's own, with another function to call C{syslog(3)}."""

    def __init__(self, prefix: str, send: Callable[[int, str], object]) -> None:
        super().__init__(prefix)
        self.syslog = send


def _send(priority: int, line: str) -> None:
    """Pass a line to the system's log, which may block."""
    syslog.syslog(priority, line.encode("utf-8", "backslashreplace").decode())


class ApplicationLog:
    """The application's log, from its first line on."""

    def __init__(
        self,
        twistd: Mapping[str, Any],
        level: str,
        line: str,
        on_rotate: Callable[[Callable[[], None]], None],
        reactor: IReactorCore,
    ) -> None:
        """@param twistd: its own options, some of which say where to log to.
        @param level: one of L{LEVELS}.
        @param line: one of L{FORMATS}.
        @param on_rotate: takes a function to be called when somebody wants a new file.
        @param reactor: while it runs, nobody waits for the log.
        """
        self._twistd = twistd
        self._line = line
        self._on_rotate = on_rotate
        self._reactor = reactor
        self._queue = LogQueue(self._tell_missing)
        self._threshold = LogLevelFilterPredicate()
        self.set_level(level)

    def set_level(self, level: str) -> None:
        self._threshold.setLogLevelForNamespace("", LogLevel.levelWithName(level))

    def keep_for(self, parent: object) -> None:
        """Be the log of C{parent}, if that is an application.

        @raise CannotStart: if it cannot be written.
        """
        if isinstance(parent, Componentized):
            observer = FilteringLogObserver(self._observer(), [self._threshold])
            parent.setComponent(ILogObserver, observer)
            self._reactor.callWhenRunning(self._queue.begin)
            self._reactor.addSystemEventTrigger("after", "shutdown", self._queue.end)

    def _observer(self) -> ILogObserver:
        if self._twistd.get("syslog"):
            return self._to_syslog(self._twistd["prefix"])
        name = self._twistd.get("logfile")
        in_foreground = self._twistd.get("nodaemon", True)
        if name == "-" and not in_foreground:
            raise CannotStart("achat: a daemon has no standard output to log to")
        if name == "-" or (in_foreground and not name):
            if sys.stdout is None:
                raise CannotStart("achat: standard output is closed: log to a --logfile")
            return self._to_file(_Stream(sys.stdout), sys.stdout.encoding)
        try:
            log = RenewableFile(Path(name or "twistd.log"))
        except OSError as error:
            raise CannotStart(f"achat: the log cannot be written: {error}") from None
        self._on_rotate(partial(self._queue.do, log.renew))
        return self._to_file(_Stream(log.file), "utf-8")

    def _to_file(self, file: _Stream, encoding: str) -> ILogObserver:
        """An observer that formats a line now, and has it written to a file in its turn."""
        self._at_once = self._formatter(_Encoded(file.write, encoding))
        return self._formatter(
            _Encoded(lambda line: self._queue.put(partial(file.write, line)), encoding)
        )

    def _formatter(self, file: _Encoded) -> ILogObserver:
        out = cast(Any, file)
        return FileLogObserver(out, as_json if self._line == JSON else as_text)

    def _to_syslog(self, prefix: str) -> ILogObserver:
        """The same for the system's log."""
        if self._line == JSON:
            raise CannotStart("achat: twistd's --syslog takes only text, not --log-format json")

        def send_later(priority: int, line: str) -> None:
            self._queue.put(partial(_send, priority, line))

        self._at_once = LegacyLogObserverWrapper(_Syslog(prefix, _send).emit)  # type: ignore[arg-type]  # which is one
        return LegacyLogObserverWrapper(_Syslog(prefix, send_later).emit)  # type: ignore[arg-type]

    def _tell_missing(self, lines: int) -> None:
        log = Logger("achat_twisted.server.log.ApplicationLog", observer=self._at_once)
        log.warn("lines are missing here, as the log did not take them: {lines}", lines=lines)
