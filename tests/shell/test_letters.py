"""Dead letters of C{achat take}: one for each message that is given up, whatever ends the run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from achat_twisted.client.state import MemoryState, State
from achat_twisted.client.state_file import StateFile
from achat_twisted.shell.letters import DeadLetters
from achat_twisted.shell.taking import Patience
from tests.client.fakes import WELCOME
from tests.shell.loops import in_loop, turns
from tests.shell.test_taking import FAILED, TakingTestCase

AGAIN = "! welcome ann\n! resumed 1 1 e1\n"
"""The server has the letter, and the message comes again."""


class LetterTestCase(TakingTestCase):
    """A test in which a command fails for a message, which goes to C{dead}."""

    def begin_with(self, state: State | None = None) -> None:
        self.state = state or MemoryState()
        patience = Patience(tries=1, letters=DeadLetters("dead", self.state))
        self.begin(patience, state=self.state)

    async def fail_for(self, text: str = "one", welcome: str = WELCOME) -> None:
        """Let a message come that the command does not work off."""
        await self.scene.come_in(welcome)
        await self.scene.hears(f"from bob: {text}")
        await self.worker.ends(3)

    def file(self) -> str:
        return str(Path(self.enterContext(TemporaryDirectory()), "state"))

    async def crash(self) -> None:
        """End the run as a crash does, but for what the state has saved."""
        self.scene.cancel()
        await turns()
        assert isinstance(self.state, StateFile)
        self.state.close()

    def letters(self) -> list[str]:
        return [line for line in self.said() if line.startswith("dead: ")]

    def confirmations(self) -> list[str]:
        return [line for line in self.said() if line.startswith("/got 1")]


class LetterTests(LetterTestCase):
    """The fate of a message that is given up."""

    @in_loop
    async def test_posted(self) -> None:
        """It is posted, and got when that is taken in."""
        for state in (MemoryState(), StateFile(self.file())):
            self.begin_with(state)
            await self.fail_for()
            self.assertEqual(self.said(), ["dead: from bob: one", "/sync"])
            await self.scene.hears("! kept dead 1 1-1", "! synced 1")
            self.assertEqual(self.confirmations(), ["/got 1 1"])
            self.assertEqual(
                self.errors.take(), [f"achat: {FAILED}; it goes to dead", "    from bob: one"]
            )
            await self.scene.hears("from bob: two")
            self.assertEqual(self.worker.texts, ["one", "two"])

    @in_loop
    async def test_refused(self) -> None:
        """If it cannot even be posted it is not got, and the next run tries again."""
        path = self.file()
        for run in range(3):
            state = StateFile(path) if run else MemoryState()
            self.begin_with(state)
            base = state.last
            await self.fail_for(welcome=f"! welcome ann\n! resumed {base} 1 e1\n")
            self.assertEqual(self.letters(), ["dead: from bob: one"])
            place = base + 1
            await self.scene.hears(f"! unknown dead 1 {place}-{place}", f"! synced {place}")
            self.assertEqual(self.confirmations(), [])
            self.scene.link.lose()
            self.assertEqual(await self.scene.ended(), 3)
            self.assertIn("nobody by the name of dead", self.errors.take()[-1])

    @in_loop
    async def test_too_long(self) -> None:
        """One that is longer than a line may be is posted without its end, and that is told."""
        for state in (MemoryState(), StateFile(self.file())):
            self.begin_with(state)
            await self.fail_for("é" * 40)
            self.assertEqual(self.letters(), [f"dead: from bob: {'é' * 40}"])
            await self.scene.hears("! too-long 1 64", "! synced 1")
            [letter] = self.letters()
            self.assertRegex(letter, r"\Adead: from bob: é{10,}… \(90 bytes\)\Z")
            self.assertIn(len(letter.encode()), (63, 64))
            await self.scene.hears("! synced 2")
            self.assertEqual(self.confirmations(), ["/got 1 2"])
            told = self.errors.take()
            self.assertIn("it goes to dead, without its end", told[0])
            self.assertEqual(told[1], f"    from bob: {'é' * 40}")

    @in_loop
    async def test_much_too_long(self) -> None:
        """One that finds no room even so is refused once more, and not again and again."""
        self.begin_with()
        await self.fail_for("x" * 40)
        await self.scene.hears("! too-long 1 8", "! synced 1")
        await self.scene.hears("! too-long 2 8", "! synced 2")
        self.scene.link.lose()
        self.assertEqual(await self.scene.ended(), 3)


class CrashTests(LetterTestCase):
    """Crashes between the letter and the end of its message, with a state in a file."""

    async def crash_behind_letter(self) -> None:
        path = self.file()
        self.begin_with(StateFile(path))
        await self.fail_for()
        self.assertEqual(self.letters(), ["dead: from bob: one"])
        await self.crash()
        self.begin_with(StateFile(path))
        await self.fail_for(welcome=AGAIN)

    @in_loop
    async def test_once(self) -> None:
        """The letter is not posted again, and the message is got."""
        await self.crash_behind_letter()
        await self.scene.hears("! synced 1")
        said = self.said()
        told = [line for line in said if line.startswith(("dead", "/got 1"))]
        self.assertEqual(told, ["/got 1 1"])

    @in_loop
    async def test_refused(self) -> None:
        """If the letter was refused meanwhile, the message is not got."""
        await self.crash_behind_letter()
        await self.scene.hears("! unknown dead 1 1-1", "! synced 1")
        self.assertEqual(self.confirmations(), [])
        self.scene.link.lose()
        self.assertEqual(await self.scene.ended(), 3)

    @in_loop
    async def test_another_message(self) -> None:
        """Another message that is given up has a letter of its own."""
        await self.crash_behind_letter()
        await self.scene.hears("! synced 1")
        self.said()
        await self.scene.hears("from bob: two")
        await self.worker.ends(3)
        self.assertEqual(self.letters(), ["dead: from bob: two"])
