"""Endpoints: the places where the server listens, as the options give them."""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from typing import Any

from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from achat_twisted.net import tls
from achat_twisted.net.proxy import ProxyEndpoint
from achat_twisted.net.unix_sockets import NOBODY, UnixSockets
from achat_twisted.server.config import Configured
from achat_twisted.server.reload import Reloader

_PROXY = "haproxy:"
"""The prefix of an endpoint whose connections come through a proxy."""


class Endpoints:
    """Makes endpoints; their certificates are renewed with each reload."""

    def __init__(
        self, reactor: Any, sockets: UnixSockets, options: Configured, reloader: Reloader
    ) -> None:
        self._reactor = reactor
        self._sockets = sockets
        self._options = options
        self._reloader = reloader

    def make(self, option: str, description: str) -> IStreamServerEndpoint:
        """The endpoint that C{option} describes.

        @raise SystemExit: if it is not an endpoint, in one sentence.
        """
        endpoint: IStreamServerEndpoint
        try:
            inner = description.removeprefix(_PROXY)
            if inner.startswith("stdio"):
                raise ValueError("it is not a socket that clients can connect to")
            if tls.is_tls(inner):
                endpoint, certificates = tls.listening(self._reactor, inner)
                self._reloader.add(certificates)
            else:
                maker = self._sockets if inner.startswith("unix:") else self._reactor
                endpoint = serverFromString(maker, inner)
            return endpoint if inner == description else ProxyEndpoint(endpoint)
        except TypeError:
            why = r"an argument is missing, unknown or given twice; a colon in one is written \:"
        except IndexError:
            why = "systemd has not passed that many sockets"
        except (ValueError, KeyError, AttributeError, OSError) as error:
            why = str(error).replace("invalid literal for int() with base 10:", "not a number:")
        named = self._options.named(option)
        raise SystemExit(f"achat: {named} {description!r} is not an endpoint: {why}")


def is_encrypted(description: str) -> bool:
    """Tell if nobody in between can read its connections."""
    return tls.is_tls(description.removeprefix(_PROXY))


def owner(twistd: Mapping[str, Any]) -> tuple[int, int]:
    """The user and the group that the server becomes by twistd's own options.

    They are to own its unix sockets, which are made before that.
    """
    uid, gid = (twistd.get(key) for key in ("uid", "gid"))
    if uid is not None and gid is None:
        gid = pwd.getpwuid(uid).pw_gid
    return (NOBODY[0] if uid is None else uid, NOBODY[1] if gid is None else gid)
