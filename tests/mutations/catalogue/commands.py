"""C{achat say}, C{achat take} and C{achat mcp}: what they lose, repeat, or leave with."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_HOME = "achat_twisted/shell"
_SAYING = f"{_HOME}/saying.py"
_TAKING = f"{_HOME}/taking.py"
_LETTERS = f"{_HOME}/letters.py"
_SAYING_TESTS = "tests.shell.test_saying"
_TAKING_TESTS = "tests.shell.test_taking"
_LETTERS_TESTS = "tests.shell.test_letters"
_READING_TESTS = "tests.shell.test_reading"

COMMANDS = (
    Mutation(
        "take the place of a name that is here, to say something",
        f"{_HOME}/say.py",
        "listener=saying, only_sends=True)",
        "listener=saying)",
        "tests.functional.test_say.SayTests.test_many_at_once",
    ),
    Mutation(
        "leave with 0 though a line was refused",
        _SAYING,
        "                self._has_failed = True\n                self._results.refused(",
        "                self._results.refused(",
        _SAYING_TESTS,
    ),
    Mutation(
        "leave before it is known what becomes of the lines",
        _SAYING,
        "        await chat.sync()\n",
        "",
        _SAYING_TESTS,
    ),
    Mutation(
        "wait after Ctrl-C without end for an output that takes nothing",
        _SAYING,
        "            patience = WRITE_WITHIN\n",
        "",
        _SAYING_TESTS,
    ),
    Mutation(
        "lose the half line that was read before Ctrl-C",
        _SAYING,
        "        self._take_up(source.rest())\n        kept",
        "        kept",
        _SAYING_TESTS,
    ),
    Mutation(
        "print what waits in the state as well",
        _SAYING,
        "islice(self._lines, ours, None)",
        "islice(self._lines, 0, None)",
        _SAYING_TESTS,
    ),
    Mutation(
        "trust a state that could not be saved",
        _SAYING,
        "exits.UNREACHED, source, is_in_state=False)",
        "exits.UNREACHED, source)",
        _SAYING_TESTS,
    ),
    Mutation(
        "say nothing of what an earlier run was refused",
        _SAYING,
        "            self._results.refused_before(refusals)\n",
        "",
        _SAYING_TESTS,
    ),
    Mutation(
        "take the lines of an earlier run for those of this one",
        _SAYING,
        "if place <= self._earlier:",
        "if False:",
        _SAYING_TESTS,
    ),
    Mutation(
        "wait for input for ever when the chat is over",
        _SAYING,
        "self._say_all(chat, source), chat.next(), ending.wait()",
        "self._say_all(chat, source), ending.wait()",
        _SAYING_TESTS,
    ),
    Mutation(
        "keep a line without end in memory",
        f"{_HOME}/reading.py",
        "begun[: MAX_TYPED + 2]",
        "begun",
        _READING_TESTS,
    ),
    Mutation(
        "take a line that was cut for a whole one",
        f"{_HOME}/reading.py",
        'len(line.encode(errors="surrogateescape"))',
        "len(line)",
        _READING_TESTS,
    ),
    Mutation(
        "hang for an output that nobody reads, whatever signal comes",
        _SAYING,
        "            [closing, signalled], timeout",
        "            [closing], timeout",
        _SAYING_TESTS,
    ),
    Mutation(
        "leave lines unread because another run uses the state",
        _SAYING,
        "            self._take_up(texts)\n\n",
        "            break\n\n",
        _SAYING_TESTS,
    ),
    Mutation(
        "let a recipient make another line of it",
        f"{_HOME}/recipients.py",
        "            wire.check_name(name.removeprefix(_ROOM) or name)\n",
        "            pass\n",
        _READING_TESTS,
    ),
    Mutation(
        "let no room be a recipient",
        f"{_HOME}/recipients.py",
        "name.removeprefix(_ROOM) or name",
        "name",
        _READING_TESTS,
    ),
    Mutation(
        "get a message before it is worked off",
        _TAKING,
        "        tries, pause = 1, 1.0\n",
        "        await message.done()\n        tries, pause = 1, 1.0\n",
        _TAKING_TESTS,
    ),
    Mutation(
        "get a message whose command has failed",
        _TAKING,
        "                raise Failed(why, code)\n            if tries",
        "                break\n            if tries",
        _TAKING_TESTS,
    ),
    Mutation(
        "get a message whose dead letter was refused",
        _LETTERS,
        "        if refusals:\n            raise Refused(refusals)\n",
        "",
        _LETTERS_TESTS,
    ),
    Mutation(
        "post a second letter for a message after a crash",
        _LETTERS,
        "            if place is None:\n",
        "            if True:\n",
        _LETTERS_TESTS,
    ),
    Mutation(
        "take a refused letter of an earlier run for one that has arrived",
        _LETTERS,
        "        refusals = tuple(one for one in self._state.refusals() if one.place == place)\n",
        "        refusals: tuple[Refusal, ...] = ()\n",
        _LETTERS_TESTS,
    ),
    Mutation(
        "end again and again for a letter that is too long",
        _LETTERS,
        '        if one.word == "too-long" and',
        "        if False and",
        _LETTERS_TESTS,
    ),
    Mutation(
        "forget after Ctrl-C what was worked off meanwhile",
        _TAKING,
        "            if await working == 0:\n                await message.done()\n",
        "            await working\n",
        _TAKING_TESTS,
    ),
    Mutation(
        "take a line that is not written for one that is",
        f"{_HOME}/working.py",
        "                await self._output.drain()\n",
        "                pass\n",
        _TAKING_TESTS,
    ),
    Mutation(
        "wait without end for an output that takes nothing",
        f"{_HOME}/working.py",
        "            self._waiting.reschedule(self._until)\n",
        "            pass\n",
        _TAKING_TESTS,
    ),
    Mutation(
        "send a terminal what it obeys, in an object",
        f"{_HOME}/escapes.py",
        ".translate(_JSON_ESCAPES)",
        "",
        _TAKING_TESTS,
    ),
    Mutation(
        "leave with 0 though none came in time",
        _TAKING,
        "return 0 if is_enough else exits.NONE_CAME",
        "return 0",
        _TAKING_TESTS,
    ),
    Mutation(
        "leave while mail is still on its way from a disk",
        _TAKING,
        "_VERY_QUIET if self._taken_here < chat.mail or self._last else _QUIET",
        "_QUIET",
        _TAKING_TESTS,
    ),
    Mutation(
        "say an answer, and have its message come again",
        f"{_HOME}/agent.py",
        "        async with message.transaction() as work:\n",
        "        async with self._chat.transaction() as work:\n",
        "tests.functional.test_mcp",
    ),
)
