"""New options for a running server: all of them are checked first, and then put in place."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Generic, TypeVar

from twisted.logger import Logger
from zope.interface import implementer

from achat_twisted.operator.outcome import HIDDEN, Change, Outcome
from achat_twisted.server.config import Configured
from achat_twisted.tools.interfaces import IReloadable

Value = TypeVar("Value")


@implementer(IReloadable)
class Put(Generic[Value]):
    """Makes a value from the options, and puts it where it belongs."""

    def __init__(
        self, make: Callable[[Mapping[str, Any]], Value], put: Callable[[Value], None]
    ) -> None:
        self._make = make
        self._put = put

    def reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        value = self._make(options)
        return partial(self._put, value)


class _Looked(UserDict[str, Any]):
    """Options that remember which of them were looked at."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self.at: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.at.add(key)
        return super().__getitem__(key)


class Reloader:
    """Reads the command line and its file again, and gives the new options to all parts.

    If anything is wrong, nothing is put in place. An option that no part looks at is logged as
    waiting for the next start, at each reload.
    """

    _log = Logger()

    def __init__(self, options: Configured) -> None:
        """@param options: those with which the server was started."""
        self._options = options
        self._in_force = _values(options)
        self._parts: list[IReloadable] = []

    def add(self, *parts: IReloadable) -> None:
        """Let these parts take new options, each those that it looks at."""
        self._parts.extend(parts)

    def reload(self) -> Outcome:
        """Reload; anything that is wrong is logged and told, and never raised."""
        options = self._options
        try:
            options = options.again()
            looked = _Looked(options)
            put_in_place = [part.reload(looked) for part in self._parts]
        except (SystemExit, ValueError, OSError) as error:
            reason = options.blame(str(error).removeprefix("achat: "))
            self._log.error("not reloaded, all is as it was: {reason}", reason=reason)
            return Outcome(error=f"not reloaded, all is as it was: {reason}")
        except Exception:
            self._log.failure("Reloading failed, all is as it was")
            return Outcome(error="not reloaded, all is as it was: the log says what has failed")
        failed = ""
        for put in put_in_place:
            try:
                put()
            except Exception:
                self._log.failure("Something could not be put in place")
                failed = "something could not be put in place: the log says what has failed"
        return replace(self._compare(_values(options), looked.at), error=failed)

    def _compare(self, values: dict[str, Any], looked_at: set[str]) -> Outcome:
        """Log the changes, and remember those that are in force."""
        changed = [key for key, value in values.items() if value != self._in_force[key]]
        changes = {key: self._change(key, values[key]) for key in changed}
        taken = [change for key, change in changes.items() if key in looked_at]
        waiting = [change for key, change in changes.items() if key not in looked_at]
        for some, log, text in (
            (taken, self._log.info, "reloaded: {changes}"),
            (waiting, self._log.warn, "for the next start only: {changes}"),
        ):
            if some:
                log(text, changes=", ".join(map(str, some)))
        if not changed:
            self._log.info("reloaded: no option has changed")
        self._in_force |= {change.option: values[change.option] for change in taken}
        return Outcome(taken, waiting)

    def _change(self, key: str, value: Any) -> Change:
        if key in self._options.private:
            return Change(key, HIDDEN, HIDDEN)
        return Change(key, _say(self._in_force[key]), _say(value))


def _values(options: Configured) -> dict[str, Any]:
    return {key: setting.value for key, setting in options.settings().items()}


def _say(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value) or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(value)
