"""First lines that belong to another protocol, whose client has come to the wrong port.

Above all it is a browser: any page that it shows can have it send an HTTP request to a port of this
machine, and the lines of such a request, or of its body, would be taken in for whatever name its
first line were. Scanners speak the others. What stands here is no name that people use: not C{GET},
C{Host} or C{SSH} alone, but what only a program of that protocol says.
"""

from __future__ import annotations

import re

TLS = b"\x16\x03"
"""The first bytes of a record of TLS that belongs to a handshake (RFC 8446, 5.1)."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A method (RFC 9110, 5.6.2), which a web page may choose; those of SIP and RTSP are alike."""

_FIRST_LINES = (
    # RFC 9112, 3; the preface of HTTP/2, PRI * HTTP/2.0 (RFC 9113, 3.4), is one as well.
    ("HTTP", rf"{_TOKEN} .*HTTP/\d(\.\d)?"),
    ("HTTP", r"GET /.*"),  # that of HTTP/0.9 has no version (RFC 1945, 5)
    ("RTSP", rf"{_TOKEN} .*RTSP/\d\.\d"),  # RFC 7826, 7.1
    ("SIP", rf"{_TOKEN} .*SIP/\d\.\d"),  # RFC 3261, 7.1
    ("SSH", r"SSH-\d+\.\d+-.*"),  # RFC 4253, 4.2
    ("PROXY", r"PROXY (TCP4|TCP6|UNKNOWN)( .*)?"),  # the PROXY protocol, 2.1
    # RFC 5321, 4.1.1.1, and RFC 2033, 4.1; names that people use may begin like the last of them.
    ("SMTP", r"(?i:EHLO|LHLO) .+"),
    ("SMTP", r"(?i:HELO) (\[.+\]|\S+\.\S+|localhost)"),
    ("SMTP", r"(?i:MAIL FROM) *: *<.*"),  # RFC 5321, 4.1.1.2
)
_PATTERNS = [(protocol, re.compile(pattern)) for protocol, pattern in _FIRST_LINES]


def protocol_of(line: str) -> str | None:
    """The other protocol that C{line} is a first line of; None if it is none's."""
    line = line.strip()
    for protocol, pattern in _PATTERNS:
        if pattern.fullmatch(line):
            return protocol
    return None
