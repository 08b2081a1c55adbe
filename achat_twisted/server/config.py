"""Options in a file: TOML, with each under the name that it has on the command line.

Strategy: the file goes through the same checks as the command line, but first; so the command line
has the last word, and wins. This module knows the tables of options, but not a single option.
"""

from __future__ import annotations

import getopt
import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, ClassVar, Self

import tomli_w
from twisted.python import usage

from achat_twisted.server.values import Number
from achat_twisted.tools.suggest import suggest

Scalar = bool | int | float | str

_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),  # before the numbers, as Python takes it for one
    ((int, float), "a number"),
    (str, "a string"),
    (list, "a list"),
    (dict, "a table"),
    ((date, datetime, time), "a date"),
)

_OPTION = re.compile(r"(?<!\S)--([a-z][a-z-]*)")


@dataclass(frozen=True, slots=True)
class Setting:
    """An option, as it would be written in the file.

    @ivar value: None if it is not set.
    @ivar source: C{default}, C{command line}, or the path of the file.
    """

    value: Scalar | list[str] | None
    source: str


def read(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    @raise usage.UsageError: if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise usage.UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise usage.UsageError(f"{path} is not UTF-8") from None
    except (ValueError, RecursionError) as error:  # as for a number of thousands of digits
        raise usage.UsageError(f"{path} is not TOML: {error}") from None


def write(settings: dict[str, Setting]) -> str:
    """A TOML file with these settings, and a comment on each that names its source."""
    lines = []
    for key, setting in settings.items():
        if setting.value is None:
            lines.append(f"# {key} is not set\n")
        else:
            text = tomli_w.dumps({key: setting.value}).removesuffix("\n")
            lines.append(f"{text}  # {setting.source}\n")
    return "".join(lines)


class Configured(usage.Options):
    """Options of the command line, and of the file that C{--config} names.

    In the file a flag is true or false, a value is a number or a string, and a repeatable option is
    a string or a list of them. The method C{opt_x} of a repeatable option appends its values to a
    list, under the option's name. Values from the command line replace that list.
    """

    private: ClassVar[frozenset[str]] = frozenset()
    """Options whose values may be secrets, and are not logged."""

    optFlags: ClassVar[list[list[Any]]] = []
    optParameters: ClassVar[list[list[Any]]] = [
        ["config", "c", None, "TOML file with options; the command line wins.", str]
    ]

    def __init_subclass__(cls) -> None:
        for flag, *_ in cls.optFlags:
            setattr(cls, f"opt_no_{flag.replace('-', '_')}", _denial(flag))

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """@param environ: some defaults depend on it."""
        super().__init__()
        self._environ = environ
        self._words: list[str] = []
        self._path: Path | None = None
        self._in_file: dict[str, Any] = {}
        self._in_words: dict[str, Any] = {}

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse as usual, but a mistake ends the process with one sentence, not with the usage."""
        self._words = list(sys.argv[1:] if options is None else options)
        try:
            self._look_at_words()
            self._apply_file()
            super().parseOptions(self._words)
        except usage.UsageError as error:
            raise SystemExit(f"achat: {self.blame(str(error))}") from None

    def again(self) -> Self:
        """The options from the same command line, with the file as it is now.

        @raise SystemExit: if it is wrong now, with one sentence.
        """
        if self._path is not None and self._path.is_fifo():
            # To open it would be to wait for a writer.
            raise SystemExit(f"achat: {self._path} cannot be read again: it is a pipe")
        anew = type(self)(self._environ)
        anew.parent = self.parent
        # As a daemon the process has left the folder in which it was started.
        anew.parseOptions([*self._words, *([f"--config={self._path}"] if self._path else [])])
        return anew

    def settings(self) -> dict[str, Setting]:
        """All options as they are now, with their sources; each number in one form only."""
        settings = {key: self._setting(key) for key in sorted(self._keys())}
        for key, check in self._numbers().items():
            settings[key] = replace(settings[key], value=check.show(self[key]))
        return settings

    def getUsage(self, width: int | None = None) -> str:
        """The text of C{--help}, whose defaults are as people would write them."""
        numbers, defaults = self._numbers(), self.defaults
        self.defaults = {
            key: numbers[key].show(default) if key in numbers else default
            for key, default in defaults.items()
        }
        try:
            usage_text: str = super().getUsage(width)
        finally:
            self.defaults = defaults
        return usage_text

    def named(self, key: str) -> str:
        """An option's name for an error message, as it is written where it was set."""
        if key in self._in_file and key not in self._in_words:
            return f"{self._path}: {key}"
        return f"--{key}"

    def blame(self, sentence: str) -> str:
        """A sentence about options, after the file's name if the file has set one of them."""
        if any(self.named(key) != f"--{key}" for key in _OPTION.findall(sentence)):
            return f"{self._path}: {sentence}"
        return sentence

    # The options

    def _keys(self) -> set[str]:
        """The options that a file may hold."""
        repeatable = {key for key, value in self.items() if isinstance(value, list)}
        return ({*self.defaults} | repeatable) - {"config"}

    def _flags(self) -> set[str]:
        return {row[0] for row in self.optFlags}

    def _setting(self, key: str) -> Setting:
        if key in self._in_words:
            return Setting(self._in_words[key], "command line")
        if key in self._in_file:
            return Setting(self._in_file[key], str(self._path))
        default = self.defaults.get(key, [])
        return Setting(bool(default) if key in self._flags() else default, "default")

    def _numbers(self) -> dict[str, Number]:
        """The checks of the options that are numbers."""
        checks = {row[0]: row[4] for row in self.optParameters}
        return {key: check for key, check in checks.items() if isinstance(check, Number)}

    # The command line

    def _look_at_words(self) -> None:
        """Find out which options the command line sets, without checking them yet."""
        try:
            pairs, _ = getopt.getopt(self._words, self.shortOpt, self.longOpt)
        except getopt.error:
            return  # the check will report it
        for word, text in pairs:
            key = self.synonyms.get(word.lstrip("-"), "")
            denied = key.removeprefix("no-")
            if key in self._flags() or denied in self._flags():
                self._in_words[denied] = key == denied
            elif isinstance(self.get(key), list):
                self._in_words.setdefault(key, []).append(text)
            else:
                self._in_words[key] = text

    # The file

    def _apply_file(self) -> None:
        name = self._in_words.get("config")
        if name is None:
            return
        self._path = Path(name).absolute()
        values = read(self._path)
        for key, value in values.items():
            try:
                self._apply(key, value)
            except usage.UsageError as error:
                sentence = str(error).removeprefix("--")
                raise usage.UsageError(f"{self._path}: {sentence}") from None
            except ValueError as error:
                raise usage.UsageError(f"{self._path}: {key} cannot be used: {error}") from None
        self._in_file = values

    def _apply(self, key: str, value: Any) -> None:
        """Set an option from the file, as the command line would.

        @raise usage.UsageError: if there is no such option, or its value is wrong.
        """
        if key not in self._keys():
            raise usage.UsageError(f"{key} is not an option{suggest(key, sorted(self._keys()))}")
        self._check_kind(key, value)
        if key in self._flags():
            self[key] = int(value)
        elif isinstance(self[key], list):
            take = getattr(self, f"opt_{key.replace('-', '_')}")
            before = list(self[key])
            for text in [value] if isinstance(value, str) else value:
                take(text)
            if key in self._in_words:
                self[key] = before
        else:
            check = next(row[4] for row in self.optParameters if row[0] == key)
            self[key] = check(str(value))

    def _check_kind(self, key: str, value: Any) -> None:
        default = self[key]
        if key in self._flags():
            wanted = ["true or false"]
        elif isinstance(default, list):
            wanted = ["a string", "a list of strings"]
        elif default is None:
            wanted = ["a string", "a number"]
        elif isinstance(default, int | float):
            number = self._numbers().get(key)
            wanted = ["a number", *(["a string"] if number and number.quantity else [])]
        else:
            wanted = ["a string"]
        kind = next(name for kind, name in _KINDS if isinstance(value, kind))
        if kind == "a list" and all(isinstance(item, str) for item in value):
            kind = "a list of strings"
        if kind not in wanted:
            found = str(value).lower() if isinstance(value, bool) else kind
            raise usage.UsageError(f"{key} must be {' or '.join(wanted)}, not {found}")


def _denial(flag: str) -> Callable[[Configured], None]:
    """A method with which the command line undoes a flag that the file has set."""

    def deny(self: Configured) -> None:
        self[flag] = 0

    deny.__doc__ = f"No --{flag}, even if the file says so."
    return deny
