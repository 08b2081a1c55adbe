"""Asking for a secret."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.tools.prompt import ask_secret

Answer = Callable[[str], str]


class PromptTests(SynchronousTestCase):
    """L{ask_secret}."""

    def _typing(self, *typed: str) -> Answer:
        """A user who types this, whatever the questions are."""
        answers = iter(typed)
        self.asked: list[str] = []

        def ask(question: str) -> str:
            self.asked.append(question)
            return next(answers)

        return ask

    def test_once(self) -> None:
        """A secret is asked for until it is one."""
        self.assertEqual(ask_secret("alice", "", ask=self._typing("", "", "s")), "s")
        self.assertEqual(self.asked, ["Secret of alice: "] * 3)

    def test_interrupted(self) -> None:
        """Ctrl-C ends the command with the exit code that shells give it."""

        def ask(question: str) -> str:
            raise KeyboardInterrupt

        ended = self.assertRaises(SystemExit, ask_secret, "alice", "", ask=ask)
        self.assertEqual(ended.code, 130)

    def test_twice(self) -> None:
        """A new one is asked for until it is typed the same again."""
        answers = self._typing("one", "other", "", "two", "two")
        self.assertEqual(ask_secret("alice", "", twice=True, ask=answers), "two")
        self.assertEqual(self.asked[:2], ["Secret of alice: ", "The same again: "])
