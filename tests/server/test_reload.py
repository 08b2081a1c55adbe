"""A reload: everything or nothing, and its lines in the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from achat_twisted.operator.outcome import HIDDEN, Change, Outcome
from achat_twisted.server.options import Options
from achat_twisted.server.reload import Put, Reloader
from achat_twisted.tools.errors import CannotStart
from achat_twisted.tools.interfaces import IReloadable
from tests.logged import Logged


@implementer(IReloadable)
class Part:
    """Takes C{max-line}, unless it is told what to raise."""

    def __init__(self) -> None:
        self.value = 8192
        self.error: BaseException | None = None
        self.error_in_place: Exception | None = None

    def reload(self, options: Mapping[str, Any]) -> Callable[[], None]:
        if self.error is not None:
            raise self.error
        value = options["max-line"]
        return lambda: self._put(value)

    def _put(self, value: int) -> None:
        if self.error_in_place is not None:
            raise self.error_in_place
        self.value = value


class ReloaderTests(SynchronousTestCase):
    """L{Reloader}."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory())) / "achat.toml"
        self.path.write_text("")
        options = Options({})
        options.parseOptions(["--config", str(self.path), "--grace", "5"])
        self.reloader = Reloader(options)
        self.first, self.last = Part(), Part()
        self.reloader.add(self.first, Put(lambda options: options["keep"], self._keep), self.last)
        self.kept: list[float] = []

    def _keep(self, days: float) -> None:
        self.kept.append(days)

    def _reload(self, text: str) -> list[str]:
        self.path.write_text(text)
        with Logged() as logged:
            self.reloader.reload()
        return logged.texts

    def test_contract(self) -> None:
        """C{Put} is reloadable."""
        verifyObject(IReloadable, Put(lambda _: 0, lambda _: None))

    def test_new_values(self) -> None:
        """All parts take the new values, and the log has the old and the new."""
        texts = self._reload("max-line = 4096\nkeep = 2")
        self.assertEqual(texts, ["reloaded: keep 30d -> 2d, max-line 8K -> 4K"])
        self.assertEqual((self.first.value, self.last.value, self.kept), (4096, 4096, [2.0]))
        self.assertEqual(self._reload(""), ["reloaded: keep 2d -> 30d, max-line 4K -> 8K"])

    def test_outcome(self) -> None:
        """The outcome is returned as well: what is in force, what waits, or what was wrong."""
        self.path.write_text("plain = true\nmax-line = 4096\nauth = ['file:secret']")
        self.assertEqual(
            self.reloader.reload(),
            Outcome(
                taken=[Change("max-line", "8K", "4K")],
                waiting=[
                    Change("auth", HIDDEN, HIDDEN),
                    Change("duplicate", "reject", "takeover"),
                    Change("plain", "false", "true"),
                    Change("rooms", "open", "operator"),
                ],
            ),
        )
        self.path.write_text("max-lines = 1")
        self.assertEqual(
            self.reloader.reload().error,
            f"not reloaded, all is as it was: {self.path}: max-lines is not an option; did you"
            " mean 'max-line'?",
        )

    def test_nothing_new(self) -> None:
        """Even if no option has changed everybody is asked, as there are files behind some."""
        self.assertEqual(self._reload("# nothing"), ["reloaded: no option has changed"])
        self.assertEqual(self.kept, [30.0])

    def test_next_start(self) -> None:
        """A change that nobody takes is said to wait for the next start, until it is taken back."""
        text = "port = 1\nplain = true\nlisten = ['tcp:1']\nmax-line = 4096"
        waiting = (
            "for the next start only: listen nothing -> tcp:1, plain false -> true, port 8080 -> 1,"
            " rooms open -> operator"
        )
        self.assertEqual(self._reload(text), ["reloaded: max-line 8K -> 4K", waiting])
        self.assertEqual(self._reload(text), [waiting])
        self.assertEqual(self._reload("max-line = 4096"), ["reloaded: no option has changed"])

    def test_command_line_stays(self) -> None:
        """The command line goes on winning."""
        self.assertEqual(self._reload("grace = 1"), ["reloaded: no option has changed"])

    def test_bad_file(self) -> None:
        """A bad file changes nothing, and is reported in one line."""
        for text, why in (
            (
                "max-line = 1",
                "max-line must be a whole number of bytes from 64 to 1048576, or a size such as"
                " 64K, not '1'",
            ),
            ("max-line = 4096\nkeeps = 1", "keeps is not an option; did you mean 'keep'?"),
        ):
            self.assertEqual(
                self._reload(text), [f"not reloaded, all is as it was: {self.path}: {why}"]
            )
        self.path.unlink()
        self.reloader.reload()
        self.assertEqual((self.first.value, self.kept), (8192, []))

    def test_one_cannot(self) -> None:
        """If one part cannot take them, none does, and the log has its sentence."""
        for error in (ValueError("no"), CannotStart("achat: no"), SystemExit("no"), OSError("no")):
            self.last.error = error
            texts = self._reload("max-line = 4096")
            self.assertEqual(texts, ["not reloaded, all is as it was: no"])
            self.assertEqual((self.first.value, self.kept), (8192, []))
        self.last.error = None
        self.assertEqual(self._reload("max-line = 4096"), ["reloaded: max-line 8K -> 4K"])

    def test_one_cannot_take_it_from_the_file(self) -> None:
        """If the reason is in the file, the sentence begins with the file."""
        self.last.error = CannotStart("achat: --auth x will not do")
        texts = self._reload("auth = ['unix']")
        why = f"{self.path}: --auth x will not do"
        self.assertEqual(texts, [f"not reloaded, all is as it was: {why}"])

    def test_private(self) -> None:
        """A value that may be a secret is not told, only that it has changed."""
        self.assertEqual(
            self._reload("auth = ['file:secret']"),
            ["for the next start only: auth, duplicate reject -> takeover, rooms open -> operator"],
        )

    def test_bug(self) -> None:
        """A bug is a traceback in the log, and keeps no other part from its new values."""
        self.last.error = ZeroDivisionError()
        self.path.write_text("max-line = 4096")
        self.assertIn("the log says what", self.reloader.reload().error)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.first.value, 8192)
        self.last.error, self.first.error_in_place = None, ZeroDivisionError()
        self.assertIn("the log says what", self.reloader.reload().error)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual((self.last.value, self.kept), (4096, [30.0]))
