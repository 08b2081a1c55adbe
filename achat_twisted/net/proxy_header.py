"""The header in which a proxy names its client, without a socket in sight.

Source: "The PROXY protocol, versions 1 and 2", which haproxy publishes. A header of version 1 is a
line of text; one of version 2 is 16 bytes, which say how many follow.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address as Ip4
from ipaddress import IPv6Address as Ip6
from struct import Struct

from twisted.internet.address import IPv4Address, IPv6Address

from achat_twisted.wire.foreign import PROXY

Source = IPv4Address | IPv6Address

_LINE = b"PROXY "
_LONGEST_LINE = 107
"""The most bytes in a header of version 1, with its line end (section 2.1)."""

_KNOWN = re.compile(rb"PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})\r\n")
_UNKNOWN = re.compile(rb"PROXY UNKNOWN( .*)?\r\n")

_START = Struct("!12sBBH")
_VERSION, _LOCAL, _PROXY = 0x20, 0, 1
_FAMILIES, _PROTOCOLS = 0x30, 2
"""The greatest values specified; a receiver must drop greater ones (section 2.2)."""

_TCP4, _TCP6 = 0x11, 0x21
_ADDRESSES = {_TCP4: Struct("!4s4sHH"), _TCP6: Struct("!16s16sHH")}


class BadHeader(Exception):
    """The bytes that came cannot become a header; the text says why."""


class Header:
    """Reads one header, however the stream is cut.

    Nothing is kept of what follows the addresses of version 2 (its TLVs), so no more than 107 bytes
    are held here.

    @ivar source: the client's address; None until it is known, and for good if the proxy does not
        name it, or the connection is its own (C{LOCAL}, as for health checks).
    """

    __slots__ = ("_held", "_to_skip", "source")

    def __init__(self) -> None:
        self.source: Source | None = None
        self._held = b""
        self._to_skip: int | None = None  # bytes of the header still to come, if known

    def feed(self, data: bytes) -> bytes | None:
        """Take in the bytes that have come.

        @return: the bytes behind the header; None as long as that is not complete.
        @raise BadHeader: if it cannot become a header any more.
        """
        if self._to_skip is None:
            self._held += data
            if self._held.startswith(_LINE):
                return self._read_line()
            if _LINE.startswith(self._held):
                return None
            if not (PROXY.startswith(self._held) or self._held.startswith(PROXY)):
                raise BadHeader("it does not begin with a PROXY header")
            data = self._read_block()
        if self._to_skip is None:
            return None
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        return None if self._to_skip else data[skipped:]

    def _read_line(self) -> bytes | None:
        """Read a header of version 1; returns the bytes behind it, or None if it is incomplete."""
        end = self._held.find(b"\n", 0, _LONGEST_LINE) + 1
        if not end:
            if len(self._held) >= _LONGEST_LINE:
                raise BadHeader(f"its PROXY line is longer than {_LONGEST_LINE} bytes")
            return None
        line, behind, self._held = self._held[:end], self._held[end:], b""
        known = _KNOWN.fullmatch(line)
        if known is not None:
            version, *hosts, source_port, port = (part.decode() for part in known.groups())
            self.source, _ = (
                _address(version, host, int(number))
                for host, number in zip(hosts, (source_port, port), strict=True)
            )
        elif not _UNKNOWN.fullmatch(line):
            raise BadHeader("its PROXY line is malformed")
        return behind

    def _read_block(self) -> bytes:
        """Read a header of version 2 up to its addresses; returns the bytes behind those."""
        if len(self._held) < _START.size:
            return b""
        _, command, kind, size = _START.unpack_from(self._held)
        if command not in (_VERSION | _LOCAL, _VERSION | _PROXY):
            raise BadHeader("its PROXY header has an unknown version or command")
        if kind & 0xF0 > _FAMILIES or kind & 0x0F > _PROTOCOLS:
            raise BadHeader("its PROXY header has an unknown family or protocol")
        addresses = _ADDRESSES.get(kind)
        if command == _VERSION | _LOCAL or addresses is None:
            return self._skip(size, _START.size)
        if size < addresses.size:
            raise BadHeader("its PROXY header is too short for the addresses in it")
        end = _START.size + addresses.size
        if len(self._held) < end:
            return b""
        host, _, port, _ = addresses.unpack_from(self._held, _START.size)
        self.source = _address("4" if kind == _TCP4 else "6", host, port)
        return self._skip(size - addresses.size, end)

    def _skip(self, size: int, looked_at: int) -> bytes:
        behind, self._held = self._held[looked_at:], b""
        self._to_skip = size
        return behind


def _address(version: str, host: str | bytes, port: int) -> Source:
    """@raise BadHeader: if it is not an address."""
    try:
        if not port < 2**16:
            raise ValueError
        if version == "4":
            return IPv4Address("TCP", str(Ip4(host)), port)
        return IPv6Address("TCP", str(Ip6(host)), port)
    except ValueError:
        raise BadHeader("its PROXY header has an invalid address") from None
