"""Headers of proxies: all forms that the specification has, however they are cut."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from itertools import pairwise
from struct import pack

from hypothesis import given, strategies as st
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.net.proxy_header import BadHeader, Header

MAPPED = str(ip_address("::ffff:192.0.2.7"))  # which Python 3.13 writes in another way
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
IPV4 = ip_address("192.0.2.7").packed + ip_address("192.0.2.1").packed + pack("!HH", 40000, 8080)
IPV6 = ip_address("2001:db8::7").packed + ip_address("2001:db8::1").packed + pack("!HH", 5, 6)
TLVS = b"\x04\x00\x05hello\x03\x00\x04abcd"


def version_2(command: int, kind: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes([command, kind]) + pack("!H", len(rest)) + rest


GOOD = {
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 8080\r\n": ("192.0.2.7", 40000),
    b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 8080\r\n": ("2001:db8::7", 40000),
    b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 1 2\r\n": (MAPPED, 1),
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n": None,
    version_2(0x21, 0x11, IPV4): ("192.0.2.7", 40000),
    version_2(0x21, 0x21, IPV6): ("2001:db8::7", 5),
    version_2(0x21, 0x11, IPV4 + TLVS): ("192.0.2.7", 40000),
    version_2(0x21, 0x11, IPV4 + bytes(60_000)): ("192.0.2.7", 40000),
    version_2(0x21, 0x31, bytes(216)): None,
    version_2(0x21, 0x12, IPV4): None,
    version_2(0x20, 0x00, b""): None,
    version_2(0x20, 0x11, IPV4 + TLVS): None,
    version_2(0x20, 0x11, b"short"): None,
    version_2(0x21, 0x00, b""): None,
    version_2(0x21, 0x00, TLVS): None,
}
"""Headers, and the clients that they name."""

BAD = (
    b"alice\n",
    b"GET / HTTP/1.1\r\n",
    b"PROXY\r\n",
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP5 192.0.2.7 192.0.2.1 40000 8080\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 8080\n",
    b"PROXY TCP4 999.1.1.1 192.0.2.1 40000 8080\r\n",
    b"PROXY TCP4 192.0.2.7 999.1.1.1 40000 8080\r\n",
    b"PROXY TCP4 ::1 ::1 40000 8080\r\n",
    b"PROXY TCP6 192.0.2.7 192.0.2.1 40000 8080\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 8080\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 65536\r\n",
    b"PROXY TCP4 192.0.2.7 192.0.2.1 x y\r\n",
    b"PROXY TCP4 \xff\xfe 192.0.2.1 1 2\r\n",
    b"PROXY TCP4 localhost localhost 1 2\r\n",
    b"PROXY UNKNOWN " + b"x" * 107,
    SIGNATURE[:-1] + b"\r",
    version_2(0x31, 0x11, IPV4),
    version_2(0x22, 0x11, IPV4),
    version_2(0x21, 0x41, IPV4),
    version_2(0x21, 0x13, IPV4),
    version_2(0x21, 0x11, IPV4[:-1]),
)


class HeaderTests(SynchronousTestCase):
    """L{Header}."""

    def test_good(self) -> None:
        """Each form is understood, and the bytes after it are the client's."""
        for header, expected in GOOD.items():
            parser = Header()
            self.assertEqual(parser.feed(header + b"alice\n"), b"alice\n", header[:60])
            source = parser.source
            self.assertEqual(source and (source.host, source.port), expected, header[:60])

    def test_bad(self) -> None:
        """Bytes that cannot become a header are refused as soon as that is certain."""
        for header in BAD:
            self.assertRaises(BadHeader, Header().feed, header)

    @given(st.sampled_from([header for header in GOOD if len(header) < 300]), st.data())
    def test_however_it_is_cut(self, header: bytes, data: st.DataObject) -> None:
        """A header that comes in pieces is the same header."""
        stream = header + b"alice\n"
        cuts = data.draw(st.sets(st.integers(1, len(stream) - 1)))
        parser, whole = Header(), Header()
        whole.feed(header)
        behind = b""
        for start, end in pairwise([0, *sorted(cuts), len(stream)]):
            if start >= len(header):
                behind += stream[start:end]
                continue
            came = parser.feed(stream[start:end])
            self.assertEqual(came is not None, end >= len(header))
            behind += came or b""
        self.assertEqual((behind, parser.source), (b"alice\n", whole.source))

    @given(
        st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21\x11"]),
        st.lists(st.binary()),
    )
    def test_any_bytes(self, start: bytes, chunks: list[bytes]) -> None:
        """Any bytes at all cause nothing but the header's own error."""
        header = Header()
        with contextlib.suppress(BadHeader):
            for chunk in (start, *chunks):
                if header.feed(chunk) is not None:
                    break
