"""The C{achat} command, up to where a reactor would run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from click import Context
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

import achat_twisted
from achat_twisted.cli import COMMANDS, main
from achat_twisted.operator.command import admin

NO_CONFIGURATION = {"XDG_CONFIG_HOME": "/nowhere", "ACHAT_ADDRESS": None}
"""An environment without anything of the user's."""

WRONG = [
    ["chat"],
    ["chat", "ann"],
    ["chat", "ann@host", "bob@host"],
    ["chat", "--retry", "-1", "ann@host"],
    ["chat", "--retry", "soon", "ann@host"],
    ["talk"],
    ["say", "ann@host"],
    ["say", "ann@host", "bob,", "hi"],
    ["say", "ann@host", "bob: hi"],
    ["say", "ann@host", "bob", "hi", "there"],
    ["say", "-", "bob", "hi"],
    ["say", "--state", "/", "ann@host", "bob", "hi"],
    ["say", "--state", "/nowhere/state", "ann@host", "bob", "hi"],
    ["take", "ann@host", "cat"],
    ["take", "ann@host", "--"],
    ["take", "--count", "0", "ann@host"],
    ["take", "--json", "ann@host", "--", "cat"],
    ["take", "--keep-going", "2", "ann@host"],
    ["take", "--dead-letter", "ann", "ann@host", "--", "cat"],
    ["take", "--dead-letter", "a:b", "ann@host", "--", "cat"],
    ["mcp", "ann"],
]


def _completions(words: str, environ: dict[str, str]) -> list[str]:
    """The words that a shell would offer for the last one."""
    environ = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_ACHAT_COMPLETE": "bash_complete",
        **environ,
    }
    result = CliRunner().invoke(main, [], prog_name="achat", env=environ)
    return sorted(line.partition(",")[2] for line in result.output.splitlines() if line)


class CommandTests(SynchronousTestCase):
    """The command line."""

    def test_version(self) -> None:
        """C{--version} says which one this is."""
        result = CliRunner().invoke(main, ["--version"])
        self.assertEqual(result.output, f"achat, version {achat_twisted.__version__}\n")

    def test_module(self) -> None:
        """C{python -m achat_twisted} is the same command."""
        command = [sys.executable, "-m", "achat_twisted", "--version"]
        result = subprocess.run(command, check=False, capture_output=True, text=True)
        self.assertEqual(result.stdout, f"achat, version {achat_twisted.__version__}\n")

    def test_help(self) -> None:
        """Every command explains itself, by the short name of that option as well."""
        commands = [[], *([word] for word in main.list_commands(Context(main)))]
        commands += [["admin", word] for word in admin.list_commands(Context(admin))]
        for words in commands:
            short, long = (CliRunner().invoke(main, [*words, it]) for it in ("-h", "--help"))
            self.assertEqual((short.exit_code, short.output), (0, long.output), words)
            self.assertTrue(short.output.startswith("Usage: "), words)

    def test_commands(self) -> None:
        """The list of commands has the first sentence of each one's own help."""
        for word in main.list_commands(Context(main)):
            command = main.get_command(Context(main), word)
            assert command is not None
            self.assertEqual(
                COMMANDS[word][1].rstrip("."), command.get_short_help_str(200).rstrip(".")
            )

    def test_completion(self) -> None:
        """A word of the command line can be completed: a command, an option, a server."""
        folder = Path(self.enterContext(TemporaryDirectory()))
        (folder / "achat").mkdir()
        file = folder / "achat" / "config.toml"
        file.write_text(
            "[servers.home]\naddress = 'ann@localhost'\n[servers.work]\naddress = 'a@b'"
        )
        environ = {"XDG_CONFIG_HOME": str(folder)}
        for words, found in (
            ("achat ", sorted(COMMANDS)),
            ("achat ch", ["chat"]),
            ("achat --v", ["--version"]),
            ("achat chat --r", ["--retry"]),
            ("achat chat ", ["home", "work"]),
            ("achat chat ho", ["home"]),
            ("achat admin ki", ["kick"]),
            ("achat config --mailbox-t", ["--mailbox-total"]),
        ):
            self.assertEqual(_completions(words, environ), found, words)
        file.write_text("what")
        self.assertEqual(_completions("achat chat ", environ), [])

    def test_without_the_commands(self) -> None:
        """Neither the list of commands nor a completion waits until each of them is imported."""
        for words in ("['--help']", "['nonsense']"):
            code = (
                f"import sys\nfrom achat_twisted.cli import main\ntry:\n    main({words})\n"
                "except SystemExit:\n    sys.exit('twisted' in sys.modules)"
            )
            done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
            self.assertEqual(done.returncode, 0, words)

    def test_wrong(self) -> None:
        """A command line that means nothing ends with a sentence on standard error, and with 2."""
        for arguments in WRONG:
            result = CliRunner(env=NO_CONFIGURATION).invoke(main, arguments)
            self.assertEqual(result.exit_code, 2, arguments)
            self.assertIn("\nError: ", result.output)

    def test_mcp_without_its_sdk(self) -> None:
        """C{achat mcp} says how to have its SDK, if that is missing."""
        code = (
            "import sys; sys.modules['mcp'] = None; from achat_twisted.cli import main;"
            " main(['mcp', 'ann@host'])"
        )
        run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn(b"pip install 'achat-twisted[mcp]'", run.stderr)

    def test_leaves_the_reactor_alone(self) -> None:
        """Importing the command leaves the choice of a reactor open."""
        code = "import sys, achat_twisted.cli; sys.exit('twisted.internet.reactor' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)
