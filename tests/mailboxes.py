"""Behaviour of every mailbox, as its interface promises it; each is tried with the same tests."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.mailbox.accounts import EXPIRY, LIMITS, LINE_COST, MailLimits
from achat_twisted.mailbox.interfaces import IMailbox
from achat_twisted.mailbox.tag_records import MOST_TAGS
from achat_twisted.mailbox.tags import TAG_COST, Tag
from achat_twisted.wire.tags import Verdict
from tests.logged import Logged

DAY = 86_400.0


class FakeCounter:
    """A session with a tag, that has said nothing."""

    taken = commands = 0


class MailboxBehaviour(SynchronousTestCase):
    """To be inherited by a test case that says how to make a mailbox."""

    clock: Clock

    def make(self, limits: MailLimits = LIMITS) -> IMailbox:
        raise NotImplementedError

    def known(self, name: str, limits: MailLimits = LIMITS) -> IMailbox:
        """A mailbox that knows somebody who is away."""
        mailbox = self.make(limits)
        self.comes_and_goes(mailbox, name)
        return mailbox

    def comes_and_goes(self, mailbox: IMailbox, name: str) -> None:
        mailbox.enroll(name)
        mailbox.hand_back(name, [])

    def take(self, mailbox: IMailbox, name: str, size: int = 1_000_000) -> list[bytes]:
        taking = mailbox.take(name, size)
        self.clock.advance(0)
        return self.successResultOf(taking)

    def test_knows_who_was_enrolled(self) -> None:
        """A name exists from its enrolment on, and not before."""
        mailbox = self.make()
        self.assertFalse(mailbox.knows("bob"))
        mailbox.enroll("bob")
        self.assertTrue(mailbox.knows("bob"))

    def test_knows_who_was_introduced(self) -> None:
        """A name that was never here can be introduced: its mail is kept until it comes."""
        mailbox = self.make()
        mailbox.introduce("bob")
        self.assertTrue(mailbox.knows("bob"))
        self.assertTrue(mailbox.keep("bob", b"1\n"))
        mailbox.introduce("bob")
        mailbox.enroll("bob")
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n"])

    def test_first_in_first_out(self) -> None:
        """Copies come out in the order in which they went in, some at a time, and only once."""
        mailbox = self.known("bob")
        for line in (b"1\n", b"2\n", b"3\n"):
            self.assertTrue(mailbox.keep("bob", line))
        self.assertEqual(self.take(mailbox, "bob", 4), [b"1\n", b"2\n"])
        self.assertEqual(mailbox.count("bob"), 1)
        self.assertEqual(self.take(mailbox, "bob", 4), [b"3\n"])
        self.assertEqual(self.take(mailbox, "bob", 4), [])

    def test_take_gives_at_least_one(self) -> None:
        """A line that is larger than the page asked for still comes out."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"long\n")
        self.assertEqual(self.take(mailbox, "bob", 1), [b"long\n"])

    def test_new_limits(self) -> None:
        """New limits on size and age apply at once; mail kept before stays until it is old."""
        mailbox = self.known("bob")
        self.assertTrue(mailbox.keep("bob", b"1\n"))
        mailbox.limit(MailLimits(per_name=LINE_COST, age=DAY))
        self.assertFalse(mailbox.keep("bob", b"2\n"))
        self.assertEqual(mailbox.count("bob"), 1)
        self.clock.advance(DAY + 1)
        self.clock.advance(EXPIRY)
        self.assertEqual(mailbox.count("bob"), 0)
        mailbox.limit(LIMITS)
        self.assertTrue(mailbox.keep("bob", b"3\n"))

    def test_handed_back_comes_first(self) -> None:
        """Lines handed back come out ahead of anything newer, in their own order."""
        mailbox = self.make()
        mailbox.enroll("bob")
        mailbox.pass_by("bob", 2)
        mailbox.keep("bob", b"3\n")
        mailbox.hand_back("bob", [b"1\n", b"2\n"])
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n", b"3\n"])

    def test_what_has_arrived_stays_out(self) -> None:
        """Of lines taken and passed by, those that have not arrived come back, in place."""
        mailbox = self.known("bob")
        mailbox.enroll("bob")
        mailbox.keep("bob", b"1\n")
        mailbox.keep("bob", b"2\n")
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n"])
        mailbox.pass_by("bob", 2)
        mailbox.delivered("bob", 1)
        mailbox.keep("bob", b"5\n")
        mailbox.hand_back("bob", [b"2\n", b"3\n", b"4\n"])
        self.assertEqual((mailbox.count("bob"), mailbox.copies()), (4, 4))
        self.assertEqual(self.take(mailbox, "bob"), [b"2\n", b"3\n", b"4\n", b"5\n"])

    def test_size(self) -> None:
        """Mail for a name has a size, to which each line adds its cost."""
        mailbox = self.known("bob")
        self.assertEqual((mailbox.size_for("bob"), mailbox.size_for("nobody")), (0, 0))
        mailbox.keep("bob", b"1\n")
        mailbox.keep("bob", b"22\n")
        self.assertEqual(mailbox.size_for("bob"), 5 + 2 * LINE_COST)
        self.take(mailbox, "bob")
        self.assertEqual(mailbox.size_for("bob"), 0)

    def test_names_are_apart(self) -> None:
        """Nobody gets another's mail."""
        mailbox = self.known("bob")
        self.comes_and_goes(mailbox, "carol")
        mailbox.keep("bob", b"b\n")
        mailbox.keep("carol", b"c\n")
        self.assertEqual(self.take(mailbox, "carol"), [b"c\n"])
        self.assertEqual((mailbox.count("bob"), mailbox.copies()), (1, 1))

    def test_limit_for_a_name(self) -> None:
        """A full mailbox takes no new copy for that name, until there is room again."""
        mailbox = self.known("bob", MailLimits(per_name=2 * (LINE_COST + 2)))
        self.comes_and_goes(mailbox, "carol")
        self.assertEqual([mailbox.keep("bob", b"x\n") for _ in range(3)], [True, True, False])
        self.assertTrue(mailbox.keep("carol", b"x\n"))
        self.take(mailbox, "bob", 1)
        self.assertTrue(mailbox.keep("bob", b"x\n"))

    def test_limit_in_all(self) -> None:
        """All mail together has a limit as well."""
        mailbox = self.known("bob", MailLimits(total=LINE_COST + 2))
        self.comes_and_goes(mailbox, "carol")
        self.assertTrue(mailbox.keep("bob", b"x\n"))
        self.assertFalse(mailbox.keep("carol", b"x\n"))

    def test_hand_back_is_never_refused(self) -> None:
        """Even a full mailbox takes back lines that were accepted long ago."""
        mailbox = self.make(MailLimits(per_name=1, total=1))
        mailbox.enroll("bob")
        mailbox.pass_by("bob", 1)
        mailbox.hand_back("bob", [b"x\n"])
        self.assertEqual(mailbox.count("bob"), 1)

    def test_names_are_bounded(self) -> None:
        """Of too many names, the one without mail that was here longest ago is forgotten."""
        mailbox = self.make(MailLimits(names=2))
        for name in ("old", "has mail", "new"):
            self.comes_and_goes(mailbox, name)
            mailbox.knows("has mail") and mailbox.keep("has mail", b"x\n")
        self.comes_and_goes(mailbox, "old")
        self.comes_and_goes(mailbox, "newer")
        known = [name for name in ("has mail", "new", "old", "newer") if mailbox.knows(name)]
        self.assertEqual(known, ["has mail", "old", "newer"])

    def test_who_is_here_is_not_forgotten(self) -> None:
        """A name that has a session is known for as long as that lasts."""
        mailbox = self.make(MailLimits(names=0))
        mailbox.enroll("bob")
        self.comes_and_goes(mailbox, "carol")
        self.assertEqual((mailbox.knows("bob"), mailbox.knows("carol")), (True, False))
        mailbox.hand_back("bob", [])
        self.assertFalse(mailbox.knows("bob"))

    def test_who_is_here_without_mail_is_not_forgotten(self) -> None:
        """A name with a session is not forgotten when it has taken its last mail."""
        mailbox = self.make(MailLimits(names=0))
        mailbox.enroll("bob")
        mailbox.keep("bob", b"x\n")
        self.take(mailbox, "bob")
        self.assertTrue(mailbox.knows("bob"))

    def test_who_has_mail_is_not_forgotten(self) -> None:
        """A name for which something was handed back is known until it has taken all of it."""
        mailbox = self.make(MailLimits(names=0))
        mailbox.enroll("bob")
        mailbox.pass_by("bob", 1)
        mailbox.hand_back("bob", [b"x\n"])
        self.assertTrue(mailbox.knows("bob"))
        self.assertEqual(self.take(mailbox, "bob"), [b"x\n"])

    def test_old_mail_expires(self) -> None:
        """Mail that is kept for longer than the stated age is thrown away, counted and logged."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        mailbox.keep("bob", b"old\n")
        mailbox.keep("bob", b"old too\n")
        self.clock.advance(DAY - EXPIRY / 2)
        mailbox.keep("bob", b"young\n")
        with Logged() as logged:
            self.clock.advance(EXPIRY)
            self.clock.advance(0)
        self.assertEqual(logged.texts, ["lines kept for bob have expired: 2"])
        self.assertEqual((mailbox.expired, mailbox.count("bob"), mailbox.copies()), (2, 1, 1))
        self.assertEqual(self.take(mailbox, "bob"), [b"young\n"])

    def test_purge(self) -> None:
        """A purge throws away what is kept for a name, and for no other; later lines have later
        numbers.
        """
        mailbox = self.known("bob")
        self.comes_and_goes(mailbox, "carol")
        self.assertEqual({*mailbox.names()}, {"bob", "carol"})
        mailbox.tags.begin("bob", "t", FakeCounter())
        mailbox.tags.end("bob", mailbox.tags.of("bob")[0])
        for line in (b"1\n", b"2\n"):
            mailbox.keep("bob", line)
            mailbox.keep("carol", line)
        self.assertEqual(mailbox.purge("bob"), 2)
        self.assertEqual((mailbox.expired, mailbox.count("bob"), mailbox.copies()), (2, 0, 2))
        self.assertEqual((mailbox.size_for("bob"), mailbox.first("bob")), (TAG_COST, 3))
        mailbox.keep("bob", b"3\n")
        self.assertEqual(self.take(mailbox, "bob"), [b"3\n"])
        self.assertEqual(self.take(mailbox, "carol"), [b"1\n", b"2\n"])
        self.assertEqual(mailbox.purge("bob"), 0)

    def test_no_purge_under_a_session(self) -> None:
        """Nothing is purged while the name has a session."""
        mailbox = self.known("bob")
        mailbox.keep("bob", b"1\n")
        mailbox.enroll("bob")
        self.assertRaises(ValueError, mailbox.purge, "bob")
        self.assertEqual(mailbox.count("bob"), 1)

    def test_all_mail_expires(self) -> None:
        """A mailbox whose whole mail has expired goes on as an empty one."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        mailbox.keep("bob", b"old\n")
        self.clock.advance(DAY + EXPIRY)
        self.clock.advance(0)
        mailbox.enroll("bob")
        mailbox.pass_by("bob", 1)
        mailbox.keep("bob", b"2\n")
        mailbox.hand_back("bob", [b"1\n"])
        self.assertEqual(self.take(mailbox, "bob"), [b"1\n", b"2\n"])

    def test_nothing_expires_for_who_is_here(self) -> None:
        """While a name is here its mail does not expire."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        mailbox.keep("bob", b"old\n")
        mailbox.enroll("bob")
        self.clock.advance(2 * DAY)
        self.assertEqual(self.take(mailbox, "bob"), [b"old\n"])

    def test_mail_that_keeps_coming_expires_as_well(self) -> None:
        """Old mail expires even if mail has come without a break."""
        mailbox = self.known("bob", MailLimits(age=DAY))
        for _ in range(4):
            mailbox.keep("bob", b"x\n")
            self.clock.advance(DAY / 2)
            self.clock.advance(0)
        self.clock.advance(EXPIRY)
        self.clock.advance(0)
        self.assertEqual((mailbox.count("bob"), mailbox.expired), (1, 3))

    def begin_tag(self, mailbox: IMailbox, name: str, tag: str) -> Tag:
        """The tag, whose session has begun."""
        record = mailbox.tags.begin(name, tag, FakeCounter())
        assert record is not None
        return record

    def test_tags_have_room(self) -> None:
        """A name's first tag is always taken, though the mailbox is full; further ones are not."""
        mailbox = self.known("bob", MailLimits(per_name=TAG_COST, total=3 * TAG_COST))
        while mailbox.keep("bob", b"x" * 100):
            pass
        before = mailbox.size()
        self.begin_tag(mailbox, "bob", "first")
        self.assertIsNone(mailbox.tags.begin("bob", "second", FakeCounter()))
        self.begin_tag(mailbox, "bob", "first")
        self.assertEqual((mailbox.tags.count(), mailbox.size() - before), (1, TAG_COST))

    def test_refusals_have_room(self) -> None:
        """A tag's refusals count towards the limits, but for a few that have room beforehand."""
        mailbox = self.known("bob", MailLimits(per_name=TAG_COST + 100))
        tag = self.begin_tag(mailbox, "bob", "t")
        for number, subject, has_room in ((1, "few", True), (2, "x" * 900, False)):
            tag.refuse(Verdict(number, number, "unknown", subject, 1))
            self.assertEqual(mailbox.tags.changed("bob", tag), has_room)
        self.assertTrue(mailbox.tags.changed("bob", tag))
        self.assertEqual(mailbox.size(), tag.size)
        tag.confirm(9)
        self.assertTrue(mailbox.tags.changed("bob", tag))
        self.assertEqual(mailbox.size(), TAG_COST)

    def test_many_tags_at_once(self) -> None:
        """However many tags of a name are here at once, those that are left in the end are few."""
        mailbox = self.known("bob")
        tags = [self.begin_tag(mailbox, "bob", str(number)) for number in range(MOST_TAGS + 20)]
        for tag in tags:
            mailbox.tags.end("bob", tag)
        left = [tag.name for tag in mailbox.tags.of("bob")]
        self.assertEqual(left, [str(number) for number in range(20, MOST_TAGS + 20)])
        self.assertEqual((mailbox.tags.count(), mailbox.size()), (MOST_TAGS, MOST_TAGS * TAG_COST))

    def test_tags_go_with_their_name(self) -> None:
        """A name that is forgotten takes its tags with it, and what they count."""
        mailbox = self.known("bob", MailLimits(names=1))
        mailbox.tags.end("bob", self.begin_tag(mailbox, "bob", "t"))
        self.assertEqual((mailbox.tags.count(), mailbox.size()), (1, TAG_COST))
        self.comes_and_goes(mailbox, "carol")
        self.assertEqual((mailbox.tags.count(), mailbox.size()), (0, 0))
