"""The events that were logged while a test looked."""

from __future__ import annotations

from types import TracebackType

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ILogObserver)
class Logged:
    """A context manager that collects what achat logs, or others do, as text."""

    def __init__(self, namespace: str = "achat_twisted", level: str = "debug") -> None:
        """@param namespace: how the names of the loggers begin.
        @param level: what is less grave is not collected.
        """
        self.texts: list[str] = []
        self._namespace = namespace
        self._level = LogLevel.levelWithName(level)

    def __enter__(self) -> Logged:
        globalLogPublisher.addObserver(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        if event.get("log_level", LogLevel.info) < self._level:
            return
        if str(event.get("log_namespace")).startswith(self._namespace):
            self.texts.append(formatEvent(event))


class Failures(Logged):
    """Collects the bugs that the server logs as its own, which nobody else would hear of."""

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.texts.append(formatEvent(event))
            self.add(event["log_failure"])
        elif event.get("log_level", LogLevel.info) >= LogLevel.error:
            self.texts.append(formatEvent(event))

    def add(self, failure: Failure) -> None:
        self.texts.append(failure.getTraceback())
