"""A server that does not do as it should: it lets everybody in, and then does what it was told to.

C{rogue.py PORT closes} closes each connection at its first line, C{rogue.py PORT chats} says
something of its own.
"""

from __future__ import annotations

import sys
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Rogue(StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        name = self.rfile.readline()
        self.wfile.write(b"! welcome " + name)
        if self.rfile.readline() and sys.argv[2] == "chats":
            self.wfile.write(b"! kept bob 1\n")
            self.rfile.read()


ThreadingTCPServer.daemon_threads = True
ThreadingTCPServer.request_queue_size = 100
with ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Rogue) as server:
    server.serve_forever()
