"""C{achat bench}: what is made of the figures."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.bench.chart import chart
from achat_twisted.bench.interpreter import Interpreter
from achat_twisted.bench.report import builds, document, table
from achat_twisted.bench.rounds import Result, Step
from achat_twisted.bench.servers import Command
from achat_twisted.bench.summary import summarize
from achat_twisted.bench.talk import latencies
from achat_twisted.bench.workload import Figures, Load
from achat_twisted.bench.workloads import WORKLOADS

OURS, THEIRS = Command("ours", "ours {port}"), Command("theirs", "theirs {port}")

PYTHON = Interpreter("CPython", "3.99.1", "GCC 99", pgo=True, lto=None, debug=False)

LOAD = Load(200, 1000, "x" * 40)

SVG = "{http://www.w3.org/2000/svg}"


def result(
    command: Command, number: int, figures: Figures, workload: str = "pairs", failure: str = ""
) -> Result:
    return Result(Step(WORKLOADS[workload], LOAD, command, number), figures, failure)


def flood(rate: float, *, server: float | None = 0.5, generator: float = 0.25) -> Figures:
    """The figures that a round of a flood may have had."""
    return {
        "rate": rate,
        "cpu_each": None if server is None else server / rate,
        "server": server,
        "generator": generator,
    }


def rounds(*figures: Figures, command: Command = OURS) -> list[Result]:
    return [result(command, number, one) for number, one in enumerate(figures, 1)]


def cells(line: str) -> str:
    """A line of a table, however wide it is."""
    return " ".join(line.split())


class SummaryTests(SynchronousTestCase):
    """L{summarize}."""

    def test_medians(self) -> None:
        """The median of each figure counts, and half the way between the extremes is told."""
        (summary,) = summarize(rounds(flood(100), flood(500), flood(120)))
        self.assertEqual(summary.figures["rate"], 120)
        self.assertAlmostEqual(summary.figures["cpu_each"] or 0, 0.5 / 120)
        self.assertAlmostEqual(summary.spread or 0, 200 / 120)

    def test_one_round_has_no_spread(self) -> None:
        """A single round has nothing to be compared with."""
        (summary,) = summarize(rounds(flood(100)))
        self.assertIsNone(summary.spread)

    def test_unknown(self) -> None:
        """A figure that nobody knows stays unknown."""
        (summary,) = summarize(rounds(flood(100, server=None), flood(200, server=None)))
        self.assertIsNone(summary.figures["cpu_each"])

    def test_latencies(self) -> None:
        """The median, the 99th percentile, and the worst, in any order, but for the start."""
        start = [60.0] * 111
        figures = latencies([*start, *(number / 1000 for number in range(1000, 0, -1))])
        self.assertEqual(figures, {"p50": 0.501, "p99": 0.991, "max": 1.0})


class RemarkTests(SynchronousTestCase):
    """The remarks that one must know to read the figures."""

    def remarks(self, figures: Figures, cores: int) -> str:
        (summary,) = summarize(rounds(figures))
        return "\n".join(summary.remarks(cores))

    def test_generator_is_the_limit(self) -> None:
        """A load generator that is never idle, while the server is, is told to be the limit."""
        for server in (0.3, None):
            remarks = self.remarks(flood(100, server=server, generator=0.97), 8)
            self.assertIn("the load generator was never idle", remarks)

    def test_machine_is_the_limit(self) -> None:
        """A machine that both of them use up is remarked on, too."""
        self.assertIn("the machine's 2 cores", self.remarks(flood(1, server=1.4, generator=0.5), 2))
        self.assertEqual(self.remarks(flood(1, server=1.4, generator=0.5), 4), "")

    def test_server_is_the_limit(self) -> None:
        """If the server is the limit, nothing need be said."""
        self.assertEqual(self.remarks(flood(1, server=1.0, generator=0.4), 2), "")


class TableTests(SynchronousTestCase):
    """L{table}."""

    def test_rows(self) -> None:
        """Each server has a row, with its figures and how many times the first one's they are."""
        results = rounds(flood(1000), flood(3000), flood(2000))
        results += rounds(flood(6000), flood(6000), flood(6600), command=THEIRS)
        lines = table(summarize(results)).splitlines()
        self.assertEqual(
            lines[0], "pairs: 200 connections, 1,000 lines of 40 bytes from each sender; 3 rounds"
        )
        self.assertEqual(cells(lines[1]), "deliveries/s ± CPU µs each load %")
        self.assertEqual(cells(lines[2]), "ours 2,000 1.00x 50% 250.00 1.00x 25")
        self.assertEqual(cells(lines[3]), "theirs 6,000 3.00x 5% 83.33 0.33x 25")
        self.assertEqual(len(lines), 4)

    def test_rate(self) -> None:
        """A load that has a rate says so."""
        self.assertEqual(
            str(Load(100, 5, "x", 20_000)),
            "100 connections, 5 lines of 1 bytes from each sender, 20,000 a second in all",
        )

    def test_builds(self) -> None:
        """The Pythons that are known have a row each, above the tables."""
        self.assertEqual(
            builds({"achat bench": PYTHON, "nats": None, "a": PYTHON}),
            "Python:\n"
            "  achat bench  CPython 3.99.1, GCC 99, PGO, LTO not recorded\n"
            "  a            CPython 3.99.1, GCC 99, PGO, LTO not recorded",
        )

    def test_unknown(self) -> None:
        """An unknown figure is shown as such."""
        lines = table(summarize(rounds(flood(1000, server=None)))).splitlines()
        self.assertEqual(cells(lines[2]), "ours 1,000 - 25")

    def test_failures(self) -> None:
        """A round that has failed is told below the table, and the others count."""
        results = [result(OURS, 1, {}, failure="round 1: gone"), *rounds(flood(1000))]
        lines = table(summarize(results)).splitlines()
        self.assertEqual(cells(lines[2]), "ours 1,000 500.00 25")
        self.assertEqual(lines[3], "  ours: round 1: gone")

    def test_remarks_are_made_once(self) -> None:
        """A remark on several servers is made once."""
        results = rounds(flood(1000, generator=0.99))
        results += rounds(flood(6000, generator=0.99), command=THEIRS)
        lines = table(summarize(results)).splitlines()
        self.assertRegex(lines[4], r"^  ours, theirs: the load generator was never idle")
        self.assertEqual(len(lines), 5)

    def test_all_failed(self) -> None:
        """A server that has always failed has a row all the same."""
        results = [*rounds(flood(1000)), result(THEIRS, 1, {}, failure="round 1: gone")]
        self.assertEqual(cells(table(summarize(results)).splitlines()[3]), "theirs - - - - -")


class DocumentTests(SynchronousTestCase):
    """L{document}."""

    def test_everything_is_there(self) -> None:
        """The machine, the command lines, and each round's figures or why there are none."""
        results = [result(OURS, 1, flood(1000)), result(THEIRS, 1, {}, failure="gone")]
        pythons = {"ours": PYTHON, "theirs": None}
        found = json.loads(json.dumps(document([OURS, THEIRS], results, pythons)))
        self.assertEqual(found["servers"], {"ours": "ours {port}", "theirs": "theirs {port}"})
        self.assertEqual(set(found["machine"]), {"cpu", "cores", "kernel", "python", "achat"})
        self.assertEqual(Interpreter(**found["pythons"]["ours"]), PYTHON)
        self.assertIsNone(found["pythons"]["theirs"])
        first, second = found["rounds"]
        self.assertEqual(first["figures"], flood(1000))
        self.assertEqual(
            [first[key] for key in ("workload", "peers", "lines", "size", "round", "server")],
            ["pairs", 200, 1000, 40, 1, "ours"],
        )
        self.assertEqual((first["failure"], second["failure"]), (None, "gone"))


class ChartTests(SynchronousTestCase):
    """L{chart}."""

    def test_bars(self) -> None:
        """There is a bar for each server and measure, as long as its figure is large."""
        results = rounds(flood(1000)) + rounds(flood(4000), command=THEIRS)
        results.append(result(OURS, 1, {"memory_each": 2000.0, "server": 0.0}, "idle"))
        svg = ElementTree.fromstring(chart(summarize(results)))
        widths = [float(rect.attrib["width"]) for rect in svg.iter(f"{SVG}rect")]
        self.assertEqual(widths, [50, 200, 200, 50, 200, 0])
        texts = [text.text for text in svg.iter(f"{SVG}text")]
        self.assertIn("deliveries/s (more is better)", texts)
        self.assertIn("4,000", texts)

    def test_names_are_text(self) -> None:
        """The chart is well formed whatever a server is called; an unknown figure has no bar."""
        odd = Command("<&>", "odd {port}")
        svg = ElementTree.fromstring(chart(summarize([result(odd, 1, {}, failure="gone")])))
        self.assertIn("<&>", [text.text for text in svg.iter(f"{SVG}text")])
        self.assertEqual([rect.attrib["width"] for rect in svg.iter(f"{SVG}rect")], ["0.0", "0.0"])

    def test_stands_alone(self) -> None:
        """Nothing in it is loaded from elsewhere."""
        svg = chart(summarize(rounds(flood(1000))))
        self.assertEqual(svg.count("http"), 1)  # the name of SVG itself
        self.assertNotIn("<script", svg)
