"""Every unit, sample and drop-in that is shipped or told of, started with all that it forbids.

In a box that the kernel makes up; that takes root.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.units import cases, stand_in
from tests.units.documents import drop_ins, steps
from tests.units.managers import Manager, Systemd

_CALLERS = """\
import os, socket, sys, time
print(os.getpid(), file=open("/run/callers.pid", "w"), flush=True)
count = 0
until = open("/run/callers", "w")
while True:
    end = socket.create_connection(("127.0.0.1", 8080), 10)
    end.sendall(f"client{count}\\n/quit\\n".encode())
    text = end.makefile().read()
    end.close()
    if text != f"! welcome client{count}\\n! bye 1\\n":
        sys.exit(f"client {count} was told {text!r}")
    count += 1
    print(count, file=until, flush=True)
    time.sleep(0.01)
"""


class SystemdTests(cases.Cases):
    """systemd itself, where it can run."""

    def make(self, place: Path) -> Manager:
        return Systemd(place)

    def test_ten_restarts(self) -> None:
        """Ten restarts by hand in a row refuse nobody who connects meanwhile, of either unit."""
        box = self.manager.box
        box.write("/run/callers.py", _CALLERS)
        self.manager.type("(/opt/achat/bin/python /run/callers.py > /run/said 2>&1 &)")
        for _ in range(10):
            self.manager.type("systemctl restart achat.service")
        said = self.manager.type("cat /run/said; kill $(cat /run/callers.pid)")
        self.assertEqual(said, "")
        self.assertGreater(len(self.manager.type("cat /run/callers").split()), 5)
        for _ in range(10):
            self.manager.type("systemctl restart achat.socket")
        self.chat("tcp", "127.0.0.1 8080")

    def test_fails_again_and_again(self) -> None:
        """A server that cannot start is given up in the end, and its port; and can come back."""
        # A tenth of the time between two starts, as the number of starts is what counts.
        self.manager.box.write(
            "/etc/systemd/system/achat.service.d/fails.conf",
            "[Service]\nExecStart=\nExecStart=/bin/false\nRestartSec=10ms\n",
        )
        self.manager.type("systemctl daemon-reload")
        self.manager.box.run("systemctl restart achat.service")
        self.manager.box.wait_for("systemctl is-failed achat.socket")
        said = self.ask("tcp", "127.0.0.1 8080", "alice\n")
        self.assertIn("ConnectionRefusedError", said)
        self.manager.type("rm /etc/systemd/system/achat.service.d/fails.conf")
        self.manager.type("systemctl daemon-reload")
        self.manager.follow(*steps("Under systemd")[5:])
        self.chat("tcp", "127.0.0.1 8080")

    def test_journal(self) -> None:
        """The log is in the journal, as the document shows it; a reload is taken."""
        step = steps("Under systemd")[4]
        said = self.manager.type(f"journalctl --sync; {step.text}")
        self.assertEqual(said.split(" ", 1)[1], step.output.split(" ", 1)[1])
        self.manager.type("systemctl reload achat.service")
        self.manager.box.wait_for("journalctl -u achat -o cat | grep -q reloaded:")


class StandInTests(cases.Cases):
    """The stand-in, which needs only namespaces."""

    def make(self, place: Path) -> Manager:
        return stand_in.StandIn(place)


class CompletenessTests(SynchronousTestCase):
    """The extent of these tests."""

    def test_settings(self) -> None:
        """Of each setting it is known whether the stand-in has it in force."""
        self.assertEqual(stand_in.unknown(), set())

    def test_drop_ins(self) -> None:
        """Each drop-in of the document is in a section that is followed above."""
        followed = {
            step.path
            for heading in (
                "For other machines, or another port",
                "With TLS",
                "What an operator sees",
            )
            for step in steps(heading)
        }
        self.assertLessEqual({path for path, _ in drop_ins()}, followed)
