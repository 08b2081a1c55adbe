"""The configuration file: its options, their precedence, and its mistakes."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from click.testing import CliRunner
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.broker.takeover import Duplicate
from achat_twisted.cli import main
from achat_twisted.server import config
from achat_twisted.tap import Options, makeService

WRONG = [
    ("max-lines = 1", "max-lines is not an option; did you mean 'max-line'?"),
    ("max_line = 1", "max_line is not an option; did you mean 'max-line'?"),
    ("[settings]\nmax-line = 1", "settings is not an option"),
    ("config = 'x'", "config is not an option"),
    ("help = true", "help is not an option"),
    (
        "duplicate = 'takover'",
        "duplicate must be reject or takeover, not 'takover'; did you mean 'takeover'?",
    ),
    ("log-level = 'loud'", "log-level must be debug, info, warn or error, not 'loud'"),
    ("port = 99999", "port must be a whole number from 0 to 65535, not '99999'"),
    ("port = 80.5", "port must be a whole number from 0 to 65535, not '80.5'"),
    ("port = '8080'", "port must be a number, not a string"),
    ("port = true", "port must be a number, not true"),
    ("grace = 1979-05-27", "grace must be a number or a string, not a date"),
    (
        "grace = nan",
        "grace must be a number of seconds from 0 to 3600, or a time such as 5m, not 'nan'",
    ),
    (
        "grace = '5 min'",
        "grace must be a number of seconds from 0 to 3600, or a time such as 5m, not '5 min'",
    ),
    ("interface = 127", "interface must be a string, not a number"),
    ("durable = 'yes'", "durable must be true or false, not a string"),
    ("durable = 1", "durable must be true or false, not a number"),
    ("mailbox = []", "mailbox must be a string or a number, not a list of strings"),
    ("mailbox = 5", "mailbox must be memory or sqlite:PATH, not '5'"),
    ("listen = [1]", "listen must be a string or a list of strings, not a list"),
    ("listen = {tcp = 1}", "listen must be a string or a list of strings, not a table"),
    ("durable = true", "--durable needs --mailbox sqlite:PATH"),
    (
        "max-line = 524288",
        "--outbox-limit must be at least 4M, for 8 lines of --max-line 512K",
    ),
]


class FileTestCase(SynchronousTestCase):
    """A test with a configuration file."""

    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory())) / "achat.toml"

    def parsed(self, text: str, *arguments: str) -> Options:
        self.path.write_text(text)
        options = Options({})
        options.parseOptions([*arguments, "--config", str(self.path)])
        return options

    def values(self, text: str, *arguments: str) -> dict[str, Any]:
        """The options that differ from their defaults."""
        default = Options({})
        default.parseOptions([])
        options = self.parsed(text, *arguments)
        return {
            key: value
            for key, value in options.items()
            if key != "config" and value != default[key]
        }


class FileTests(FileTestCase):
    """Options in the file."""

    def test_every_option(self) -> None:
        """Every option of the command line may stand in the file, under its name."""
        self.assertEqual(
            self.values(
                "port = 1\ngrace = 2\nkeep = '12h'\noutbox-total = '1.5 GiB'\n"
                "duplicate = 'takeover'\nplain = true\n"
                "mailbox = 'sqlite:/x/y'\ndurable = true\nmax-line = 0x100\n"
                "listen = ['tcp:1', 'unix:/x']\nlog-level = 'warn'\nlog-format = 'json'"
            ),
            {
                "port": 1,
                "grace": 2.0,
                "keep": 0.5,
                "outbox-total": 3 * 2**29,
                "duplicate": Duplicate.TAKEOVER,
                "rooms": "operator",
                "plain": 1,
                "mailbox": Path("/x/y"),
                "durable": 1,
                "max-line": 256,
                "listen": ["tcp:1", "unix:/x"],
                "log-level": "warn",
                "log-format": "json",
            },
        )

    def test_same_as_default(self) -> None:
        """A file that is empty, or repeats the defaults, changes nothing."""
        for text in ("", "# nothing\n", "plain = false\nlisten = []\nport = 8080"):
            self.assertEqual(self.values(text), {})

    def test_command_line_wins(self) -> None:
        """The command line wins, wherever it names the file, and in either direction."""
        text = "port = 1\nplain = true\nmailbox = 'sqlite:/x'\ndurable = true"
        self.assertEqual(
            self.values(text, "--port", "2", "--no-plain", "-g", "5"),
            {"port": 2, "mailbox": Path("/x"), "durable": 1, "grace": 5.0},
        )
        self.assertEqual(self.values("plain = false", "--plain"), {"plain": 1})

    def test_lists(self) -> None:
        """One string is a list of one, and the command line's list replaces the file's."""
        rooms = {"rooms": "operator"}  # as the port may be open to others
        self.assertEqual(self.values("listen = 'tcp:1'"), {"listen": ["tcp:1"], **rooms})
        self.assertEqual(
            self.values("listen = ['tcp:1']", "--listen", "tcp:2", "--listen", "tcp:3"),
            {"listen": ["tcp:2", "tcp:3"], **rooms},
        )

    def test_wrong(self) -> None:
        """A mistake ends the process with one sentence that names the file and the key."""
        for text, sentence in WRONG:
            error = self.assertRaises(SystemExit, self.parsed, text)
            self.assertEqual(str(error), f"achat: {self.path}: {sentence}")

    def test_wrong_and_overruled(self) -> None:
        """A mistake in the file is reported, even if the command line overrides it."""
        error = self.assertRaises(SystemExit, self.parsed, "port = 'x'", "--port", "1")
        self.assertIn(f"{self.path}: port must be a number", str(error))

    def test_wrong_on_command_line(self) -> None:
        """A mistake on the command line is not the file's fault."""
        error = self.assertRaises(SystemExit, self.parsed, "port = 1", "--port", "x")
        self.assertEqual(
            str(error), "achat: --port must be a whole number from 0 to 65535, not 'x'"
        )

    def test_wrong_endpoint(self) -> None:
        """A wrong endpoint is reported with the file that names it."""
        options = self.parsed("listen = 'nonsense:1'")
        error = self.assertRaises(SystemExit, makeService, options, MemoryReactorClock())
        self.assertIn(f"achat: {self.path}: listen 'nonsense:1' is not an endpoint: ", str(error))

    def test_wrong_auth(self) -> None:
        """A wrong auth is reported with the file, and with the word that may have been meant."""
        error = self.assertRaises(SystemExit, self.parsed, "auth = 'argon3:x'")
        self.assertEqual(
            str(error),
            f"achat: {self.path}: auth argon3 will not do: there is no such type; --help-auth"
            " lists them; did you mean 'argon2'?",
        )
        options = self.parsed("auth = 'argon2:/none/such'")
        error = self.assertRaises(SystemExit, makeService, options, MemoryReactorClock())
        self.assertIn(f"achat: {self.path}: --auth argon2 will not do: /none/such", str(error))

    def test_long_numbers(self) -> None:
        """A number of thousands of digits is as wrong as any other, however it is written."""
        for number, what in (("9" * 5000, "is not TOML"), (f"0x{'f' * 5000}", "port cannot be")):
            error = self.assertRaises(SystemExit, self.parsed, f"port = {number}")
            self.assertIn(f"achat: {self.path}", str(error))
            self.assertIn(what, str(error))

    def test_unusable_file(self) -> None:
        """A file that is missing or not TOML is reported in one sentence, with the line."""
        for content, sentence in (
            (None, f"{self.path} cannot be read: No such file or directory"),
            (b'port = "\xff"', f"{self.path} is not UTF-8"),
            (b"plain = true\nport =", f"{self.path} is not TOML: Invalid value (at end of docum"),
            (b"plain = true\nport 1\n", f"{self.path} is not TOML: Expected '=' after a key in a"),
            (
                b"port = 1\nport = 2\n",
                f"{self.path} is not TOML: Cannot overwrite a value (at line",
            ),
        ):
            if content is not None:
                self.path.write_bytes(content)
            options = Options({})
            error = self.assertRaises(SystemExit, options.parseOptions, ["-c", str(self.path)])
            self.assertTrue(str(error).startswith(f"achat: {sentence}"), error)
            self.assertNotIn("\n", str(error))

    def test_again(self) -> None:
        """The same command line can be read again, with the file's contents by then."""
        before = self.parsed("port = 1\nplain = true", "--grace", "5")
        self.path.write_text("port = 2")
        after = before.again()
        self.assertEqual([before[key] for key in ("port", "plain", "grace")], [1, 1, 5])
        self.assertEqual([after[key] for key in ("port", "plain", "grace")], [2, 0, 5])
        self.path.write_text("port = -2")
        self.assertRaises(SystemExit, after.again)

    def test_not_again(self) -> None:
        """A pipe is not read again: a server would wait until somebody wrote into it."""
        options = self.parsed("port = 1")
        self.path.unlink()
        os.mkfifo(self.path)
        error = self.assertRaises(SystemExit, options.again)
        self.assertEqual(str(error), f"achat: {self.path} cannot be read again: it is a pipe")


class CommandTests(FileTestCase):
    """C{achat config}."""

    def _printed(self, *arguments: str) -> str:
        done = CliRunner().invoke(main, ["config", *arguments], catch_exceptions=False)
        self.assertEqual(done.exit_code, 0, done.output)
        return done.stdout

    def test_can_be_fed_back(self) -> None:
        """Its output has every option, and means the same when it is used as a file."""
        text = "mailbox = 'sqlite:/x \"y\"'\nlisten = ['tcp:1', 'unix:/x\\\\:y']\nplain = true"
        options = self.parsed(text, "--grace", "5", "--no-plain", "--max-line", "100")
        printed = self._printed(
            *("--config", str(self.path), "--grace", "5", "--no-plain", "--max-line", "100")
        )
        unset = {key for key, value in options.items() if value is None}
        self.assertEqual(set(tomllib.loads(printed)), set(options) - unset - {"config"})
        self.assertIn("# http is not set", printed)
        again = self.parsed(printed)
        self.assertEqual(again | {"config": None}, options | {"config": None})

    def test_sources(self) -> None:
        """Each option has its source after it."""
        self.path.write_text("port = 1\nplain = true")
        lines = self._printed("-c", str(self.path), "--listen", "tcp:2", "-g", "5").splitlines()
        self.assertIn(f"port = 1  # {self.path}", lines)
        self.assertIn(f"plain = true  # {self.path}", lines)
        self.assertIn('grace = "5s"  # command line', lines)
        self.assertIn('max-line = "8K"  # default', lines)
        self.assertEqual(lines[lines.index('    "tcp:2",') + 1], "]  # command line")

    def test_state_directory(self) -> None:
        """It shows the mailbox that is taken if nobody names one."""
        options = Options({"STATE_DIRECTORY": "/var/lib/achat"})
        options.parseOptions([])
        self.assertIn(
            'mailbox = "sqlite:/var/lib/achat/mailbox.sqlite"  # default',
            config.write(options.settings()).splitlines(),
        )

    def test_wrong(self) -> None:
        """A wrong option is exit code 1, and one sentence."""
        self.path.write_text("prot = 1")
        done = CliRunner().invoke(main, ["config", "--config", str(self.path)])
        self.assertEqual(done.exit_code, 1)
        self.assertEqual(
            done.output, f"achat: {self.path}: prot is not an option; did you mean 'port'?\n"
        )
