"""The client behind C{achat chat}: what it shows, what it says, and what it leaves with."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CONFIG = "achat_twisted/shell/config.py"
_FILES = "achat_twisted/shell/files.py"
_PIPE = "achat_twisted/shell/pipe.py"
_OPTIONS = "achat_twisted/shell/options.py"
_TALK = "achat_twisted/shell/editor/talk.py"
_TYPED = "achat_twisted/shell/editor/typed.py"
_SCREEN = "achat_twisted/shell/editor/screen.py"
_HISTORY = "achat_twisted/shell/editor/history.py"
_TESTS = "tests.shell.test_pipe"
_TALKS = "tests.shell.editor.test_talk"

CLIENTS = (
    Mutation(
        "confirm a message before standard output has taken it",
        _PIPE,
        "            await self._output.drain()\n            await message.done()\n",
        "            await message.done()\n            await self._output.drain()\n",
        _TESTS,
    ),
    Mutation(
        "leave with 0 though standard output took no more",
        _PIPE,
        'f"{error}; what it did not take comes again", exits.REFUSED)',
        'f"{error}; what it did not take comes again", 0)',
        _TESTS,
    ),
    Mutation(
        "leave before all messages are shown",
        _PIPE,
        "quiet = quiet + 1 if self._came == came else 0",
        "quiet = 2",
        _TESTS,
    ),
    Mutation(
        "take a line that is refused for one that is taken in",
        _PIPE,
        "        self._has_failed = True\n        more =",
        "        more =",
        _TESTS,
    ),
    Mutation(
        "forget the lines that are given up",
        _PIPE,
        "        self._say(why, unsaid)",
        "        self._say(why)",
        _TESTS,
    ),
    Mutation(
        "take a line for settled when it is said",
        _PIPE,
        "        self._lines.extend(posted)\n",
        "",
        _TESTS,
    ),
    Mutation(
        "take an error in standard input for its end",
        _PIPE,
        "        except OSError as error:\n            self._has_failed = True\n",
        "        except OSError as error:\n",
        _TESTS,
    ),
    Mutation(
        "say a command to nobody",
        _PIPE,
        "        await chat.ready()\n        try:",
        "        try:",
        _TESTS,
    ),
    Mutation(
        "wait for a server's return with nothing more to say",
        _PIPE,
        "await first(self._silence(chat), self._away.wait())",
        "await self._silence(chat)",
        _TESTS,
    ),
    Mutation(
        "ask for more while standard error has no room",
        _PIPE,
        "            self._refuse(line, str(error))\n        with suppress(Unwritable):\n"
        "            await self._errors.drain()\n",
        "            self._refuse(line, str(error))\n",
        _TESTS,
    ),
    Mutation(
        "forget the lines that were read before their turn had come",
        _PIPE,
        "unsaid = [*self._lines, *self._read, *self._source.rest()]",
        "unsaid = [*self._lines]",
        _TESTS,
    ),
    Mutation(
        "take a full disk for an output that is gone",
        _FILES,
        "        if error.errno == errno.EPIPE:",
        "        if error.errno:",
        "tests.shell.test_files",
    ),
    Mutation(
        "notice only when writing that nobody reads",
        _FILES,
        "            self._loop.add_reader(fd, self._desert)\n",
        "            pass\n",
        "tests.shell.test_files",
    ),
    Mutation(
        "leave the standard files as they are not to be",
        _FILES,
        "                os.set_blocking(fd, mode)\n",
        "                pass\n",
        "tests.shell.test_files",
    ),
    Mutation(
        "show the key of another certificate",
        _OPTIONS,
        "key=key or (None if cert else server.key)",
        "key=key or server.key",
        "tests.shell.test_options",
    ),
    Mutation(
        "let a pasted text choose its recipients",
        _TYPED,
        'line if line.startswith(head) else f"{head} {line}" for line in others',
        "line for line in others",
        "tests.shell.editor.test_transcript",
    ),
    Mutation(
        "let everybody read the history",
        _HISTORY,
        "os.O_APPEND, 0o600)",
        "os.O_APPEND, 0o644)",
        "tests.shell.editor.test_history",
    ),
    Mutation(
        "end the chat with the disk for the history",
        _HISTORY,
        "        with suppress(OSError):\n            super()",
        "        if True:\n            super()",
        "tests.shell.editor.test_history",
    ),
    Mutation(
        "forget what was typed when it is not taken in",
        _TALK,
        '            lines = [f"achat: {why}", *(f"    {line}" for line in self._waiting)]',
        '            lines = [f"achat: {why}"]',
        _TALKS,
    ),
    Mutation(
        "settle nothing when the user leaves",
        _TALK,
        "            if code == 0 and self._waiting and chat.is_connected:",
        "            if False:",
        _TALKS,
    ),
    Mutation(
        "lose what one types when a message comes",
        _SCREEN,
        "            app.context.copy().run(app.renderer.render, app, app.layout)",
        "            self._buffer.reset()",
        "tests.shell.editor.test_screen",
    ),
    Mutation(
        "write what is shown in pieces",
        _SCREEN,
        "        if not self.is_held:\n            super().flush()",
        "        super().flush()",
        "tests.shell.editor.test_screen",
    ),
    Mutation(
        "colour what nobody wants coloured",
        _SCREEN,
        "None if are_wanted(environ) else ColorDepth.DEPTH_1_BIT",
        "None",
        "tests.shell.editor.test_screen",
    ),
    Mutation(
        "let a message move the user's terminal",
        "achat_twisted/shell/editor/transcript.py",
        '("", f": {harmless(text)}")',
        '("", f": {text}")',
        "tests.attacks.test_escapes tests.shell.editor.test_talk",
    ),
    Mutation(
        "confirm a message that is not shown",
        _TALK,
        "            self._screen.show(entry, rings=self._bell)\n            await message.done()",
        "            await message.done()",
        "tests.shell.editor.test_talk",
    ),
    Mutation(
        "say the secret before a server has answered in the clear",
        "achat_twisted/client/streams.py",
        "is_clear=context is None and not parsed.path",
        "is_clear=False",
        "tests.functional.test_chat_ways",
    ),
    Mutation(
        "take piped input for the secret",
        "achat_twisted/tools/prompt.py",
        'warnings.simplefilter("error", GetPassWarning)',
        'warnings.simplefilter("ignore", GetPassWarning)',
        "tests.functional.test_secrets.SecretTests.test_no_terminal",
    ),
    Mutation(
        "go where the environment says, though the user says where to",
        _CONFIG,
        """\
            ("", said),
            (f"{ADDRESS}: ", environ.get(ADDRESS)),
""",
        """\
            (f"{ADDRESS}: ", environ.get(ADDRESS)),
            ("", said),
""",
        "tests.shell.test_config",
    ),
    Mutation(
        "go without TLS to a server that has authorities of its own",
        _CONFIG,
        'tls = table.get("tls", bool(implied))',
        'tls = table.get("tls", False)',
        "tests.shell.test_config",
    ),
    Mutation(
        "say a secret in clear text to a server that speaks TLS",
        "achat_twisted/shell/course.py",
        "            tls=server.tls,\n",
        "            tls=False,\n",
        "tests.functional.test_chat_ways",
    ),
    Mutation(
        "print a secret in the sentence about an address",
        _CONFIG,
        "{name + (colon and ':…')!r}",
        "{word!r}",
        "tests.shell.test_config",
    ),
)
