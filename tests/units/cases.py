"""Tests of the units, samples and drop-ins that hold under any manager.

Each is installed as C{docs/operations.md} says, by the commands that stand there.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.functional.certificates import write_certificate
from tests.units.box import CHECKOUT
from tests.units.documents import CONFIGURATION, Step, steps
from tests.units.managers import Manager

_TALK = """\
import socket, ssl, sys
kind, host, port, text = sys.argv[1:]
if kind == "unix":
    end = socket.socket(socket.AF_UNIX)
    end.connect(host)
else:
    end = socket.create_connection((host, int(port)), 10)
if kind == "tls":
    context = ssl.create_default_context(cafile="/opt/checkout/chat.example.pem")
    end = context.wrap_socket(end, server_hostname="localhost")
end.settimeout(10)
end.sendall(text.encode())
print(end.makefile(errors="replace").read(), end="")
"""

_CONVERSATION = "alice{}\nalice: hi\n/quit\n"
"""With a secret behind the name, if one is needed."""

_ANSWER = "! welcome alice\nfrom alice: hi\n! bye 2\n"


class Cases(SynchronousTestCase):
    """A box in which the units are installed, and the service has been started.

    The tests hold under systemd, and under the stand-in where that cannot run.
    """

    def make(self, place: Path) -> Manager:
        """The manager, in an empty directory.

        @raise RuntimeError: if there can be none here.
        """
        raise NotImplementedError

    def setUp(self) -> None:
        if os.getuid() != 0:
            raise SkipTest("only root can make a box")
        place = Path(self.enterContext(TemporaryDirectory()))
        try:
            self.manager = self.make(place)
        except RuntimeError as error:
            raise SkipTest(str(error)) from None
        self.addCleanup(self.manager.end)
        write_certificate(place / "pem")
        self.manager.box.write(f"{CHECKOUT}/chat.example.pem", (place / "pem").read_text())
        self.manager.follow(*steps("Under systemd")[:4])

    def tell(self, heading: str) -> None:
        """Do what a section says."""
        self.manager.follow(*steps(heading))

    def ask(self, kind: str, place: str, text: str) -> str:
        """The answers to a text that is said at once, to a C{HOST PORT} or to a path."""
        host, _, port = place.partition(" ")
        words = [kind, host, port or "0", text]
        return self.manager.box.run(
            f"/opt/achat/bin/python - {shlex.join(words)}", text=_TALK
        ).stdout

    def chat(self, kind: str, place: str, secret: str = "") -> None:
        """See that a client is served there."""
        self.assertEqual(self.ask(kind, place, _CONVERSATION.format(secret)), _ANSWER)

    def warnings(self) -> list[str]:
        """The lines of the log above the level of information."""
        return re.findall(r"#(?:warn|error|critical)\] (.*)", self.manager.log())

    def test_as_shipped(self) -> None:
        """The units and the configuration, as they are, serve this machine."""
        self.chat("tcp", "127.0.0.1 8080")
        said = self.manager.type("/opt/achat/bin/achat admin stats")
        self.assertRegex(said, r"(?m)^accepted +1$")
        self.manager.type("test -e /var/lib/achat/mailbox.sqlite")
        self.assertEqual(self.warnings(), [])

    def test_other_options(self) -> None:
        """Options are put into the configuration."""
        options, *rest = steps("Other options")
        self.manager.follow(options)
        said = self.manager.type(rest[0].text)
        self.assertEqual(said.count(CONFIGURATION), 3)
        self.manager.follow(*rest[1:])
        answer = self.ask("tcp", "127.0.0.1 8080", f"alice\n{'x' * 5000}\n/quit\n")
        self.assertIn("! too-long 4096", answer)

    def test_other_machines(self) -> None:
        """The log says that a port is open to others, and that anybody may be anybody there."""
        self.tell("For other machines, or another port")
        self.chat("tcp", "127.0.0.1 8080")
        self.assertIn(", and anybody who reaches it can log in as anybody", self.warnings()[-1])

    def test_secrets_in_the_clear(self) -> None:
        """With secrets on such a port the log says loudly that they can be read on the way."""
        self.manager.follow(
            Step("echo secret | /opt/achat/bin/achat passwd /var/lib/achat/passwords alice"),
            Step("chown --reference=/var/lib/achat/. /var/lib/achat/passwords"),
            Step('auth = ["argon2:/var/lib/achat/passwords"]', path=CONFIGURATION),
        )
        self.tell("For other machines, or another port")
        self.chat("tcp", "127.0.0.1 8080", ":secret")
        self.assertIn(
            "0.0.0.0:8080 can be reached from other machines without TLS", self.warnings()[-1]
        )

    def test_tls(self) -> None:
        """The configuration for everybody: TLS, secrets, and figures, and no warning."""
        self.tell("With TLS")
        self.chat("tls", "127.0.0.1 8443", ":correct horse")
        self.assertEqual(self.ask("tls", "127.0.0.1 8443", "alice:wrong\n"), "! denied\n")
        self.chat("tcp", "127.0.0.1 8080", ":correct horse")
        self.assertIn("200 OK", self.ask("tcp", "127.0.0.1 9100", "GET /metrics HTTP/1.0\r\n\r\n"))
        self.assertEqual(self.warnings(), [])

    def test_no_network(self) -> None:
        """Without the drop-in that configuration does not start, and the log says what it lacks."""
        drop_in, *commands = steps("With TLS")
        text = re.sub(r"^(Private|Restrict).*\n", "", drop_in.text, flags=re.MULTILINE)
        with self.assertRaises(AssertionError):
            self.manager.follow(replace(drop_in, text=text), *commands)
        self.assertIn(
            "[Errno 97] Address family not supported by protocol; a service without a network",
            self.manager.log(),
        )

    def test_unix_socket(self) -> None:
        """A unix socket beside the port; again after it was not removed."""
        self.tell("With a unix socket")
        self.manager.type("systemctl restart achat.service")
        self.chat("unix", "/run/achat/socket")
        self.chat("tcp", "127.0.0.1 8080")

    def test_figures(self) -> None:
        """Figures on a port that systemd opens, as the service has no network."""
        self.tell("What an operator sees")
        text = self.ask("tcp", "127.0.0.1 9100", "GET /metrics HTTP/1.0\r\n\r\n")
        for figure in ("resident_memory_bytes", "start_time_seconds", "cpu_seconds_total"):
            self.assertIn(f"\nprocess_{figure} ", text)
        self.chat("tcp", "127.0.0.1 8080")
