"""The real C{achat bench}, with little load."""

from __future__ import annotations

import json
import os
import platform
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

from twisted.internet.threads import deferToThread

from achat_twisted.bench.interpreter import Interpreter
from achat_twisted.bench.workloads import WORKLOADS
from benchmarks.peers import asyncio_tuned, asyncio_tutorial
from tests.functional.certificates import write_certificate
from tests.functional.processes import SCRIPTS, TWISTD, FunctionalTestCase, Process

ACHAT = shlex.join([*TWISTD, "--port", "{port}"])

ROGUE = shlex.join([sys.executable, str(Path(__file__).with_name("rogue.py")), "{port}"])

DELIVERIES = {
    "pairs": 60,
    "mesh": 120,
    "fan": 100,
    "room": 100,
    "talk": 120,
    "paced": 60,
    "idle": 6,
    "logins": 6,
}
"""The deliveries that six clients make of twenty lines from each sender."""


class BenchTests(FunctionalTestCase):
    """A user who measures servers."""

    async def bench(self, *arguments: str, code: int = 0, lines: int = 20) -> Process:
        """Run the command to its end, with six clients, twenty lines and one round."""
        little = ("--peers", "6", "--lines", str(lines), "--rounds", "1")
        process = self.run_process(str(SCRIPTS / "achat"), "bench", *arguments, *little)
        self.assertEqual(await process.ended, code, process.output.text)
        return process

    async def rounds(self, *arguments: str, lines: int = 20) -> list[dict[str, Any]]:
        """The same, and the rounds in the JSON."""
        file = self.folder() / "results.json"
        await self.bench(*arguments, "--json", str(file), lines=lines)
        found: list[dict[str, Any]] = json.loads(file.read_text())["rounds"]
        return found

    async def figures(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """The same, and the figures of one server's rounds, by workload."""
        rounds = await self.rounds(*arguments)
        return {one["workload"]: one["figures"] for one in rounds}

    async def test_all_workloads(self) -> None:
        """Every workload runs against a server that is started for it: the table, and the JSON."""
        folder = self.folder()
        chart, file = folder / "chart.svg", folder / "results.json"
        process = await self.bench(
            "--command", f"this={ACHAT}", "--chart", str(chart), "--json", str(file)
        )
        blocks = re.findall(r"(?m)^(\w+): 6 connections.*\n.*\n  this +\S", process.output.text)
        self.assertEqual(blocks, list(WORKLOADS))
        self.assertIn("this", chart.read_text())
        found = json.loads(file.read_text())
        build = Interpreter(**found["pythons"]["this"])
        self.assertIn(f"  this         {build}\n", process.output.text)
        self.assertEqual(build.version, platform.python_version())
        self.assertEqual(found["pythons"]["achat bench"], found["pythons"]["this"])
        rounds = {one["workload"]: one["figures"] for one in found["rounds"]}
        counts = {name: one["count"] for name, one in rounds.items() if "count" in one}
        self.assertEqual(counts, DELIVERIES)
        self.assertGreater(rounds["idle"]["memory_each"], 0)
        for talk in rounds["talk"], rounds["paced"]:
            self.assertGreater(talk["cpu_each"], 0)
            self.assertTrue(0 < talk["p50"] <= talk["p99"] <= talk["max"] < 10, talk)
        stopped = rounds["stop"]
        self.assertEqual((stopped["taken"], stopped["received"], stopped["lost"]), (120, 120, 0))

    async def test_dialects(self) -> None:
        """achat without notices, and the peers that are written here, are understood as well."""
        commands = ["--command", f"plain={ACHAT} --plain"]
        for peer in asyncio_tutorial.__file__, asyncio_tuned.__file__:
            words = shlex.join([sys.executable, peer, "{port}"])
            commands += ["--command", f"{Path(peer).stem}={words}"]
        rounds = await self.rounds("pairs", "fan", "talk", "paced", *commands)
        counts = [one["figures"]["count"] for one in rounds]
        self.assertEqual(counts, [60] * 3 + [100] * 3 + [120] * 3 + [60] * 3)

    async def test_paced(self) -> None:
        """While a server does nothing lines are due all the same, and their waiting counts."""
        naps = f"naps={ROGUE} naps"
        rounds = await self.rounds("paced", "--command", naps, "--rate", "400", lines=100)
        (paced,) = (one["figures"] for one in rounds)
        self.assertEqual((rounds[0]["offered"], paced["count"]), (400, 300))
        # 200 of 270 lines are due in the nap: the later one is due, the less of it is left.
        self.assertTrue(0.1 < paced["p50"] < 0.4, paced)
        self.assertTrue(0.45 < paced["p99"] <= paced["max"], paced)
        self.assertGreater(paced["seconds"], 299 / 400)

    async def test_python_of_a_server(self) -> None:
        """It is told of a server that this command starts, and of no process of somebody else's."""
        shell = f"exec {ROGUE} closes"
        command = f"wrapped={shlex.join(['sh', '-c', shell])} {{port}}"
        process = await self.bench("mesh", "--command", command, code=1)
        self.assertRegex(process.output.text, r"(?m)^  wrapped +\w+ 3\.")
        server = await self.start()
        address = ("--server", f"127.0.0.1:{server.port()}", "--pid", str(server.transport.pid))
        process = await self.bench("pairs", *address)
        self.assertRegex(process.output.text, r"^Python:\n  achat bench  .*\n\npairs: ")

    async def test_tls(self) -> None:
        """A server that speaks TLS is measured over it."""
        pem = self.folder() / "server.pem"
        write_certificate(pem)
        listen = f"ssl:{{port}}:interface=127.0.0.1:privateKey={pem}"
        command = f"safe={shlex.join([*TWISTD, '--listen', listen])}"
        workloads = ("pairs", "mesh", "talk", "paced")
        rounds = await self.figures(*workloads, "--command", command, "--tls", "safe")
        self.assertEqual([one["count"] for one in rounds.values()], [60, 120, 120, 60])

    async def test_tags(self) -> None:
        """A server's clients may have tags, beside those of another one that have none."""
        servers = (*("--command", f"this={ACHAT}"), *("--command", f"tagged={ACHAT}"))
        workloads = ("pairs", "fan", "talk", "paced", "idle", "logins")
        rounds = await self.rounds(*workloads, *servers, "--tagged", "tagged", lines=250)
        counts = [one["figures"]["count"] for one in rounds if one["server"] == "tagged"]
        self.assertEqual(counts, [750, 1250, 1500, 750, 6, 6])

    async def test_server_without_tags(self) -> None:
        """A server that knows no tags is named, with the reason."""
        command = ("--command", f"plain={ACHAT} --plain", "--tagged", "plain")
        process = await self.bench("pairs", *command, code=1)
        self.assertEqual(
            process.output.text, "Error: plain: it speaks a-chat, which knows no tags\n"
        )

    async def test_server_that_runs(self) -> None:
        """A server that runs is measured with its CPU if its process is known, and goes on."""
        server = await self.start()
        address = f"localhost:{server.port()}"
        rounds = await self.figures("talk", "--server", address)
        self.assertIsNone(rounds["talk"]["cpu_each"])
        pid = str(server.transport.pid)
        rounds = await self.figures("talk", "--server", address, "--pid", pid)
        self.assertGreater(rounds["talk"]["cpu_each"], 0)
        await self.call(server, "ann")

    async def test_command_that_ends(self) -> None:
        """A command that does not listen is reported with its exit status and its output."""
        command = shlex.join([sys.executable, "-c", "raise SystemExit('no {port}')"])
        process = await self.bench("--command", f"bad={command}", code=1)
        self.assertRegex(
            process.output.text,
            r"^Error: bad: it does not listen on port (\d+); it has ended with exit code 1, and has"
            r" printed no \1$",
        )

    async def test_command_that_is_none(self) -> None:
        """A program that does not exist is named."""
        process = await self.bench("--command", "/no/such/program {port}", code=1)
        self.assertEqual(
            process.output.text,
            "Error: program: it cannot be started: /no/such/program: No such file or directory\n",
        )

    async def test_process_that_is_none(self) -> None:
        """A process that does not exist is named."""
        server = await self.start()
        address = f"127.0.0.1:{server.port()}"
        process = await self.bench("--server", address, "--pid", "4194305", code=1)
        self.assertEqual(process.output.text, f"Error: {address}: there is no process 4194305\n")

    async def test_nobody_there(self) -> None:
        """An address without a server is reported."""
        process = await self.bench("pairs", "--server", "127.0.0.1:1", code=1)
        self.assertEqual(
            process.output.text, "Error: 127.0.0.1:1: cannot log in: Connection refused\n"
        )

    async def test_server_that_closes(self) -> None:
        """A server that closes connections has a row without figures, with the reason."""
        process = await self.bench("mesh", "--command", f"rogue={ROGUE} closes", code=1)
        self.assertRegex(process.output.text, r"(?m)^  rogue +-  ")
        self.assertRegex(
            process.output.text,
            r"(?m)^  rogue: round 1: (the server has closed a connection|a connection broke: .*)$",
        )

    async def test_server_that_says_something_else(self) -> None:
        """A server that says something wrong has its words repeated."""
        process = await self.bench("mesh", "--command", f"rogue={ROGUE} chats", code=1)
        self.assertIn(
            "  rogue: round 1: the server has said '! kept bob 1', which was not due\n",
            process.output.text,
        )

    async def test_server_that_dies(self) -> None:
        """A server that ends has its last words repeated."""
        process = await self.bench("pairs", "--command", f"rogue={ROGUE} dies", code=1)
        self.assertIn(
            "; it has ended with exit code 3, and has printed no more", process.output.text
        )

    async def test_leaves_nobody_behind(self) -> None:
        """Ending the measurement in the middle ends the server that it has started."""
        told = self.folder() / "pid"
        os.mkfifo(told)
        wrapper = "import os, sys; print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True);"
        wrapper += "os.execv(sys.argv[2], sys.argv[2:])"
        command = shlex.join([sys.executable, "-c", wrapper, str(told)])
        arguments = ["bench", "idle", "--peers", "2", "--command", f"{command} {ACHAT}"]
        process = self.run_process(str(SCRIPTS / "achat"), *arguments)
        pid = int(await deferToThread(told.read_text))
        process.send(signal.SIGTERM)
        self.assertEqual(await process.ended, 1)
        self.assertRaises(ProcessLookupError, os.kill, pid, 0)
