"""The mailbox, as its interface promises it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.memory import LINE_COST, MemoryMailbox
from tests.logged import Logged


class MemoryMailboxTests(SynchronousTestCase):
    """L{MemoryMailbox}."""

    def test_knows_who_was_enrolled(self) -> None:
        """There is somebody by a name from its enrolment on, and nobody before."""
        mailbox = MemoryMailbox()
        self.assertFalse(mailbox.knows("bob"))
        mailbox.enroll("bob")
        self.assertTrue(mailbox.knows("bob"))

    def test_first_in_first_out(self) -> None:
        """Copies come out in the order in which they went in, some at a time, and only once."""
        mailbox = MemoryMailbox()
        for line in (b"1\n", b"2\n", b"3\n"):
            self.assertTrue(mailbox.keep("bob", line))
        self.assertEqual(self.successResultOf(mailbox.take("bob", 4)), [b"1\n", b"2\n"])
        self.assertEqual(mailbox.count("bob"), 1)
        self.assertEqual(self.successResultOf(mailbox.take("bob", 4)), [b"3\n"])
        self.assertEqual(self.successResultOf(mailbox.take("bob", 4)), [])

    def test_take_gives_at_least_one(self) -> None:
        """A line that is larger than what was asked for still comes out."""
        mailbox = MemoryMailbox()
        mailbox.keep("bob", b"long\n")
        self.assertEqual(self.successResultOf(mailbox.take("bob", 1)), [b"long\n"])

    def test_handed_back_comes_first(self) -> None:
        """What is handed back comes out ahead of anything newer, in its own order."""
        mailbox = MemoryMailbox()
        mailbox.keep("bob", b"3\n")
        mailbox.hand_back("bob", [b"1\n", b"2\n"])
        self.assertEqual(self.successResultOf(mailbox.take("bob", 9)), [b"1\n", b"2\n", b"3\n"])

    def test_names_are_apart(self) -> None:
        """Nobody gets another one's mail."""
        mailbox = MemoryMailbox()
        mailbox.keep("bob", b"b\n")
        mailbox.keep("carol", b"c\n")
        self.assertEqual(self.successResultOf(mailbox.take("carol", 9)), [b"c\n"])
        self.assertEqual((mailbox.count("bob"), mailbox.copies()), (1, 1))

    def test_limit_for_a_name(self) -> None:
        """A full mailbox takes no new copy for that name, until there is room again."""
        mailbox = MemoryMailbox(per_name=2 * (LINE_COST + 2))
        self.assertEqual([mailbox.keep("bob", b"x\n") for _ in range(3)], [True, True, False])
        self.assertTrue(mailbox.keep("carol", b"x\n"))
        mailbox.take("bob", 1)
        self.assertTrue(mailbox.keep("bob", b"x\n"))

    def test_limit_in_all(self) -> None:
        """All mail together has a limit as well."""
        mailbox = MemoryMailbox(total=LINE_COST + 2)
        self.assertTrue(mailbox.keep("bob", b"x\n"))
        self.assertFalse(mailbox.keep("carol", b"x\n"))

    def test_hand_back_is_never_refused(self) -> None:
        """What was accepted long ago is taken back even by a full mailbox."""
        mailbox = MemoryMailbox(per_name=1, total=1)
        mailbox.hand_back("bob", [b"x\n"])
        self.assertEqual(mailbox.count("bob"), 1)

    def test_names_are_bounded(self) -> None:
        """With too many names one without mail is forgotten, never one that has mail."""
        mailbox = MemoryMailbox(names=2)
        for name in ("has mail", "old", "new"):
            mailbox.enroll(name)
            mailbox.keep("has mail", b"x\n")
        known = [name for name in ("has mail", "old", "new") if mailbox.knows(name)]
        self.assertEqual(known, ["has mail", "new"])

    def test_names_are_bounded_whoever_has_mail(self) -> None:
        """However many of the oldest names have mail, the others do not grow without bound."""
        mailbox = MemoryMailbox(names=150)
        for number in range(120):
            mailbox.enroll(f"has mail {number}")
            mailbox.keep(f"has mail {number}", b"x\n")
        for number in range(1000):
            mailbox.enroll(f"new {number}")
        known = [number for number in range(1000) if mailbox.knows(f"new {number}")]
        self.assertEqual(known, list(range(970, 1000)))

    def test_says_what_ends_with_the_process(self) -> None:
        """Closing a mailbox in memory says how many lines are lost with it; never silently."""
        mailbox = MemoryMailbox()
        mailbox.keep("bob", b"x\n")
        with Logged() as logged:
            self.successResultOf(mailbox.close())
        self.assertEqual(
            logged.texts, ["1 kept lines end with this process, as the mailbox is in memory"]
        )
