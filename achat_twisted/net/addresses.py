"""Addresses: for people to read, and for limits to count by."""

from __future__ import annotations

from ipaddress import IPv6Address as IPv6Host, IPv6Network

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress


def describe(address: IAddress) -> str:
    """An address as a client would type it, in one line without control characters.

    A client on a unix socket may choose any path or abstract name (C{unix(7)}); what cannot be
    printed in it is escaped.
    """
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, UNIXAddress) and address.name:
        name = address.name.decode(errors="backslashreplace")
        escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
        return f"unix:{''.join(escaped)}"
    return "a local socket"


def is_local(address: IAddress) -> bool:
    """Tell if it is an address that only this machine has, and can reach."""
    if isinstance(address, IPv4Address):
        return address.host.startswith("127.")  # RFC 1122, 3.2.1.3; parsing it takes 3 µs
    if isinstance(address, IPv6Address):
        host = IPv6Host(address.host.partition("%")[0])
        return (host.ipv4_mapped or host).is_loopback
    return True


def origin(address: IAddress) -> str:
    """The host that a connection counts for, where each host has a limit.

    An IPv6 host is a network of 64 bits, as a host with one address has all (RFC 4291, 2.5.1);
    a link-local one is named with its link, as it exists on each (RFC 4007, 6).
    """
    if isinstance(address, IPv4Address):
        return address.host
    if not isinstance(address, IPv6Address):
        return "this machine"
    literal, percent, scope = address.host.partition("%")
    host = IPv6Host(literal)
    link = f"{percent}{scope}" if host.is_link_local else ""
    return str(host.ipv4_mapped or f"{IPv6Network((host, 64), strict=False)}{link}")
