"""A server that does not do as it should: it lets everybody in, and then does what it was told to.

C{rogue.py PORT closes} closes each connection at its first line, C{chats} says something of its
own then, and C{dies} ends. C{naps} hands on what is posted, and does nothing at all for half a
second in the middle of it.
"""

from __future__ import annotations

import os
import sys
import time
from io import BufferedIOBase
from itertools import count
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock

NAP = 0.5
"""Seconds."""

people: dict[bytes, BufferedIOBase] = {}
awake, posted = Lock(), count()


def post(sender: bytes, line: bytes) -> None:
    """Hand a line on, or nap first, if it is the 100th."""
    recipient, _, text = line.partition(b": ")
    with awake:
        if next(posted) == 100:
            time.sleep(NAP)
        people[recipient].write(b"from " + sender + b": " + text)


class Rogue(StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        name = self.rfile.readline()
        people[name.strip()] = self.wfile
        self.wfile.write(b"! welcome " + name)
        # The first one only comes to see what is spoken here, and posts to itself.
        if not (line := self.rfile.readline()) or line.startswith(name.strip()):
            return
        match sys.argv[2]:
            case "chats":
                self.wfile.write(b"! kept bob 1\n")
                self.rfile.read()
            case "dies":
                print("no more", flush=True)
                os._exit(3)
            case "naps":
                while line:
                    post(name.strip(), line)
                    line = self.rfile.readline()


ThreadingTCPServer.daemon_threads = True
ThreadingTCPServer.request_queue_size = 100
with ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Rogue) as server:
    server.serve_forever()
