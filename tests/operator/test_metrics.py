"""The metrics: their names, their values, and the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

import twisted
from achat_twisted import __version__
from achat_twisted.limits.admission import Admission
from achat_twisted.limits.limits import Limits
from achat_twisted.operator.metrics import Metrics, ProcessFigures, registry
from achat_twisted.reader.factory import ChatFactory
from achat_twisted.reader.terms import Terms
from achat_twisted.tools.meter import OUTCOMES, Meter
from achat_twisted.wire.tags import Opening
from tests.disk import Desk
from tests.house import House
from tests.scratch import TREE

ROOT = TREE

UNITS = ("_seconds", "_bytes", "_info", "_fds")
"""Ends of names; counters have C{_total} after them, and names with none of them are numbers."""

NUMBERS = re.compile(
    r"achat_(copies_\w+|(tagged_)?sessions|tags|connections|logins|mailbox_failing)"
)
"""The metrics that are a number of something, or a yes or no, and so have no unit."""


class Watched:
    """A house and its metrics."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.meter = Meter(house.clock.seconds)
        factory = ChatFactory(
            house.broker,
            house.clock,
            Terms(),
            Admission(house.clock, Limits()),
        )
        metrics = Metrics(house.broker, house.mailbox, factory, self.meter)
        self.registry: CollectorRegistry = registry(metrics)

    def families(self) -> list[Metric]:
        return list(parse(generate_latest(self.registry).decode()))

    def samples(self) -> dict[str, float]:
        """The value of each sample, by its name and the values of its labels."""
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in self.families()
            for sample in family.samples
        }


def _names(family: Metric) -> str:
    """A family's name, as it stands in the exposition."""
    return f"{family.name}_total" if family.type == "counter" else family.name


class MetricsTests(SynchronousTestCase):
    """L{Metrics}."""

    def setUp(self) -> None:
        self.watched = Watched(House(outbox_limit=1000))

    def assert_samples(self, expected: dict[str, float]) -> None:
        samples = self.watched.samples()
        self.assertEqual({name: samples[f"achat_{name}"] for name in expected}, expected)

    def test_formats(self) -> None:
        """Both formats that Prometheus asks for are right, and have the same metrics."""
        text = openmetrics.generate_latest(self.watched.registry).decode()
        new = {family.name: family.type for family in parse_openmetrics(text)}
        old = {family.name: family.type for family in self.watched.families()}
        new["achat_info"] = "gauge" if new.pop("achat") == "info" else ""
        self.assertEqual(new, old)

    def test_names(self) -> None:
        """Names have an owner and a unit; counters end as counters, others do not."""
        for family in self.watched.families():
            self.assertRegex(family.name, r"^(achat|process)(_[a-z]+)+$")
            self.assertTrue(
                family.name.endswith(UNITS) or NUMBERS.fullmatch(family.name), family.name
            )
            self.assertEqual(family.name.endswith("_total"), False, family.name)
            self.assertRegex(family.documentation, r"^[A-Z1].*\.$")
            for sample in family.samples:
                self.assertEqual(sample.name.endswith("_total"), family.type == "counter")

    def test_labels_are_there_from_the_start(self) -> None:
        """Each value that a label can have is there, with 0, before anything has happened."""
        self.assert_samples(
            {
                **{f"logins_total {outcome}": 0 for outcome in OUTCOMES},
                **{f"copies_refused_total {reason}": 0 for reason in ("full", "unknown")},
                **{f"sessions {feed}": 0 for feed in ("waiting", "behind", "live", "ended")},
            }
        )

    def test_version(self) -> None:
        """The versions of achat and Twisted are told."""
        (info,) = (family for family in self.watched.families() if family.name == "achat_info")
        self.assertEqual(
            info.samples[0].labels, {"version": __version__, "twisted": twisted.__version__}
        )

    def test_ledger(self) -> None:
        """The columns of the ledger are told, and balance."""
        house = self.watched.house
        alice = house.comes("alice")
        bob = house.comes("bob", blocked=True)
        for _ in range(12):
            alice.says("bob, alice, nobody: " + "x" * 100)
        house.turn()
        house.clock.advance(1)
        balance = house.broker.balance()
        self.assertGreater(min(balance.kept, balance.in_flight, balance.delivered), 0)
        self.assert_samples(
            {
                "copies_accepted_total": 36,
                "copies_inherited": 0,
                "copies_delivered_total": balance.delivered,
                "copies_kept": balance.kept,
                "copies_refused_total unknown": 12,
                "copies_refused_total full": 0,
                "copies_expired_total": 0,
                "copies_in_flight": balance.in_flight,
                "mailbox_bytes": house.mailbox.size(),
                "outbox_bytes": bob.session.outbox.size,
                "outbox_fullest_bytes": bob.session.outbox.size,
                "outbox_high_water_bytes": house.broker.pool.size,
                "unacknowledged_bytes": bob.session.writer.tail_size,
                "sessions live": 1,
                "sessions behind": 1,
            }
        )

    def test_tags(self) -> None:
        """Tags are counted, also those that are away; and what was sent and not got, with its age,
        is counted apart from what is queued.
        """
        house = self.watched.house
        alice = house.comes("alice")
        worker = house.comes("worker", opening=Opening("t"))
        house.comes("ci", opening=Opening("t", only_sends=True))
        house.comes("away", opening=Opening("t")).loses_connection()
        for number in (1, 2):
            alice.says(f"worker: {number}")
            house.turn()
            house.clock.pump([0.25] * 20)  # what was sent last is noted after a quarter of a second
        size = len("from alice: 1\n")
        self.assert_samples(
            {
                "tags": 3,
                "tagged_sessions": 2,
                "outbox_bytes": 0,
                "unacknowledged_bytes": 0,
                "unconfirmed_bytes": 2 * size,
                "unconfirmed_age_seconds": 9.75,
            }
        )
        worker.session.got("1")
        self.assert_samples({"unconfirmed_bytes": size, "unconfirmed_age_seconds": 4.75})
        worker.loses_connection()
        self.assert_samples({"unconfirmed_bytes": 0, "unconfirmed_age_seconds": 0, "tags": 3})

    def test_inherited_and_expired(self) -> None:
        """Inherited copies are a gauge; those too old at the start are not counted as expired."""
        house = self.watched.house
        house.mailbox.open()
        house.comes("bob").loses_connection()
        house.comes("alice").says("bob: hi")
        house.turn()
        house.clock.advance(40 * 86_400)
        self.assert_samples({"copies_kept": 0, "copies_expired_total": 1})
        again = Watched(House(house.mailbox, house.clock))
        house.comes("alice again").says("bob: hi")
        self.assertEqual(again.samples()["achat_copies_expired_total"], 0)
        third = Watched(House(house.mailbox, house.clock))
        self.assertEqual(third.samples()["achat_copies_inherited"], 1)

    def test_times(self) -> None:
        """The meter's times are told in buckets."""
        clock = self.watched.house.clock
        self.watched.meter.time_turn(clock.advance)(0.004)
        self.watched.meter.time_commit(clock.advance)(0.25)
        self.assert_samples(
            {
                "turn_seconds_bucket 0.0025": 0,
                "turn_seconds_bucket 0.005": 1,
                "turn_seconds_count": 1,
                "mailbox_commit_seconds_bucket 0.25": 1,
                "mailbox_commit_seconds_sum": 0.25,
            }
        )

    def test_no_names(self) -> None:
        """Nobody's name is in the metrics, whatever happens to its bearer."""
        house = self.watched.house
        alice = house.comes("confidential")
        house.comes("stuck", blocked=True)
        alice.says("stuck, stranger: hi")
        alice.loses_connection()
        house.turn()
        text = generate_latest(self.watched.registry)
        for name in (b"confidential", b"stuck", b"stranger"):
            self.assertNotIn(name, text)

    def test_mailbox_that_fails(self) -> None:
        """A mailbox in a file tells how much is in it, and whether it can be written."""
        clock = Clock()
        desk = Desk.of(self, clock)
        mailbox = desk.mailbox()
        self.watched = Watched(House(mailbox, clock))
        mailbox.enroll("bob")
        clock.advance(0)
        self.assert_samples({"mailbox_failing": 0, "mailbox_bytes": 0})
        desk.disk.full = True
        mailbox.keep("bob", b"from alice: hi\n")
        clock.advance(0)
        self.assert_samples({"mailbox_failing": 1, "mailbox_bytes": 15 + 64})


class ProcessTests(SynchronousTestCase):
    """L{ProcessFigures}."""

    def test_as_the_library_has_them(self) -> None:
        """Names, meanings and values are those of the library's own collector, but for one."""
        ours = {family.name: family for family in ProcessFigures().collect()}
        theirs = {family.name: family for family in ProcessCollector(registry=None).collect()}
        del theirs["process_open_fds"]
        self.assertEqual(set(ours), set(theirs))
        for name, family in ours.items():
            other = theirs[name]
            self.assertEqual((family.documentation, family.type), (other.documentation, other.type))
            (value,), (expected,) = family.samples, other.samples
            self.assertEqual(value.name, expected.name)
            # It is a moment later, and the kernel tells the time of its start in whole seconds.
            near = 2 if "seconds" in name else expected.value / 10
            self.assertLessEqual(abs(value.value - expected.value), near, name)

    def test_hidden(self) -> None:
        """In a sandbox where the machine is hidden, or all of it, there are fewer figures."""
        proc = Path(self.enterContext(TemporaryDirectory()))
        for hidden, names in (
            ("stat", {family.name for family in ProcessFigures().collect()}),
            ("self/stat", {"process_cpu_seconds", "process_max_fds"}),
        ):
            with self.subTest(hidden=hidden):
                if hidden == "stat":
                    (proc / "self").mkdir()
                    (proc / "self" / "stat").write_text(Path("/proc/self/stat").read_text())
                else:
                    (proc / "self" / "stat").unlink()
                found = {family.name for family in ProcessFigures(proc).collect()}
                self.assertEqual(found, names)


class DashboardTests(SynchronousTestCase):
    """C{deploy/grafana-dashboard.json}."""

    def setUp(self) -> None:
        self.dashboard = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
        families = Watched(House()).families()
        self.names = {_names(family) for family in families}
        self.samples = {sample.name for family in families for sample in family.samples}

    def _panels(self) -> list[dict[str, Any]]:
        return [panel for panel in self.dashboard["panels"] if panel["type"] != "row"]

    def _expressions(self) -> Iterator[str]:
        for panel in self._panels():
            for target in panel["targets"]:
                yield target["expr"]

    def test_shows_what_exists(self) -> None:
        """Each metric that a panel asks for exists."""
        for expression in self._expressions():
            asked = metrics_in(expression)
            self.assertTrue(asked, expression)
            self.assertLessEqual(asked, self.samples, expression)

    def test_shows_all(self) -> None:
        """Each metric of achat's is in some panel."""
        shown = set().union(*map(metrics_in, self._expressions()))
        shown |= {re.sub("_(bucket|sum|count)$", "", name) for name in shown}
        self.assertEqual({name for name in self.names if name.startswith("achat_")} - shown, set())

    def test_counters_are_rates(self) -> None:
        """A counter is shown by its growth, not by its sum."""
        for expression in self._expressions():
            for name in metrics_in(expression):
                if name.endswith(("_total", "_bucket", "_sum", "_count")):
                    self.assertRegex(expression, rf"(rate|increase)\({name}\b")

    def test_can_be_imported(self) -> None:
        """It names no data source and no server of somebody's, and its panels do not overlap."""
        variables = {variable["name"] for variable in self.dashboard["templating"]["list"]}
        self.assertEqual(variables, {"datasource", "instance"})
        self.assertIsNone(self.dashboard["id"])
        places: set[tuple[int, int]] = set()
        for panel in self._panels():
            self.assertEqual(panel["datasource"]["uid"], "${datasource}", panel["title"])
            for target in panel["targets"]:
                self.assertIn('instance=~"$instance"', target["expr"])
            grid = panel["gridPos"]
            for x in range(grid["x"], grid["x"] + grid["w"]):
                for y in range(grid["y"], grid["y"] + grid["h"]):
                    self.assertNotIn((x, y), places, panel["title"])
                    self.assertLess(x, 24)
                    places.add((x, y))
        ids = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))


class AlertTests(SynchronousTestCase):
    """C{deploy/prometheus-rules.yml}."""

    def setUp(self) -> None:
        text = (ROOT / "deploy" / "prometheus-rules.yml").read_text()
        self.rules = dict(re.findall(r"^      - alert: (\w+)\n        expr: (.+)$", text, re.M))
        self.assertEqual(len(self.rules), text.count("alert:"))

    def test_ask_for_what_exists(self) -> None:
        """Each metric that an alert asks for exists; a counter is asked for by its growth."""
        families = Watched(House()).families()
        samples = {sample.name for family in families for sample in family.samples}
        for alert, expression in self.rules.items():
            asked = metrics_in(expression)
            self.assertTrue(asked, alert)
            self.assertLessEqual(asked, samples, alert)
            for name in asked:
                if name.endswith("_total"):
                    self.assertRegex(expression, rf"rate\({name}\b")

    def test_documented(self) -> None:
        """An operator finds each alert in the table, with what to do, and no other."""
        text = (ROOT / "docs" / "operations.md").read_text()
        rows = re.findall(r"^\| `(Achat\w+)` \| .+ \| .+ \|$", text, re.M)
        self.assertEqual(rows, [*self.rules])


def metrics_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression names: words that are no function, label or number."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\bby \([^)]*\)', "", expression)
    return set(re.findall(r"\b[a-z_]\w*\b(?! *\()", bare))


class DocumentTests(SynchronousTestCase):
    """The table in C{docs/operations.md}."""

    def test_table(self) -> None:
        """It has each metric, with its type and labels, and no other."""
        text = (ROOT / "docs" / "operations.md").read_text()
        rows = re.findall(r"^\| `((?:achat|process)_\w+)(?:\{(\w+)\})?` \| (\w+) \|", text, re.M)
        documented = {name: (kind, label) for name, label, kind in rows}
        exposed = {
            _names(family): (
                family.type,
                "".join({label for s in family.samples for label in s.labels} - {"le"}),
            )
            for family in Watched(House()).families()
            if family.name != "achat_info"
        }
        self.assertEqual(documented, {**exposed, "achat_info": ("gauge", "")})
        self.assertEqual(len(documented), len(rows))
