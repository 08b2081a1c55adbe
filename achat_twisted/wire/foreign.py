"""First lines of other protocols, whose clients have come to the wrong port.

Above all they are browsers: any web page can make one send an HTTP request to a port of this
machine, and the lines of that request, or of its body, would be posted under the name in its first
line. Scanners speak the others. Nothing here is a name that people use: not C{GET}, C{Host} or
C{SSH} alone, but only what a program of that protocol sends.
"""

from __future__ import annotations

import re

TLS = b"\x16\x03"
"""The first bytes of a TLS record that belongs to a handshake (RFC 8446, 5.1)."""

PROXY = b"\r\n\r\n\0\r\nQUIT\n"
"""The first bytes of a header of version 2 of the PROXY protocol (2.2): lines that are no names."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A method (RFC 9110, 5.6.2), which a web page may choose; SIP's and RTSP's are alike."""

_FIRST_LINES = (
    # RFC 9112, 3; the preface of HTTP/2, PRI * HTTP/2.0 (RFC 9113, 3.4), is one as well.
    ("HTTP", rf"{_TOKEN} .*HTTP/\d(\.\d)?"),
    ("HTTP", r"GET /.*"),  # HTTP/0.9 has no version (RFC 1945, 5)
    ("RTSP", rf"{_TOKEN} .*RTSP/\d\.\d"),  # RFC 7826, 7.1
    ("SIP", rf"{_TOKEN} .*SIP/\d\.\d"),  # RFC 3261, 7.1
    ("SSH", r"SSH-\d+\.\d+-.*"),  # RFC 4253, 4.2
    ("PROXY", r"PROXY (TCP4|TCP6|UNKNOWN)( .*)?"),  # the PROXY protocol, 2.1
    # RFC 5321, 4.1.1.1, and RFC 2033, 4.1; people's names may begin like the second.
    ("SMTP", r"(?i:EHLO|LHLO) .+"),
    ("SMTP", r"(?i:HELO) (\[.+\]|\S+\.\S+|localhost)"),
    ("SMTP", r"(?i:MAIL FROM) *: *<.*"),  # RFC 5321, 4.1.1.2
)
_PATTERNS = [(protocol, re.compile(pattern)) for protocol, pattern in _FIRST_LINES]
_ANY = re.compile("|".join(f"(?:{pattern})" for _, pattern in _FIRST_LINES))
"""All at once: a login asks twice, and hardly any first line is another protocol's."""


def protocol_of(line: str) -> str | None:
    """The other protocol that C{line} begins; None if there is none."""
    line = line.strip()
    if not _ANY.fullmatch(line):
        return None
    for protocol, pattern in _PATTERNS:
        if pattern.fullmatch(line):
            return protocol
    return None
