"""The real C{achat chat} on a real terminal."""

from __future__ import annotations

import signal

from tests.functional.terminals import TerminalTestCase

MESSAGES = 500
"""More than fit onto the screen."""


WORDS = ("one", "two", "three", "four")


class EditorTestCase(TerminalTestCase):
    """Ann at a terminal, and Bob without one."""

    async def begin(self, *options: str, columns: int = 80, environment: str = "") -> None:
        """Ann and Bob are there, at a server with these options."""
        self.server = await self.start(*options)
        self.bob = await self.call(self.server, "bob")
        self.ann = await self.terminal(columns)
        await self.ann.types(
            f"{environment} achat chat ann@127.0.0.1:{self.server.port()}", "Enter"
        )
        await self.ann.shows("· here: bob")

    async def says(self, text: str) -> None:
        """Ann types a line, and Bob hears it whole, and nothing else."""
        self.bob.heard.turn_page()
        await self.ann.types(text, "Enter")
        await self.hears(text.removeprefix("bob: "))

    async def hears(self, text: str) -> None:
        await self.bob.heard.contains(f"from ann: {text}\n")

    async def leaves(self, *keys: str) -> str:
        """Ann leaves; returns what the shell says of the exit code, and of the terminal."""
        await self.ann.types(*keys)
        await self.ann.shows("$ ", times=2)
        await self.ann.types("echo code $?; stty -a", "Enter")
        return (await self.ann.shows("cstopb")).rpartition("echo code")[2]


class TypingTests(EditorTestCase):
    """Lines that are typed."""

    async def test_while_messages_arrive(self) -> None:
        """A line that one types stays whole, and below, while messages come in."""
        await self.begin()
        await self.ann.types("bob:")
        for word in WORDS:
            self.bob.say(*(f"ann: {word} {number}" for number in range(MESSAGES)))
            await self.ann.types(*f" {word}")
        await self.ann.shows(f"bob: four {MESSAGES - 1}\n")
        await self.ann.shows("> bob: one two three four\n")
        *_, last, typed, status = await self.ann.lines()
        self.assertRegex(last, rf"^\d\d:\d\d bob: four {MESSAGES - 1}$")
        self.assertEqual(typed, "> bob: one two three four")
        self.assertEqual(status, f" ann at 127.0.0.1:{self.server.port()} · here: bob")
        await self.ann.types("Enter")
        await self.hears("one two three four")
        screen = await self.ann.shows("→ bob: one two three four ✓")
        for word in WORDS:
            self.assertEqual(screen.count(f"{word} {MESSAGES - 1}\n"), 1)

    async def test_fates(self) -> None:
        """A line is shown when its fate is known, with that, in the server's words."""
        await self.begin()
        gone = await self.call(self.server, "eve")
        gone.say("/quit")
        await self.bye(gone)
        await self.ann.types("bob: hi", "Enter", "eve: hi", "Enter", "hello", "Enter")
        await self.ann.shows("→ bob: hi ✓\n")
        await self.ann.shows("→ eve: hi ✓ kept for eve\n")
        await self.ann.shows("→ hello ✗ no recipient; post with NAME: text\n")

    async def test_wide_characters(self) -> None:
        """Characters that are two columns wide, or none, are edited and shown as others are."""
        await self.begin(columns=40)
        await self.ann.types("bob: 東京大阪", "BSpace", "Left", "BSpace", "é👍")
        await self.ann.shows("> bob: 東é👍大")
        await self.ann.types("Enter")
        await self.hears("東é👍大")
        await self.ann.types("bob: half")
        await self.ann.shows("> bob: half")
        self.bob.say(f"ann: {'東京' * 20}")
        await self.ann.shows(f"bob: {'東京' * 20}\n")
        self.assertEqual((await self.ann.lines())[-2], "> bob: half")

    async def test_paste(self) -> None:
        """A long paste is one line, and whole, also while messages come in; one of several lines
        goes to one name.
        """
        await self.begin()
        long = "0123456789" * 600
        await self.ann.types("bob: ")
        self.bob.say(*(f"ann: {number}" for number in range(MESSAGES)))
        await self.ann.pastes(long)
        self.bob.say(*(f"ann: {number}" for number in range(MESSAGES)))
        await self.ann.types(".", "Enter")
        await self.hears(f"{long}.")
        await self.ann.shows(f"→ bob: {long}. ✓")
        await self.ann.pastes("bob: one\nann: two\n\nthree\n")
        await self.ann.shows("4 lines, all for bob")
        self.bob.heard.turn_page()
        await self.ann.types("Enter")
        await self.hears("three")
        told = [f"from ann: {text}".rstrip() for text in ("one", "ann: two", "", "three")]
        self.assertEqual([line.rstrip() for line in self.bob.lines()], told)

    async def test_completion_and_history(self) -> None:
        """Tab completes a name; an earlier line is there in the next chat as well."""
        await self.begin()
        await self.ann.types("b", "Tab", "hi", "Enter")
        await self.hears("hi")
        await self.leaves("C-d")
        await self.ann.types(f"achat chat ann@127.0.0.1:{self.server.port()}", "Enter")
        await self.ann.shows("here: bob", times=1)
        await self.ann.types("Up", "!", "Enter")
        await self.hears("hi!")


class TerminalTests(EditorTestCase):
    """The terminal itself."""

    async def test_resize(self) -> None:
        """A terminal that becomes smaller, and larger, shows the line as it was."""
        await self.begin()
        await self.ann.types("bob: a line of some length, that is typed to its end later")
        await self.ann.shows("end later")
        for columns, rows in ((30, 10), (100, 30)):
            await self.ann.resizes(columns, rows)
            self.bob.say(f"ann: {columns}")
            await self.ann.shows(f"bob: {columns}\n")
            shown = "".join((await self.ann.lines())[-4:])
            self.assertIn("that is typed to its end later", shown)
        await self.ann.types("!", "Enter")
        await self.hears("a line of some length, that is typed to its end later!")

    async def test_ways_out(self) -> None:
        """Ctrl-C drops a line, and leaves with 130; the terminal is as it was before."""
        await self.begin()
        await self.ann.types("bob: never", "C-c", "bob: hi", "Enter")
        await self.hears("hi")
        self.assertNotIn("never", self.bob.heard.whole)
        said = await self.leaves("C-c")
        self.assertIn("code 130", said)
        for mode in ("icanon", "echo", "isig", "icrnl"):
            self.assertRegex(said, rf"(?<!-)\b{mode}\b")

    async def test_end(self) -> None:
        """Ctrl-D leaves with 0, when what was typed is taken in."""
        await self.begin()
        said = await self.leaves("bob: bye", "Enter", "C-d")
        self.assertIn("code 0", said)
        await self.hears("bye")
        self.assertIn(" icanon", said)

    async def test_suspension(self) -> None:
        """Ctrl-Z gives the shell back; the chat goes on, with all that came meanwhile."""
        await self.begin()
        await self.ann.types("bob: half", "C-z")
        await self.ann.shows("$ ", times=2)
        await self.ann.types("echo in the sh''ell", "Enter")
        await self.ann.shows("in the shell")
        self.bob.say("ann: meanwhile")
        await self.ann.types("fg", "Enter")
        await self.ann.shows("bob: meanwhile")
        await self.ann.shows("> bob: half")
        await self.ann.types(" done", "Enter")
        await self.hears("half done")

    async def test_no_colour(self) -> None:
        """Names have colours, unless NO_COLOR is set."""
        for environment, coloured in (("", True), ("NO_COLOR=1", False)):
            await self.begin(environment=environment)
            self.bob.say("ann: hi")
            await self.ann.shows("bob: hi")
            line = next(
                line for line in (await self.ann.screen("-e")).splitlines() if line.endswith(": hi")
            )
            self.assertEqual("\x1b[36m" in line or ";36m" in line, coloured, line)


class ServerTests(EditorTestCase):
    """Servers that go, and come back."""

    async def test_restart(self) -> None:
        """A restart costs no line that was typed before, in or after it, and doubles none."""
        mailbox = ("--mailbox", f"sqlite:{self.folder()}/mail")
        await self.begin(*mailbox)
        port = self.server.port()
        await self.says("bob: before")
        await self.ann.types("bob: ha")
        self.server.send(signal.SIGTERM)
        await self.server.ended
        await self.ann.shows("has closed the session; trying again")
        await self.ann.types("lf", "Enter", "bob: other", "Enter", "bob: la")
        await self.ann.shows("… → bob: half\n")
        await self.ann.shows("2 waiting")
        self.server = await self.start("--port", str(port), *mailbox)
        await self.ann.shows(f"127.0.0.1:{port} is here again")
        await self.ann.shows("→ bob: other ✓")
        await self.ann.types("st", "Enter")
        await self.ann.shows("→ bob: last ✓")
        self.bob = await self.call(self.server, "bob")
        await self.hears("last")
        self.assertEqual(
            self.bob.messages(), ["from ann: half", "from ann: other", "from ann: last"]
        )

    async def test_nobody_there(self) -> None:
        """Without a server, what was typed is shown at the end, and the exit code is 75."""
        await self.begin()
        self.server.send(signal.SIGKILL)
        await self.server.ended
        await self.ann.shows("; trying again")
        said = await self.leaves("bob: hi", "Enter", "C-d")
        self.assertIn("code 75", said)
        await self.ann.shows("achat: 1 line not taken in:\n    bob: hi\n")
