"""A notifier, which tells somebody that a unit of systemd has failed.

C{notify-failure@.service}, beside this file, runs it as C{notify_failure.py ADDRESS NAME}; systemd
tells it in C{MONITOR_…} which unit has failed, and how (systemd.exec(5); since version 251). It
waits for the server, if need be for ever, as that may be the very unit that has failed.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

from achat_twisted.client import ChatError
from achat_twisted.client.blocking import connect


def text(environ: Mapping[str, str]) -> str:
    """The failure in one line; systemd leaves the variables out if several units fail at once."""
    unit = environ.get("MONITOR_UNIT", "a unit")
    result = environ.get("MONITOR_SERVICE_RESULT", "see the journal")
    status = environ.get("MONITOR_EXIT_STATUS", "")
    return f"{unit} has failed on {socket.gethostname()}: {result} {status}"


def main(address: str, name: str) -> None:
    with connect(address, only_sends=True) as chat:
        chat.post(name, text(os.environ))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ChatError as error:
        sys.exit(str(error))
