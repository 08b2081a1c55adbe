"""The systemd units have all the settings they must, and systemd finds no fault with them."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import SkipTest

from twisted.trial.unittest import TestCase

from achat_twisted.server.service import GRACE
from achat_twisted.tap import Options
from tests.scratch import TREE

DEPLOY = TREE / "deploy"

PROGRAM = "/opt/achat/bin/twistd"

HIGHEST_EXPOSURE = 1.5
"""On systemd's scale from 0 to 10."""


def read(name: str) -> RawConfigParser:
    """A unit file; where a setting is given twice, the last one counts."""
    unit = RawConfigParser(delimiters=("=",), comment_prefixes=("#", ";"), strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    with (DEPLOY / name).open() as file:
        unit.read_file(file)
    return unit


def command() -> list[str]:
    """The service's command, split into words."""
    return shlex.split(read("achat.service")["Service"]["ExecStart"])


def options(name: str = "achat.toml") -> Options:
    """The options of a configuration, parsed by achat."""
    parsed = Options({})
    parsed.parseOptions(["--config", str(DEPLOY / name)])
    return parsed


def address() -> IPv4Address | IPv6Address:
    """The address at which the socket listens."""
    host, _, _ = read("achat.socket")["Socket"]["ListenStream"].rpartition(":")
    return ip_address(host.strip("[]"))


class ServiceTests(TestCase):
    """C{achat.service}."""

    def test_runs_in_foreground(self) -> None:
        """The service runs twistd where systemd sees it, and without a pidfile."""
        words = command()
        twistd = words[: words.index("achat")]
        self.assertEqual(twistd, [PROGRAM, "--nodaemon", "--pidfile="])

    def test_options_are_in_one_place(self) -> None:
        """The unit has no option of its own: where to listen, too, is in the configuration."""
        words = command()
        self.assertEqual(words[words.index("achat") :], ["achat", "--config", "/etc/achat.toml"])

    def test_restarts_by_hand_are_no_failures(self) -> None:
        """There is room for ten restarts in a minute, of the socket as well; but not for ever."""
        for name in ("achat.service", "achat.socket"):
            unit = read(name)["Unit"]
            interval, burst = (int(unit[f"StartLimit{key}"]) for key in ("IntervalSec", "Burst"))
            self.assertGreaterEqual(burst * 60 / interval, 10, name)
            self.assertLess(burst * 2, interval, "one that fails at each start is never given up")

    def test_stop_is_waited_for(self) -> None:
        """systemd gives a stop more time than the server takes, also by default."""
        patience = float(read("achat.service")["Service"]["TimeoutStopSec"])
        self.assertGreater(patience, GRACE)
        self.assertGreater(patience, options()["grace"])

    def test_says_how_it_is(self) -> None:
        """systemd hears from the server itself when it is ready, how it is, and that it lives."""
        service = read("achat.service")["Service"]
        self.assertEqual((service["Type"], service["NotifyAccess"]), ("notify", "main"))
        self.assertGreaterEqual(float(service["WatchdogSec"]), 30)

    def test_reload(self) -> None:
        """A reload is a signal to the server itself, which works with any systemd."""
        self.assertEqual(read("achat.service")["Service"]["ExecReload"], "/bin/kill -HUP $MAINPID")

    def test_operator(self) -> None:
        """The operator's socket can be made, where the command looks for it."""
        service = read("achat.service")["Service"]
        self.assertEqual(service["RuntimeDirectory"], "achat")
        self.assertIn("AF_UNIX", service["RestrictAddressFamilies"].split())

    def test_comes_back(self) -> None:
        """A server that fails is started again, and one that was stopped is not."""
        self.assertEqual(read("achat.service")["Service"]["Restart"], "on-failure")

    def test_has_a_user_and_a_place_of_its_own(self) -> None:
        """The service runs as a user that exists only as long as it runs, in its own directory."""
        service = read("achat.service")["Service"]
        self.assertEqual(service["DynamicUser"], "yes")
        self.assertEqual(service["StateDirectory"], "achat")

    def test_leaves_tls_its_callbacks(self) -> None:
        """Writable and executable memory stays allowed, as TLS does not work without it."""
        self.assertNotIn("MemoryDenyWriteExecute", read("achat.service")["Service"])

    def test_has_descriptors_for_many_clients(self) -> None:
        """The service may have far more connections than a soft limit of 1024 allows."""
        self.assertGreaterEqual(int(read("achat.service")["Service"]["LimitNOFILE"]), 65536)


class ConfigurationTests(TestCase):
    """C{achat.toml} and C{public.toml}; what these say of a reload is tested with a real server."""

    def test_public(self) -> None:
        """A server that everybody can reach has TLS, secrets, and a mailbox that outlives it."""
        parsed = options("public.toml")
        self.assertTrue(parsed["durable"])
        self.assertTrue(parsed["auth"])
        for endpoint in parsed["listen"]:
            self.assertRegex(endpoint, "^(tls|systemd):")


class SocketTests(TestCase):
    """C{achat.socket}, and that the service fits it."""

    def test_this_machine_only(self) -> None:
        """As shipped, the server cannot be reached from other machines."""
        self.assertTrue(address().is_loopback)

    def test_one_server_for_all_clients(self) -> None:
        """systemd hands over the port itself, and does not start a server for each client."""
        self.assertEqual(read("achat.socket")["Socket"].get("Accept", "no"), "no")

    def test_clients_can_wait(self) -> None:
        """The port has a queue for clients that come while no server runs."""
        self.assertGreaterEqual(int(read("achat.socket")["Socket"]["Backlog"]), 4096)

    def test_server_listens_on_the_socket(self) -> None:
        """The server takes the port from systemd, as one of the right address family."""
        domain = {4: "INET", 6: "INET6"}[address().version]
        self.assertEqual(options()["listen"], [f"systemd:domain={domain}:index=0"])

    def test_go_together(self) -> None:
        """A service that is started or enabled brings its socket with it."""
        service = read("achat.service")
        self.assertEqual(service["Unit"]["Requires"], "achat.socket")
        self.assertEqual(service["Unit"]["After"], "achat.socket")
        self.assertEqual(service["Install"]["Also"], "achat.socket")


class SystemdTests(TestCase):
    """Systemd's own verdict on the units."""

    def setUp(self) -> None:
        if shutil.which("systemd-analyze") is None:
            raise SkipTest("there is no systemd-analyze here")
        # Not mktemp(), which under pytest leaves its directory in the checkout.
        self.directory = Path(self.enterContext(TemporaryDirectory()))
        for unit in DEPLOY.glob("achat.*"):
            # systemd minds a program that does not exist, and here it need not be installed.
            text = unit.read_text().replace(PROGRAM, sys.executable)
            (self.directory / unit.name).write_text(text)

    def analyze(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", *arguments],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def test_verify_is_silent(self) -> None:
        """systemd knows every setting and finds every unit; it would only print, not fail."""
        done = self.analyze("verify", "./achat.service", "./achat.socket")
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_exposure(self) -> None:
        """systemd rates what the service could do to the machine as low."""
        threshold = f"--threshold={HIGHEST_EXPOSURE * 10:.0f}"  # which is in tenths
        done = self.analyze(
            "security", "--offline=true", threshold, "--no-pager", "./achat.service"
        )
        self.assertEqual(done.returncode, 0, done.stdout)
