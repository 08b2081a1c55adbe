"""First lines that belong to other protocols, and names that only look a little like them."""

from __future__ import annotations

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.wire.foreign import protocol_of

FOREIGN = {
    "GET / HTTP/1.1": "HTTP",
    "POST / HTTP/1.1": "HTTP",
    "GET http://127.0.0.1:8080/ HTTP/1.0": "HTTP",
    "OPTIONS * HTTP/1.1": "HTTP",
    "CONNECT example.org:443 HTTP/1.1": "HTTP",
    "bob-alice!$x /a b HTTP/1.1": "HTTP",
    "PRI * HTTP/2.0": "HTTP",
    "GET /": "HTTP",
    "GET /index.html": "HTTP",
    "OPTIONS rtsp://example.org/x RTSP/1.0": "RTSP",
    "OPTIONS / RTSP/1.0": "RTSP",
    "OPTIONS sip:nm SIP/2.0": "SIP",
    "INVITE sip:bob@example.org SIP/2.0": "SIP",
    "SSH-2.0-OpenSSH_9.2p1 Debian-2": "SSH",
    "SSH-1.99-x": "SSH",
    "PROXY TCP4 192.0.2.7 192.0.2.1 40000 8080": "PROXY",
    "PROXY TCP6 ::1 ::1 1 2": "PROXY",
    "PROXY UNKNOWN": "PROXY",
    "EHLO example.org": "SMTP",
    "ehlo [192.0.2.7]": "SMTP",
    "LHLO x": "SMTP",
    "HELO mail.example.org": "SMTP",
    "helo localhost": "SMTP",
    "MAIL FROM:<a@example.org>": "SMTP",
    "mail from: <>": "SMTP",
}

NAMES = (
    *("GET", "POST", "Host", "HTTP", "HTTP/1.1", "SSH", "SSH-2", "PROXY", "Proxy TCP", "SIP"),
    *("HELO", "EHLO", "Helo Kitty", "HELO BOB", "Mail From Bob", "mail from", "RTSP", "TLS"),
    *("get it done", "Get /etc/passwd", "POST office", "SSH-agent", "SIP/2.0", "alice: HTTP/1.1"),
    *("alice", "build 17", "Jürgen", "李", "ci@example.org", "options: SIP", "GET/"),
)


class ForeignTests(SynchronousTestCase):
    """L{protocol_of}."""

    def test_foreign(self) -> None:
        """A first line of each of the other protocols is known for one."""
        for line, protocol in FOREIGN.items():
            self.assertEqual(protocol_of(line), protocol, line)
            self.assertEqual(protocol_of(f" {line}\t"), protocol, line)

    def test_names(self) -> None:
        """A name that people would use is not one of them, however similar it looks."""
        for name in NAMES:
            self.assertIsNone(protocol_of(name), name)

    @given(
        st.text(st.sampled_from("!#$%&'*+-.^_`|~09azAZ"), min_size=1),
        st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1),
    )
    def test_any_method(self, method: str, target: str) -> None:
        """Any request that a web page can have a browser make is HTTP, whatever its method."""
        self.assertEqual(protocol_of(f"{method} {target} HTTP/1.1"), "HTTP")

    @given(
        st.text(st.characters(categories=["L", "N", "M"], include_characters=" _-.@"), max_size=64)
    )
    def test_ordinary_names(self, name: str) -> None:
        """A name of letters and digits belongs to no protocol, unless it greets in SMTP or SSH."""
        greets = name.strip().lower().startswith(("ehlo ", "lhlo ", "helo ", "ssh-"))
        self.assertTrue(greets or protocol_of(name) is None)
