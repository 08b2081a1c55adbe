"""Addresses, for people to read."""

from __future__ import annotations

from ipaddress import ip_address

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress


def describe(address: IAddress) -> str:
    """An address as a client would type it."""
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, UNIXAddress) and address.name:
        return f"unix:{address.name.decode(errors='replace')}"
    return "a local socket"


def is_local(address: IAddress) -> bool:
    """Whether it is an address that only this machine has, and can reach."""
    if isinstance(address, IPv4Address | IPv6Address):
        host = ip_address(address.host.partition("%")[0])
        return (getattr(host, "ipv4_mapped", None) or host).is_loopback
    return True
