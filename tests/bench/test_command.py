"""C{achat bench}: its command line, up to where a server would be started."""

from __future__ import annotations

import subprocess
import sys

from click import BadParameter
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.command import parse_command, parse_server
from achat_twisted.bench.rounds import plan
from achat_twisted.bench.servers import Command
from achat_twisted.bench.workload import Load
from achat_twisted.bench.workloads import WORKLOADS
from achat_twisted.cli import main

COMMANDS = [
    ("nats-server -p {port}", "nats-server", "nats-server -p {port}"),
    ("/opt/my chat {port}", "my", "/opt/my chat {port}"),
    ("new=/opt/achat --port={port}", "new", "/opt/achat --port={port}"),
    ("/opt/a=b/achat {port}", "achat", "/opt/a=b/achat {port}"),
]

NO_COMMANDS = [
    ("", "must have {port}"),
    ("nats-server", "must have {port}"),
    ("name=", "must have {port}"),
    ("chat '{port}", "cannot be split into words: No closing quotation"),
]

SERVERS = [
    ("localhost:8080", ("localhost", 8080)),
    ("[::1]:1", ("::1", 1)),
]

NO_SERVERS = ["localhost", "localhost:", ":8080", "::1:8080", "localhost:0", "localhost:65536"]

OURS = ["--command", "a=a {port}"]

WRONG = [
    (["dance"], "'dance' is not one of"),
    (["--rounds", "0"], "0 is not in the range"),
    (["--peers", "1"], "1 is not in the range"),
    (["pairs", "--peers", "7"], "pairs needs an even number of --peers, not 7"),
    (["idle", "--peers", "10000000"], "10000000 connections need 10000100 open files"),
    (["--pid", "1"], "--pid is the process of --server, which is missing"),
    ([*OURS, *OURS], "two servers are called a; say --command NAME=COMMAND"),
    ([*OURS, "--tls", "b"], "--tls b is none of the servers: a"),
    ([*OURS, "--tagged", "b"], "--tagged b is none of the servers: a"),
    (["mesh", *OURS, "--tagged", "a"], "mesh has no clients that confirm, so it is not for --tag"),
    (["stop", *OURS, "--tagged", "a"], "stop has no clients that confirm, so it is not for --tag"),
    (["stop", "--server", "localhost:1"], "stop ends its servers, so it is not for --server"),
    (["paced", "--rate", "0"], "0 is not in the range"),
    (["pairs", "--rate", "100"], "--rate is for paced, which is not measured"),
    (["paced", "--peers", "7"], "paced needs an even number of --peers, not 7"),
    (["--json", "/nowhere/file"], "No such file or directory"),
    (["--chart", "/nowhere/file"], "No such file or directory"),
]


class ParseTests(SynchronousTestCase):
    """The servers that can be named."""

    def test_commands(self) -> None:
        """A command may have a name; if it has none, it is called as its program is."""
        for text, name, words in COMMANDS:
            self.assertEqual(parse_command(text), Command(name, words), text)

    def test_no_commands(self) -> None:
        """Anything that is no command gets a sentence that says why."""
        for text, why in NO_COMMANDS:
            self.assertIn(why, str(self.assertRaises(BadParameter, parse_command, text)))

    def test_servers(self) -> None:
        """A server that runs is called by its address."""
        for text, address in SERVERS:
            server = parse_server(text)
            self.assertEqual((server.name, server.address, server.pid), (text, address, None))

    def test_no_servers(self) -> None:
        """Anything that is no address gets a sentence that says so."""
        for text in NO_SERVERS:
            error = self.assertRaises(BadParameter, parse_server, text)
            self.assertEqual(str(error), f"{text!r} is not HOST:PORT")


class CommandTests(SynchronousTestCase):
    """The command line."""

    def test_wrong(self) -> None:
        """A command line that means nothing ends with a sentence on standard error, and with 2."""
        for arguments, why in WRONG:
            result = CliRunner().invoke(main, ["bench", *arguments])
            self.assertEqual(result.exit_code, 2, (arguments, result.output))
            self.assertIn(why, result.output.replace("\n", " "))

    def test_help(self) -> None:
        """The help knows all workloads."""
        help_text = CliRunner().invoke(main, ["bench", "--help"]).output
        for name in WORKLOADS:
            self.assertRegex(help_text, rf"(?m)^  +{name} +[A-Z]")

    def test_others_do_without(self) -> None:
        """Somebody who only chats does not wait for the load tool to be imported."""
        code = "import sys, achat_twisted.cli; sys.exit('achat_twisted.bench' in sys.modules)"
        self.assertEqual(subprocess.run([sys.executable, "-c", code], check=False).returncode, 0)


class PlanTests(SynchronousTestCase):
    """L{plan}."""

    def test_takes_turns(self) -> None:
        """In each round all servers have their turn, and each time another one is the first."""
        commands = [Command(name, "") for name in "abc"]
        steps = plan(WORKLOADS["pairs"], Load(2, 1, "x"), commands, 4)
        order = [f"{step.contestant.name}{step.number}" for step in steps]
        self.assertEqual(" ".join(order), "a1 b1 c1 b2 c2 a2 c3 a3 b3 a4 b4 c4")


class WorkloadTests(SynchronousTestCase):
    """The table of workloads."""

    def test_lines(self) -> None:
        """However many peers there are, a flood is about as much in all."""
        lines = {name: one.lines(one.peers) for name, one in WORKLOADS.items()}
        self.assertEqual(
            lines,
            {
                "pairs": 20_000,
                "mesh": 20_000,
                "fan": 20_000,
                "room": 2_000,
                "talk": 2_000,
                "paced": 2_000,
                "idle": 0,
                "logins": 0,
                "stop": 1_000,
            },
        )
        for name in ("pairs", "mesh", "talk", "paced", "stop"):
            self.assertGreater(WORKLOADS[name].lines(10_000), 0)
