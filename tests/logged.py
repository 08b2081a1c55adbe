"""What was logged while a test looked."""

from __future__ import annotations

from types import TracebackType

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer


@implementer(ILogObserver)
class Logged:
    """A context manager that collects what achat logs, as text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

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
        if str(event.get("log_namespace")).startswith("achat_twisted"):
            self.texts.append(formatEvent(event))
