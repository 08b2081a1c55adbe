"""The wire of tags: what stands before a login line, and what is told to a tag alone."""

from __future__ import annotations

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from achat_twisted.wire.tags import (
    MOST,
    PLAIN,
    Got,
    Opening,
    Verdict,
    parse_got,
    parse_opening,
    parse_verdict,
    resumed,
    stamped,
)
from tests.strategies import names, texts
from tests.wire.test_lines import NOTICES

RULE = "1 to 64 of A-Z a-z 0-9 . _ -"

BAD_OPENINGS = [
    ("/resume", PLAIN, f"/resume needs a tag: {RULE}"),
    ("/send ", PLAIN, f"/send needs a tag: {RULE}"),
    ("/resume two words", PLAIN, f"/resume needs a tag: {RULE}"),
    ("/resume tär", PLAIN, f"/resume needs a tag: {RULE}"),
    ("/resume " + "x" * 65, PLAIN, f"/resume needs a tag: {RULE}"),
    ("/resume a", Opening("b"), "there is a tag already; say /resume, /device or /send once"),
    ("/send a", Opening("a"), "there is a tag already; say /resume, /device or /send once"),
    ("/stamp now", PLAIN, "/stamp stands alone on its line"),
    ("/stamp", Opening(stamps=True), "say /stamp once"),
]

BAD_GOTS = [
    "",
    "x",
    "-1",
    "1 x",
    "1 2 3",
    "1.5",
    "0x1",
    "\u0661",
    str(MOST + 1),
    f"0 {MOST + 1}",
    "9" * 30,
]

VERDICTS = [
    (Verdict(7, 7, "kept", "bob", 1), b"! kept bob 1 7-7\n"),
    (Verdict(7, 12, "full", "bob 3 4-5", 2), b"! full bob 3 4-5 2 7-12\n"),
    (Verdict(9, 9, "not-in", "#ops", 1), b"! not-in #ops 1 9-9\n"),
    (Verdict(4, 4, "bad-line", "not UTF-8"), b"! bad-line 4 not UTF-8\n"),
    (Verdict(0, 0, "too-long", "8192"), b"! too-long 0 8192\n"),
]

NO_VERDICTS = [
    wire.welcome("a"),
    wire.mail(3),
    wire.synced(4, "t"),
    wire.bye(3),
    wire.who(["a 1 2-"]),
]

NUMBERS = st.integers(0, MOST)


class OpeningTests(SynchronousTestCase):
    """Lines before the login line."""

    def test_any_order(self) -> None:
        """A tag and the wish for stamps may come in any order."""
        for lines in (["/resume 7f.A_-", "/stamp"], ["/stamp", "  /resume  7f.A_- "]):
            opening: Opening | None = PLAIN
            for line in lines:
                opening = parse_opening(line, opening or PLAIN)
            self.assertEqual(opening, Opening("7f.A_-", stamps=True))
        self.assertEqual(parse_opening("/send a"), Opening("a", only_sends=True))

    def test_login(self) -> None:
        """Any other line is left for the login."""
        for line in ("alice", "alice:/resume a", "/resumed a", "/who", "/STAMP", "resume a", ""):
            self.assertIsNone(parse_opening(line), line)

    def test_wrong(self) -> None:
        """A wish that is malformed or said twice is refused, in a sentence that says why."""
        for line, before, why in BAD_OPENINGS:
            refused = self.assertRaises(wire.Refused, parse_opening, line, before)
            self.assertEqual(str(refused), f"bad-name {why}")


class GotTests(SynchronousTestCase):
    """C{/got}."""

    @given(NUMBERS, st.none() | NUMBERS)
    def test_numbers(self, messages: int, lines: int | None) -> None:
        """It has one number or two, up to 2^63."""
        said = f"{messages}" if lines is None else f" {messages}  {lines} "
        self.assertEqual(parse_got(said), Got(messages, lines))

    def test_wrong(self) -> None:
        """Anything else is a bad line, in a sentence that says what would be right."""
        for argument in BAD_GOTS:
            refused = self.assertRaises(wire.BadLine, parse_got, argument)
            self.assertIn("/got P [N]", str(refused))


class NoticeTests(SynchronousTestCase):
    """Notices for a tag alone."""

    def test_resumed(self) -> None:
        """A login hears what is taken in, what comes next, and what these numbers belong to."""
        self.assertEqual(wire.render_notice(resumed(12, 41, "c8d1")), b"! resumed 12 41 c8d1\n")

    def test_verdicts(self) -> None:
        """A verdict names its lines, and is read as it was meant, whatever the name holds."""
        for verdict, rendered in VERDICTS:
            self.assertEqual(wire.render_notice(verdict.notice()), rendered)
            notice = wire.parse_server_line(rendered.decode()[:-1])
            assert isinstance(notice, wire.Notice)
            self.assertEqual(parse_verdict(notice), verdict)

    def test_no_verdicts(self) -> None:
        """No other notice is taken for one, though its details may look like one."""
        fates = {"unknown", *(verdict.word for verdict, _ in VERDICTS)}
        others = {notice.word for notice, _ in NOTICES} - fates
        for notice in [*NO_VERDICTS, *(wire.Notice(word, "bob 1 2-3") for word in others)]:
            self.assertIsNone(parse_verdict(notice), notice)


class StampTests(SynchronousTestCase):
    """Messages with the time of their acceptance."""

    @given(names(), st.lists(texts(), min_size=1, max_size=3))
    def test_stamped(self, sender: str, said: list[str]) -> None:
        """A client reads the same messages, each with its time; notices between them have none."""
        plain = wire.render_post(sender, "\n".join(said))
        heard = [
            wire.parse_server_line(line.decode())
            for line in stamped(plain + b"! pong\n", 1_796_000_000.9).split(b"\n")[:-1]
        ]
        stamp = "20261130T005320Z"
        self.assertEqual(
            heard, [*(wire.Message(sender, text, stamp) for text in said), wire.pong()]
        )
