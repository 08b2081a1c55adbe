"""The wire: the meaning of lines, as tables and as laws."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted import wire
from tests.strategies import names, texts

POSTS = [
    ("bob: hi", ("bob",), "hi"),
    ("bob:hi", ("bob",), "hi"),
    ("bob, carol: hi", ("bob", "carol"), "hi"),
    (" bob ,carol\t:  hi  ", ("bob", "carol"), "hi"),
    ("\u3000bob\xa0: hi\u2003", ("bob",), "hi"),
    ("bob, bob: twice", ("bob", "bob"), "twice"),
    ("bob:", ("bob",), ""),
    ("bob: a: b :c", ("bob",), "a: b :c"),
    ("bob, , carol,: gaps", ("bob", "carol"), "gaps"),
    ("two words: hi", ("two words",), "hi"),
    ("bob: tab\there", ("bob",), "tab\there"),
    ("! bye 3: no notice", ("! bye 3",), "no notice"),
]

COMMANDS = [
    ("/who", "who", ""),
    ("/sync t:1", "sync", "t:1"),
    ("/sync  a b ", "sync", "a b"),
    ("/", "", ""),
]

NO_RECIPIENT = ["", "hi", ":", ": hi", " , : hi", "  "]

GOOD_LOGINS = [
    ("alice", "alice", None),
    (" alice ", "alice", None),
    ("alice:secret", "alice", "secret"),
    ("alice:", "alice", ""),
    ("alice: a:b ", "alice", " a:b "),
    ("Zoë von 東京", "Zoë von 東京", None),
    *((name, name, None) for name in ("Ελένη", "Анна", "नमस्ते", "தமிழ்", "สมชาย", "ណារិន")),
    *(
        (name, name, None)
        for name in ("한국어", "עברית", "محمد", "José", "❤", "👩", "①", "a\u0331")
    ),
    ("x" * 64, "x" * 64, None),
]

BAD_NAMES = [
    ("", "empty"),
    (":secret", "empty"),
    ("x" * 65, "longer than 64 bytes"),
    ("é" * 33, "longer than 64 bytes"),
    ("!alice", "begins with ! or /"),
    ("/alice", "begins with ! or /"),
    ("a,b", "contains , or #"),
    ("#room", "contains , or #"),
    ("a\tb", "cannot be printed"),
    ("a\u202eb", "cannot be printed"),
    (unicodedata.normalize("NFD", "é"), "normal form C"),
    ("bob\ufe0f", "contains U+FE0F, which cannot be seen"),
    ("\u2764\ufe0f", "contains U+FE0F, which cannot be seen"),
    ("bo\u034fb", "contains U+034F, which cannot be seen"),
    ("\u3164", "contains U+3164, which cannot be seen"),
    ("\u2800", "contains U+2800, which cannot be seen"),
    ("\U000e0100x", "contains U+E0100, which cannot be seen"),
    ("\u0301bob", "begins with a mark"),
    ("\u093fक", "begins with a mark"),
]

NOTICES = [
    (wire.welcome("two words"), b"! welcome two words\n"),
    (wire.mail(3), b"! mail 3\n"),
    (wire.outcome("kept", "bob", 2), b"! kept bob 2\n"),
    (wire.outcome("unknown", "bob", 1), b"! unknown bob 1\n"),
    (wire.outcome("full", "bob", 9), b"! full bob 9\n"),
    (wire.TooLong(8192).notice, b"! too-long 8192\n"),
    (wire.BadLine("not UTF-8").notice, b"! bad-line not UTF-8\n"),
    (wire.bad_name("it is empty").notice, b"! bad-name it is empty\n"),
    (wire.name_taken("bob").notice, b"! name-taken bob\n"),
    (wire.busy().notice, b"! busy\n"),
    (wire.replaced(), b"! replaced\n"),
    (wire.kicked(), b"! kicked\n"),
    (wire.synced(4, "t"), b"! synced 4 t\n"),
    (wire.synced(4, ""), b"! synced 4\n"),
    (wire.who(["a", "b c"]), b"! who a, b c\n"),
    (wire.pong(), b"! pong\n"),
    (wire.bye(7), b"! bye 7\n"),
]


RAW_LINES = st.lists(
    st.sampled_from([b"a: ", b"b", b"\r", b"\t", b" ", b"\xff", b"\x1b", "é\x85\u2028".encode()])
).map(b"".join)

HEADS = st.sampled_from(["bob: ", "bob:", " bob : ", "bob, carol: ", "bob, bob: ", "/who: ", ""])

RUN_TEXTS = st.lists(st.sampled_from(["a", " ", "\t", ":", "bob: ", "\u3000", "/"])).map("".join)


class ClientLineTests(SynchronousTestCase):
    """Lines that a client says."""

    def test_posts(self) -> None:
        """A line with a colon is a text for each name before it, both trimmed of white space."""
        for line, recipients, text in POSTS:
            self.assertEqual(wire.parse_line(line), wire.Post(recipients, text), line)

    def test_commands(self) -> None:
        """A line that begins with a slash is a command, whatever else it holds."""
        for line, word, argument in COMMANDS:
            self.assertEqual(wire.parse_line(line), wire.Command(word, argument), line)

    def test_no_recipient(self) -> None:
        """Any other line is refused, with a notice that says what would be right."""
        for line in NO_RECIPIENT:
            error = self.assertRaises(wire.BadLine, wire.parse_line, line)
            self.assertEqual(
                error.notice, wire.Notice("bad-line", "no recipient; post with NAME: text")
            )

    def test_logins(self) -> None:
        """The first line is a name, and perhaps a secret behind the first colon."""
        for line, name, secret in GOOD_LOGINS:
            self.assertEqual(wire.parse_login(line), wire.Login(name, secret), line)

    def test_bad_names(self) -> None:
        """An invalid name is refused, and the notice says why."""
        for line, why in BAD_NAMES:
            error = self.assertRaises(wire.Refused, wire.parse_login, line)
            self.assertEqual(error.notice.word, "bad-name")
            self.assertIn(why, error.notice.detail)

    def test_one_carriage_return_is_dropped(self) -> None:
        """One CR before the line end belongs to it; another one is a control character."""
        self.assertEqual(wire.decode_line(b"a: b\r", 10), "a: b")
        self.assertRaises(wire.BadLine, wire.decode_line, b"a: b\r\r", 10)

    def test_length_is_in_bytes(self) -> None:
        """A line may be as long as the limit, counted in bytes and without its end."""
        self.assertEqual(wire.decode_line("é".encode() * 5 + b"\r", 10), "é" * 5)
        error = self.assertRaises(wire.TooLong, wire.decode_line, "é".encode() * 5 + b"x", 10)
        self.assertEqual(error.notice, wire.Notice("too-long", "10"))

    def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 are refused."""
        for raw in (b"\xff", b"a: \xc3", b"\xed\xa0\x80", b"\xc0\xaf"):
            error = self.assertRaises(wire.BadLine, wire.decode_line, raw, 100)
            self.assertEqual(error.notice.detail, "not UTF-8")

    def test_control_characters(self) -> None:
        """Control characters are refused, but for the tab, and so are Unicode's line separators."""
        for number in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029):
            raw = f"a{chr(number)}b: c".encode()
            if chr(number) == "\t":
                self.assertEqual(wire.decode_line(raw, 100), "a\tb: c")
            else:
                self.assertRaises(wire.BadLine, wire.decode_line, raw, 100)

    def test_another_protocol(self) -> None:
        """Another protocol's first line is not a login, nor a name in a password file."""
        for line in ("POST / HTTP/1.1", "SSH-2.0-x", "PROXY UNKNOWN"):
            self.assertRaises(wire.Foreign, wire.parse_login, line)
            self.assertRaises(wire.Refused, wire.check_name, line)
        self.assertRaises(wire.Foreign, wire.parse_login, "OPTIONS sip:nm SIP/2.0")
        self.assertRaises(wire.Foreign, wire.decode_line, b"\x16\x03\x01", 100)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, raw: bytes) -> None:
        """Nothing but the wire's own errors comes of any bytes."""
        try:
            line = wire.decode_line(raw, 100)
        except wire.WireError:
            return
        for parse in (wire.parse_line, wire.parse_login, wire.parse_server_line):
            try:
                parse(line)
            except wire.WireError as error:
                self.assertNotIn(b"\n", wire.render_notice(error.notice)[:-1])


class BlockTests(SynchronousTestCase):
    """Many lines at once mean what they mean one by one."""

    @given(st.lists(RAW_LINES, min_size=1))
    def test_decoded_as_one_by_one(self, lines: list[bytes]) -> None:
        """A block is decoded if each of its lines can be, and to the same text."""
        try:
            text: str | None = "".join(f"{wire.decode_line(line, 10)}\n" for line in lines)
        except wire.WireError:
            text = None
        self.assertEqual(wire.decode_block(b"".join(b"%b\n" % line for line in lines), 10), text)

    @given(
        st.lists(RAW_LINES, min_size=1), st.sampled_from([b"bob: ", b"/bob: ", b"bob, al: ", b""])
    )
    def test_alone_as_one_of_many(self, lines: list[bytes], head: bytes) -> None:
        """A line that comes alone is the post that it would be among others, or none."""
        chunk = b"\n".join(lines) + b"\n"
        for alone in (head + chunk, head + chunk[:-1]):
            post = wire.parse_alone(alone, 12)
            if post is not None:
                block = wire.decode_block(alone, 12)
                assert block is not None
                self.assertEqual([block.count("\n"), block[-1]], [1, "\n"])
                self.assertEqual(wire.parse_line(block), post)

    def test_alone(self) -> None:
        """Plain lines are taken in one look; anything that may be more is not."""
        for line, recipients, text in POSTS:
            post = wire.parse_alone(f"{line}\n".encode(), 100)
            is_plain = len(recipients) == 1 and line.isprintable()
            self.assertEqual(post, wire.Post(recipients, text) if is_plain else None, line)
        for chunk in (
            b"",
            b"bob: h",
            b"bob: hi\r\n",
            b"bob: hi\nbob: ho\n",
            b"bob: hi\nbob: h",
            b"bob: \xff\n",
            b"bob: \x1b\n",
            b"/who\n",
            b"/sync t:1\n",
            b"bob: " + b"x" * 96 + b"\n",
            *(f"{line}\n".encode() for line in NO_RECIPIENT),
        ):
            self.assertIsNone(wire.parse_alone(chunk, 100), chunk)

    def test_long_lines(self) -> None:
        """A line beyond the limit is seen wherever it stands among shorter ones."""
        for before in range(3):
            for after in range(3):
                others = [b"x" * 9, b"", b"x" * 10]
                for size, is_good in ((10, True), (11, False), (50, False)):
                    lines = [*others[:before], b"x" * size, *others[:after]]
                    block = b"".join(b"%b\n" % line for line in lines)
                    expected = block.decode() if is_good else None
                    self.assertEqual(wire.decode_block(block, 10), expected, block)

    @given(HEADS, st.lists(RUN_TEXTS, min_size=2))
    def test_run_is_the_same_as_its_lines(self, head: str, texts: list[str]) -> None:
        """A run has the same posts as its lines, for the same recipients, in order."""
        lines = [f"{head}{text}" for text in texts]
        run = wire.parse_run("".join(f"{line}\n" for line in lines))
        if run is None:
            return
        posts = [wire.parse_line(line) for line in lines]
        self.assertEqual([wire.Post(run.recipients, t) for t in run.text.split("\n")], posts)
        self.assertEqual(
            wire.render_post("me", run.text),
            b"".join(wire.render_post("me", text) for text in run.text.split("\n")),
        )

    @given(st.lists(st.tuples(HEADS, RUN_TEXTS), min_size=2))
    def test_several_are_the_same_as_their_lines(self, said: list[tuple[str, str]]) -> None:
        """Lines that are put together by recipients are the same for each of them, in order."""
        lines = [f"{head}{text}" for head, text in said]
        several = wire.parse_several("".join(f"{line}\n" for line in lines))
        if several is None:
            return
        expected: dict[str, list[str]] = defaultdict(list)
        got: dict[str, list[str]] = {}
        for line in lines:
            post = wire.parse_line(line)
            assert isinstance(post, wire.Post), line
            for name in post.recipients:
                expected[name].append(post.text)
        for post in several:
            for name in post.recipients:
                self.assertNotIn(name, got, "a recipient is in two groups")
                got[name] = post.text.split("\n")
        self.assertEqual(got, expected)

    def test_several(self) -> None:
        """Lines for different names are a post for each, also where there is something to trim."""
        for block, posts in (
            ("bob: a\ncarol: b\n", [(("bob",), "a"), (("carol",), "b")]),
            ("bob: a\ncarol:b\nbob: \u3000c \n", [(("bob",), "a\nc"), (("carol",), "b")]),
            ("bob, al: a\n al, bob : b\n", None),
            ("bob, al: a\nx: b\nbob, al:\n", [(("bob", "al"), "a\n"), (("x",), "b")]),
            ("bob: a\nbob, carol: b\n", None),
            ("bob, bob: a\ncarol: b\n", None),
            ("bob: a\n/who\n", None),
            ("bob: a\n/say: b\n", None),
            ("bob: a\n: b\n", None),
            ("bob: a\n , : b\n", None),
            ("bob: a\nb\n", None),
            ("a, b, c: a\nbob: b\n", None),
        ):
            expected = posts and [wire.Post(names, text) for names, text in posts]
            self.assertEqual(wire.parse_several(block, 2), expected, block)

    def test_runs(self) -> None:
        """Lines that begin with the same names are a run, whatever their texts."""
        for head in ("bob: ", "bob, carol: ", "two words: "):
            for said in (["a", "b"], ["", "a: b", ""], ["a  b", "é", "\u4f60"], ["x\ty", "bob:"]):
                run = wire.parse_run("".join(f"{head}{text}\n" for text in said))
                assert run is not None, said
                self.assertEqual(run.text, "\n".join(said))

    def test_no_runs(self) -> None:
        """Lines for others, lines to trim, commands and doubled names are not a run."""
        for block in (
            "bob: a\ncarol: b\n",
            "bob: a\nbob:b\n",
            "bob: a\nbob:  b\n",
            "bob: a \nbob: b\n",
            "bob: a\nbob: b\t\n",
            "bob: a\nbob: \u3000b\n",
            "bob: a\n/who\n",
            "/say: a\n/say: b\n",
            "bob, bob: a\nbob, bob: b\n",
            ": a\n: b\n",
            "a\nb: c\n",
            "a\nb\n",
        ):
            self.assertIsNone(wire.parse_run(block), block)


class ServerLineTests(SynchronousTestCase):
    """Lines that a server says."""

    def test_message(self) -> None:
        """A message is byte for byte what the seeds send."""
        self.assertEqual(wire.render_post("alice", "hi"), b"from alice: hi\n")

    def test_notices(self) -> None:
        """A notice is an exclamation mark, a word and its details."""
        for notice, rendered in NOTICES:
            self.assertEqual(wire.render_notice(notice), rendered)

    def test_neither(self) -> None:
        """A line that is neither a message nor a notice is not taken for one."""
        for line in ("", "hi", "from alice", "!bye 3", "From a: b"):
            self.assertRaises(wire.BadLine, wire.parse_server_line, line)

    @given(names(), texts())
    def test_messages_parse_back(self, sender: str, text: str) -> None:
        """Every message that is rendered parses back."""
        message = wire.Message(sender, text)
        rendered = wire.render_post(sender, text)
        self.assertEqual(wire.parse_server_line(rendered.decode()[:-1]), message)
        self.assertTrue(wire.is_message(rendered))

    @given(names(), st.integers(min_value=1), texts())
    def test_notices_parse_back(self, name: str, number: int, text: str) -> None:
        """Every notice that is rendered parses back."""
        for notice in (
            wire.welcome(name),
            wire.outcome("kept", name, number),
            wire.synced(number, text),
            wire.bye(number),
            wire.who([name, name]),
            wire.Notice("bad-line", text),
        ):
            rendered = wire.render_notice(notice)
            self.assertEqual(wire.parse_server_line(rendered.decode()[:-1]), notice)
            self.assertFalse(wire.is_message(rendered))

    @given(names(), st.lists(names(), min_size=1), texts())
    def test_posts_parse_back(self, sender: str, recipients: list[str], text: str) -> None:
        """A post of one client is a message from the sender to another client."""
        post = wire.parse_line(f"{', '.join(recipients)}: {text}")
        self.assertEqual(post, wire.Post(tuple(recipients), text))
        self.assertEqual(wire.parse_login(sender), wire.Login(sender, None))

    @given(names(), st.lists(st.tuples(st.booleans(), texts())))
    def test_messages_are_counted(self, name: str, lines: list[tuple[bool, str]]) -> None:
        """Among rendered lines messages can be counted, whatever their texts hold."""
        batch = b"".join(
            wire.render_post(name, text)
            if message
            else wire.render_notice(wire.Notice("bad-line", text))
            for message, text in lines
        )
        self.assertEqual(wire.count_messages(batch), sum(message for message, _ in lines))

    def test_plain(self) -> None:
        """For the seeds' wire no notice is rendered at all."""
        self.assertEqual(wire.say_nothing(wire.bye(3)), b"")
