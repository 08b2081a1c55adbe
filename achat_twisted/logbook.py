"""The log: what is grave enough for it, and what a line looks like.

Strategy: twistd looks for an observer on the application before it writes its first line. So the
service, as it becomes part of the application, brings one along that writes to where twistd would
have written. All of it is made of Twisted's own observers; the lines in JSON alone are ours.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from twisted.logger import (
    FileLogObserver,
    FilteringLogObserver,
    ILogObserver,
    LegacyLogObserverWrapper,
    LogEvent,
    LogLevel,
    LogLevelFilterPredicate,
    formatEvent,
    formatEventAsClassicLogText,
)
from twisted.python import syslog
from twisted.python.components import Componentized
from twisted.python.reflect import safe_str

from achat_twisted.interfaces import CannotStart
from achat_twisted.logfile import RenewableFile

LEVELS = ("debug", "info", "warn", "error")
"""What C{--log-level} may be; what is less grave is not logged."""

TEXT, JSON = FORMATS = ("text", "json")
"""What C{--log-format} may be."""

_LEGACY = {"time", "system", "message", "isError", "format", "failure", "why", "printed", "debug"}
"""What Twisted's older way of logging puts beside what is meant."""

_NO_KIND = {"{log_text}", "{log_io}"}
"""How Twisted wraps what came as text: by the older way of logging, or on standard output."""


_STEERING = {
    number: chr(number).encode("unicode_escape").decode()
    for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
    if chr(number) not in "\n\t"  # which Twisted has indented
}
"""Characters that steer a terminal, and how they are written instead."""


def as_text(event: LogEvent) -> str | None:
    """One event as twistd writes it, but nothing in it steers the terminal that shows it.

    What strangers say is checked where it comes in; this is for what libraries quote of it.
    """
    text = formatEventAsClassicLogText(event)
    return text and text.translate(_STEERING)


def as_json(event: LogEvent) -> str:
    """One event as a line that is a JSON object.

    C{event} is what was said with the names of its fields, which is the same for all events of
    that kind, and C{message} with their values. The fields stand beside them by name.
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
        return str(value)  # which JSON has no number for
    return value if isinstance(value, str | int | float | None) else safe_str(value)


class Logbook:
    """Where the application logs to, from its first line on."""

    def __init__(
        self,
        twistd: Mapping[str, Any],
        level: str,
        line: str,
        on_rotate: Callable[[Callable[[], None]], None],
    ) -> None:
        """@param twistd: its own options, of which those count that say where to log to.
        @param level: one of L{LEVELS}.
        @param line: one of L{FORMATS}.
        @param on_rotate: has a call made when somebody wants a new file.
        """
        self._twistd = twistd
        self._line = line
        self._on_rotate = on_rotate
        self._threshold = LogLevelFilterPredicate()
        self.set_level(level)

    def set_level(self, level: str) -> None:
        """Log from now on what is as grave as this."""
        self._threshold.setLogLevelForNamespace("", LogLevel.levelWithName(level))

    def keep_for(self, parent: object) -> None:
        """Be the log of C{parent}, if that is an application.

        @raise CannotStart: if it cannot be written.
        """
        if isinstance(parent, Componentized):
            observer = FilteringLogObserver(self._observer(), [self._threshold])
            parent.setComponent(ILogObserver, observer)

    def _observer(self) -> ILogObserver:
        if not self._twistd.get("syslog"):
            file = self._file()
            return FileLogObserver(file, as_json if self._line == JSON else as_text)
        if self._line == JSON:
            raise CannotStart(
                "achat: twistd's --syslog has lines of text, and no --log-format json"
            )
        return LegacyLogObserverWrapper(syslog.SyslogObserver(self._twistd["prefix"]).emit)  # type: ignore[arg-type]  # which is one

    def _file(self) -> IO[Any]:
        """Where twistd would log to."""
        name = self._twistd.get("logfile")
        in_foreground = self._twistd.get("nodaemon", True)
        if name == "-" and not in_foreground:
            raise CannotStart("achat: a daemon has no standard output to log to")
        if name == "-" or (in_foreground and not name):
            return sys.stdout
        try:
            log = RenewableFile(Path(name or "twistd.log"))
        except OSError as error:
            raise CannotStart(f"achat: the log cannot be written: {error}") from None
        self._on_rotate(log.renew)
        return log.file
