"""Sessions with a tag, from their opening lines on: what is said, and what is told again."""

from __future__ import annotations

from twisted.internet.task import Clock

from achat_twisted import wire
from achat_twisted.broker.takeover import Duplicate
from achat_twisted.broker.writer import HURRY
from achat_twisted.mailbox.accounts import EXPIRY, LIMITS, MailLimits
from achat_twisted.mailbox.committer import LATE, RETRY
from achat_twisted.mailbox.tags import MOST_UNHEARD, TAG_COST
from achat_twisted.tools.backoff import FIRST
from achat_twisted.wire.tags import Verdict
from tests.disk import Desk
from tests.house import House
from tests.reader.test_lines import Caller, ReaderTestCase


class ResumingTestCase(ReaderTestCase):
    """Clients that say a tag before their login line."""

    def setUp(self) -> None:
        super().setUp()
        self.house.broker.set_duplicate(Duplicate.TAKEOVER)
        self.house.broker.set_outbox_limit(1000)

    def resumes(self, name: str, tag: str = "t", word: str = "resume") -> Caller:
        """C{name} logs in with a tag, and then hears where to go on."""
        caller = self.calls()
        caller.sends(f"/{word} {tag}\n{name}\n")
        self.house.turn()
        return caller

    def says(self, caller: Caller, *lines: str) -> None:
        caller.sends("".join(f"{line}\n" for line in lines))
        self.house.turn()

    def era(self, caller: Caller) -> str:
        (resumed,) = [line for line in caller.link.lines() if line.startswith("! resumed ")]
        return resumed.split()[-1]

    def heard(self, caller: Caller) -> list[str]:
        """The lines behind C{! welcome}, with C{ERA} in place of the era."""
        return [line.replace(self.era(caller), "ERA") for line in caller.link.lines()[1:]]


class OpeningTests(ResumingTestCase):
    """The lines that stand before a login line."""

    def test_new_tag(self) -> None:
        """A new tag has nothing taken in, and its first message is the next one for its name."""
        worker = self.resumes("worker")
        self.assertEqual(worker.link.lines()[0], "! welcome worker")
        self.assertEqual(self.heard(worker), ["! resumed 0 1 ERA"])

    def test_era_stays(self) -> None:
        """A tag keeps its era from session to session; another tag has another."""
        first = self.resumes("worker")
        era = self.era(first)
        first.is_gone()
        self.assertEqual(self.era(self.resumes("worker")), era)
        self.assertNotEqual(self.era(self.resumes("worker", "other")), era)

    def test_unused(self) -> None:
        """A tag that nobody has used for as long as mail is kept begins a new era."""
        self.house.mailbox.open()
        first = self.resumes("worker")
        first.is_gone()
        self.house.turn()
        self.house.clock.pump([LIMITS.age, EXPIRY])
        self.assertNotEqual(self.era(self.resumes("worker")), self.era(first))

    def test_wrong(self) -> None:
        """A tag that is none, or a second one, is refused in a sentence; nobody logs in."""
        for opening, why in (
            ("/resume\n", "/resume needs a tag: 1 to 64 of A-Z a-z 0-9 . _ -"),
            ("/resume a\n/send b\n", "there is a tag already; say /resume, /device or /send once"),
        ):
            caller = self.calls()
            caller.sends(f"{opening}worker\n")
            self.house.turn()
            self.assertEqual(caller.link.lines(), [f"! bad-name {why}"])
        self.assertEqual(self.house.names(), [])

    def test_too_early(self) -> None:
        """Nothing said before C{! resumed} is taken in, and it ends the session."""
        bob = self.calls("bob")
        worker = self.calls()
        worker.sends("/resume t\nworker\nbob: hi\n")
        self.house.turn()
        self.assertEqual(
            worker.link.lines()[1:],
            ["! bad-line 0 wait for ! resumed before you say anything", "! bye 0"],
        )
        self.assertEqual(bob.link.lines(), ["! welcome bob"])

    def test_too_early_in_two_pieces(self) -> None:
        """That holds for what comes in a piece of its own in the same turn, as from TLS."""
        worker = self.calls()
        worker.sends("/resume t\nworker\n")
        worker.sends("worker: hi\n")
        self.house.turn()
        self.assertEqual(worker.link.lines()[-1], "! bye 0")
        self.assertEqual(worker.link.messages(), [])

    def test_plain(self) -> None:
        """A server that says no notices knows no tags: the line is a name that will not do."""
        self.factory = self._factory(self.house.clock, wire.say_nothing)
        caller = self.calls("/resume t")
        self.assertEqual((caller.link.lines(), caller.link.finished), ([], True))

    def test_too_late(self) -> None:
        """Behind the login line there is no opening, and C{/got} is only for those with a tag."""
        nc = self.calls("nc")
        self.says(nc, "/resume t", "/got 1")
        self.assertEqual(
            nc.link.lines()[1:],
            [
                "! bad-line /resume, /device, /send, /stamp and /rooms stand before the login line",
                "! bad-line /got is for those who have said /resume before their login line",
            ],
        )


class GotTests(ResumingTestCase):
    """Messages count when the client says that it has them."""

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.calls("alice")
        self.worker = self.resumes("worker")

    def posts(self, *texts: str) -> None:
        self.says(self.alice, *(f"worker: {text}" for text in texts))

    def test_not_got(self) -> None:
        """Messages that were sent and not got come again, to the next session, in order."""
        self.posts("1", "2", "3")
        self.says(self.worker, "/got 1")
        self.worker.is_gone()
        again = self.resumes("worker")
        self.assertEqual(
            self.heard(again),
            ["! resumed 0 2 ERA", "! mail 2", "from alice: 2", "from alice: 3"],
        )

    def test_kernel_counts_for_nothing(self) -> None:
        """A message that the client's machine has acknowledged is in flight, not delivered."""
        self.posts("1", "2")
        self.house.clock.advance(10)
        balance = self.house.broker.balance()
        self.assertEqual((balance.delivered, balance.in_flight), (0, 2))
        self.says(self.worker, "/got 2")
        balance = self.house.broker.balance()
        self.assertEqual((balance.delivered, balance.in_flight), (2, 0))

    def test_beyond(self) -> None:
        """Nothing can be got that was not sent, nor the fate of lines that were not taken in."""
        self.posts("1", "2")
        self.says(self.worker, "/got 3", "/got 2 1", "/got x", "/got 1", "/got 0", "/got 1")
        self.assertEqual(
            self.heard(self.worker)[3:],
            [
                "! bad-line 0 /got 3 is beyond the last message sent, 2",
                "! bad-line 0 /got has 1 lines, and 0 are taken in",
                "! bad-line 0 /got needs the number of a message, and may have that of a line:"
                " /got P [N]",
            ],
        )
        self.assertEqual(self.house.broker.balance().delivered, 1)

    def test_window(self) -> None:
        """When too much was sent and not got, more goes to the mailbox, and comes as it is got."""
        for number in range(1, 41):
            self.posts(f"{number} {'x' * 40}")
        sent = len(self.worker.link.messages())
        self.assertLess(sent, 25)
        self.assertTrue(any(line.startswith("! kept worker") for line in self.alice.link.lines()))
        self.assertFalse(self.alice.reader.paused)
        while sent < 40:
            self.says(self.worker, f"/got {sent}")
            self.assertGreater(len(self.worker.link.messages()), sent)
            sent = len(self.worker.link.messages())
        numbers = [int(line.split()[2]) for line in self.worker.link.messages()]
        self.assertEqual(numbers, list(range(1, 41)))

    def test_takeover(self) -> None:
        """A session that is replaced is read no further, and the next gets what it has not got."""
        self.posts("1", "2")
        other = self.resumes("worker")
        self.assertEqual(self.worker.link.lines()[-2:], ["! replaced", "! bye 0"])
        self.says(self.worker, "/got 2")
        self.assertEqual(
            self.heard(other), ["! resumed 0 1 ERA", "! mail 2", "from alice: 1", "from alice: 2"]
        )

    def test_without_a_tag(self) -> None:
        """A session without a tag takes the place of one with it, and gets what that has not."""
        self.posts("1", "2")
        self.says(self.worker, "/got 1")
        nc = self.calls("worker")
        self.assertEqual(nc.link.lines(), ["! welcome worker", "! mail 1", "from alice: 2"])
        self.posts("3")
        nc.is_gone()
        self.assertEqual(self.heard(self.resumes("worker")), ["! resumed 0 4 ERA"])

    def test_quit(self) -> None:
        """C{/quit} waits for no C{/got}: what is queued is sent, and comes again."""
        self.posts("1")
        self.says(self.worker, "/quit")
        self.assertEqual(self.worker.link.lines()[-1], "! bye 0")
        self.assertEqual(self.heard(self.resumes("worker"))[1:], ["! mail 1", "from alice: 1"])


class LinesTests(ResumingTestCase):
    """Lines of a client with a tag, and what becomes of them."""

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.resumes("alice")

    def test_commands_do_not_count(self) -> None:
        """The number of lines is that of all but commands, in this session and those before."""
        self.says(self.alice, "alice: 1", "/ping", "alice: 2", "/sync t", "/dance")
        self.assertIn("! synced 2 t", self.heard(self.alice))
        self.assertIn("! bad-line 0 no command /dance; /help lists them", self.heard(self.alice))
        self.says(self.alice, "/quit")
        self.assertEqual(self.heard(self.alice)[-1], "! bye 2")
        again = self.resumes("alice")
        self.says(again, "alice: 3", "/sync")
        self.assertIn("! resumed 2 1 ERA", self.heard(again))
        self.assertIn("! synced 3", self.heard(again))

    def test_verdicts(self) -> None:
        """A verdict names its lines; those in a row share one."""
        self.calls("bob").is_gone()
        self.says(self.alice, "bob: 1", "bob: 2", "x: 3", "bob: 4", "x: 5", "x, y: 6", "nonsense")
        self.assertEqual(
            self.heard(self.alice)[1:],
            [
                "! kept bob 2 1-2",
                "! unknown x 1 3-3",
                "! kept bob 1 4-4",
                "! unknown x 2 5-6",
                "! unknown y 1 6-6",
                "! bad-line 7 no recipient; post with NAME: text",
            ],
        )

    def test_too_long(self) -> None:
        """A line that is too long has a number, and a command that is has none."""
        self.says(self.alice, "x" * 200, "/" + "x" * 200)
        self.assertEqual(self.heard(self.alice)[1:], ["! too-long 1 100", "! too-long 0 100"])

    def test_half_a_line(self) -> None:
        """A line that ends with the connection is not taken in, as its client may have died."""
        bob = self.calls("bob")
        self.alice.sends("bob: build 17\nbob: build 1")
        self.alice.half_closes()
        self.house.turn()
        self.assertEqual(bob.link.messages(), ["from alice: build 17"])
        self.assertEqual(self.heard(self.alice)[-1], "! bye 1")
        self.assertEqual(self.heard(self.resumes("alice"))[0], "! resumed 1 1 ERA")

    def test_refusals_are_told_again(self) -> None:
        """Refusals are told again after each login until they are confirmed."""
        self.calls("bob").is_gone()
        self.says(self.alice, "x: 1", "bob: 2", "nonsense", "x: 4")
        self.alice.is_gone()
        again = self.resumes("alice")
        refusals = [
            "! unknown x 1 1-1",
            "! bad-line 3 no recipient; post with NAME: text",
            "! unknown x 1 4-4",
        ]
        self.assertEqual(self.heard(again), ["! resumed 4 1 ERA", *refusals])
        self.says(again, "/got 0 3")
        again.is_gone()
        self.assertEqual(self.heard(self.resumes("alice")), ["! resumed 4 1 ERA", *refusals[2:]])

    def test_refusal_of_several_lines(self) -> None:
        """A refusal of several lines is told again until the last of them is confirmed."""
        self.says(self.alice, "x: 1", "x: 2", "/got 0 1")
        self.alice.is_gone()
        again = self.resumes("alice")
        self.assertEqual(self.heard(again), ["! resumed 2 1 ERA", "! unknown x 2 1-2"])

    def test_other_tags_hear_nothing(self) -> None:
        """A refusal is told to the tag whose line it was, and to no other session."""
        self.says(self.alice, "x: 1")
        self.alice.is_gone()
        self.assertEqual(self.heard(self.resumes("alice", "other")), ["! resumed 0 1 ERA"])
        self.assertEqual(self.calls("alice").link.lines(), ["! welcome alice"])

    def test_too_many_refusals(self) -> None:
        """A client that never confirms is ended before its refusals fill the memory."""
        for number in range(2000):
            if self.alice.link.finished:
                break
            self.says(self.alice, f"nobody{number}: hi")
        self.assertTrue(self.alice.link.finished)
        self.assertLess(number, 1000)
        again = self.resumes("alice")
        self.says(again, "/ping")
        self.assertFalse(again.link.finished)
        self.says(again, "another: hi")
        self.assertTrue(again.link.finished)
        self.assertEqual(self.heard(self.alice)[-1], f"! bye {number}")

    def test_refusals_without_end(self) -> None:
        """A session ends behind the line that fills its tag; one that goes on so is forgotten."""
        most = 0
        for _ in range(40):
            alice = self.resumes("alice", "greedy")
            alice.sends("".join(f"nobody{number}: hi\n" for number in range(500)))
            self.house.turn()
            self.assertTrue(alice.link.finished)
            (tag,) = [tag for tag in self.house.mailbox.tags.of("alice") if tag.name == "greedy"]
            most = max(most, tag.size)
        self.assertLess(most, 2 * MOST_UNHEARD)

    def test_forgotten_as_it_confirms_nothing(self) -> None:
        """A tag for which far too many refusals wait is begun anew, in another era."""
        era = self.era(self.alice)
        (tag,) = self.house.mailbox.tags.of("alice")
        for number in range(MOST_UNHEARD // 160):
            tag.refuse(Verdict(number, number, "unknown", "nobody", 1))
        self.alice.is_gone()
        self.house.turn()
        again = self.resumes("alice")
        self.assertNotEqual(self.era(again), era)
        self.assertEqual(self.heard(again), ["! resumed 0 1 ERA"])

    def test_no_room_for_refusals(self) -> None:
        """When the mailbox is full a session ends with its first refusals, which are told again."""
        for name, line in (("alice", "nobody{}: hi"), ("bob", "nobody {}")):
            self.house.mailbox.limit(MailLimits())
            alice = self.resumes(name)
            self.house.mailbox.limit(MailLimits(total=TAG_COST))
            for number in range(1, 100):
                if alice.link.finished:
                    break
                self.says(alice, line.format(number))
            self.assertLess(number, 10)
            again = self.resumes(name)
            self.assertEqual(len(self.heard(again)), number)
            self.says(again, f"/got 0 {number - 1}", f"{name}: hi", "/sync")
            self.assertIn(f"! synced {number}", self.heard(again))


class SendingTests(ResumingTestCase):
    """Sessions that only send."""

    def test_sends(self) -> None:
        """It is not here for others, takes nobody's place, and its lines count."""
        bob = self.calls("bob")
        alice = self.calls("alice")
        say = self.resumes("alice", "say", word="send")
        self.assertEqual(self.heard(say), ["! resumed 0 0 ERA"])
        self.says(say, "bob: hi", "alice: you too", "/sync")
        self.assertEqual(self.heard(say)[1:], ["! synced 2"])
        self.assertEqual(bob.link.messages(), ["from alice: hi"])
        self.assertEqual(alice.link.messages(), ["from alice: you too"])
        self.assertEqual(self.house.names(), ["alice", "alice", "bob"])

    def test_forgotten(self) -> None:
        """Its tag goes with the session if it has confirmed all its lines, and stays if not."""
        self.calls("bob")
        for confirms, taken in ((False, 1), (True, 0)):
            say = self.resumes("alice", f"tag{confirms}", word="send")
            self.says(say, "bob: hi", *(["/got 0 1"] if confirms else []))
            say.half_closes()
            self.house.turn()
            again = self.resumes("alice", f"tag{confirms}", word="send")
            self.assertEqual(self.heard(again)[0], f"! resumed {taken} 0 ERA")

    def test_same_tag(self) -> None:
        """A tag has one connection: a new one takes the place of the old one, in either way."""
        say = self.resumes("alice", "t", word="send")
        self.resumes("alice", "t")
        self.assertEqual(say.link.lines()[-2:], ["! replaced", "! bye 0"])

    def test_while_another_is_lost(self) -> None:
        """It need not wait until all is worked off that another session of its name had said."""
        alice = self.calls("alice")
        alice.is_gone()
        say = self.resumes("alice", "say", word="send")
        self.says(say, "/sync")
        self.assertEqual(self.heard(say)[1:], ["! synced 0"])

    def test_rejected(self) -> None:
        """If nobody is replaced, nobody else can speak for somebody who is here."""
        self.house.broker.set_duplicate(Duplicate.REJECT)
        self.resumes("alice")
        say = self.calls()
        say.sends("/send other\nalice\n")
        self.assertEqual(say.link.lines(), ["! name-taken alice"])
        again = self.resumes("alice")
        self.assertEqual(self.heard(again), ["! resumed 0 1 ERA"])


class FightTests(ResumingTestCase):
    """Clients that want the same tag."""

    def test_two_that_fight(self) -> None:
        """A tag that has just been taken over is refused at once, and can be had a while later."""
        for word in ("resume", "send"):
            first = self.resumes("alice", word, word)
            self.resumes("alice", word, word)
            self.assertEqual(first.link.lines()[-2:], ["! replaced", "! bye 0"])
            self.assertEqual(self.resumes("alice", word, word).link.lines(), ["! name-taken alice"])
            self.house.clock.advance(FIRST)
            self.assertEqual(len(self.heard(self.resumes("alice", word, word))), 1)

    def test_connections_that_break(self) -> None:
        """A client comes back at once, however often its connections break without a word."""
        for _ in range(3):
            for _ in range(5):
                alice = self.resumes("alice")
                self.assertEqual(alice.link.lines()[:1], ["! welcome alice"])
                alice.link.silence()
            self.house.clock.advance(HURRY)
            self.house.turn()


class StampTests(ResumingTestCase):
    """Messages with the time of their acceptance."""

    def setUp(self) -> None:
        super().setUp()
        self.alice = self.calls("alice")

    def stamps(self, *opening: str) -> Caller:
        caller = self.calls()
        caller.sends("".join(f"{line}\n" for line in (*opening, "/stamp", "bob")))
        self.house.turn()
        return caller

    def sleeps(self, seconds: float) -> None:
        self.house.clock.advance(seconds)
        self.house.wall.advance(seconds)

    def test_live_and_kept(self) -> None:
        """Live and kept messages have the moment at which they were accepted, notices none."""
        self.stamps().is_gone()
        self.says(self.alice, "bob: one")
        self.sleeps(90)
        bob = self.stamps()
        self.says(self.alice, "bob: two", "bob: three")
        self.assertEqual(
            bob.link.lines(),
            [
                "! welcome bob",
                "! mail 1",
                "from alice, 19700101T000000Z: one",
                "from alice, 19700101T000130Z: two",
                "from alice, 19700101T000130Z: three",
            ],
        )

    def test_handed_back(self) -> None:
        """A message that comes again has the time that it had, and none for those who ask not."""
        self.sleeps(5)
        for opening in ([], ["/resume t"]):
            bob = self.stamps(*opening)
            bob.link.silence()
            self.says(self.alice, "bob: x, y: z")
            self.sleeps(90)
            bob.is_gone()
            self.house.turn()
        again = self.stamps("/resume t")
        self.assertEqual(
            again.link.messages(),
            ["from alice, 19700101T000005Z: x, y: z", "from alice, 19700101T000135Z: x, y: z"],
        )
        again.is_gone()
        self.house.turn()
        self.assertEqual(self.calls("bob").link.messages(), ["from alice: x, y: z"] * 2)

    def test_twice(self) -> None:
        """It is wished for once, and with nothing behind it."""
        for opening, why in (("/stamp", "say /stamp once"), ("/stamp 1", "/stamp stands alone")):
            lines = self.stamps(opening).link.lines()
            self.assertIn(f"! bad-name {why}", lines[0])


class DurableTests(ResumingTestCase):
    """A server that promises to outlive a crash."""

    def test_disk_that_is_full_for_a_while(self) -> None:
        """While commits fail a client is told nothing, and not read; then it goes on."""
        desk = Desk.of(self, Clock())
        desk.durable = True
        self.house = House(desk.mailbox(), desk.clock, durable=True)
        self.factory = self._factory(desk.clock)
        worker = self.resumes("worker")
        desk.disk.full = True
        self.says(worker, "nobody: 1")
        self.assertEqual(self.heard(worker), ["! resumed 0 1 ERA"])
        self.assertTrue(worker.reader.paused)
        desk.disk.full = False
        for _ in range(3):
            desk.clock.advance(RETRY)
        self.house.turn()
        self.assertEqual(self.heard(worker)[1:], ["! unknown nobody 1 1-1"])
        self.assertFalse(worker.reader.paused)

    def test_commit_that_is_late(self) -> None:
        """A client that a late commit has held is read again, though nothing waits to be sent."""
        desk = Desk.of(self, Clock())
        desk.durable = True
        self.house = House(desk.mailbox(), desk.clock, durable=True)
        self.factory = self._factory(desk.clock)
        worker = self.resumes("worker")
        self.says(worker, "nobody: 1")
        desk.worker.held = True
        self.says(worker, "/got 0 1")
        for _ in range(2):
            desk.clock.advance(LATE)
        self.assertTrue(worker.reader.paused)
        desk.worker.release()
        for _ in range(3):
            desk.clock.advance(RETRY)
        self.assertFalse(worker.reader.paused)

    def test_time_after_a_crash(self) -> None:
        """A message that was on its way when the server crashed has the time of its acceptance."""
        desk = Desk.of(self, Clock())
        desk.durable = True
        self.house = House(desk.mailbox(), desk.clock, durable=True)
        self.factory = self._factory(desk.clock)
        worker = self.resumes("worker")
        for clock in (desk.clock, desk.wall, self.house.wall):
            clock.advance(300)
        self.says(worker, "worker: hi")
        desk.crash()
        desk.clock = Clock()
        self.house = House(desk.mailbox(), desk.clock, durable=True)
        self.factory = self._factory(desk.clock)
        self.house.wall.advance(300)
        for clock in (desk.clock, desk.wall, self.house.wall):
            clock.advance(400)
        worker = self.calls()
        worker.sends("/stamp\nworker\n")
        self.house.turn()
        self.assertEqual(worker.link.messages(), ["from worker, 19700101T000500Z: hi"])

    def test_nothing_new(self) -> None:
        """A command that brings nothing new is no reason for a commit."""
        desk = Desk.of(self, Clock())
        desk.durable = True
        self.house = House(desk.mailbox(), desk.clock, durable=True)
        self.factory = self._factory(desk.clock)
        worker = self.resumes("worker")
        before = desk.worker.jobs
        self.says(worker, "/ping")
        self.assertEqual(desk.worker.jobs, before)
        self.says(worker, "nobody: 1")
        self.assertGreater(desk.worker.jobs, before)


class FileTests(ResumingTestCase):
    """A server with a mailbox in a file, that waits for no commit."""

    def setUp(self) -> None:
        super().setUp()
        self.desk = Desk.of(self, Clock())

    def begins(self) -> None:
        """The server begins, on what the one before has left."""
        self.desk.clock = Clock()
        self.house = House(self.desk.mailbox(), self.desk.clock)
        self.factory = self._factory(self.desk.clock)

    def test_vouches_for_a_stop(self) -> None:
        """An era goes on after a stop, and no further: a crash behind that begins another."""
        self.begins()
        first = self.resumes("worker")
        first.is_gone()
        self.house.turn()
        self.successResultOf(self.house.mailbox.close())
        self.begins()
        second = self.resumes("worker")
        self.desk.crash()
        self.begins()
        third = self.resumes("worker")
        self.assertEqual(self.era(second), self.era(first))
        self.assertNotEqual(self.era(third), self.era(first))
