"""New options for a running server: all of them are checked first, and then put in place."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from twisted.logger import Logger
from zope.interface import implementer

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

    def reload(self) -> None:
        """Reload; anything that is wrong is logged, and never raised."""
        options = self._options
        try:
            options = options.again()
            looked = _Looked(options)
            put_in_place = [part.reload(looked) for part in self._parts]
        except (SystemExit, ValueError, OSError) as error:
            reason = options.blame(str(error).removeprefix("achat: "))
            self._log.error("not reloaded, all is as it was: {reason}", reason=reason)
        except Exception:
            self._log.failure("Reloading failed, all is as it was")
        else:
            for put in put_in_place:
                try:
                    put()
                except Exception:
                    self._log.failure("Something could not be put in place")
            self._tell(_values(options), looked.at)

    def _tell(self, values: dict[str, Any], looked_at: set[str]) -> None:
        changed = [key for key, value in values.items() if value != self._in_force[key]]
        taken = [key for key in changed if key in looked_at]
        waiting = [key for key in changed if key not in looked_at]
        for keys, log, text in (
            (taken, self._log.info, "reloaded: {changes}"),
            (waiting, self._log.warn, "for the next start only: {changes}"),
        ):
            if keys:
                log(text, changes=", ".join(self._change(key, values[key]) for key in keys))
        if not changed:
            self._log.info("reloaded: no option has changed")
        self._in_force |= {key: values[key] for key in taken}

    def _change(self, key: str, value: Any) -> str:
        if key in self._options.private:
            return key
        return f"{key} {_say(self._in_force[key])} -> {_say(value)}"


def _values(options: Configured) -> dict[str, Any]:
    return {key: setting.value for key, setting in options.settings().items()}


def _say(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value) or "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return "nothing" if value is None else str(value)
