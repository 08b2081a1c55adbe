"""A model whose rules are broken, one at a time; the real server must be seen to differ from it.

So a server that breaks such a rule would be seen as well. The catalogue of mutations has one.
"""

from __future__ import annotations

from dataclasses import fields, replace

from twisted.trial.unittest import SynchronousTestCase

from tests.mutations.catalogue import MUTATIONS
from tests.resuming.model import RULES, Mode
from tests.resuming.world import World

SCHEDULES = 400
"""The most that are tried for one rule; most need a few, and one a hundred."""

BROKEN = {
    "commands_count": (Mode.MEMORY, "count commands among a tag's lines"),
    "told_again": (Mode.MEMORY, "tell refusals once"),
    "forgotten_when_got": (Mode.SQLITE, "tell refusals again for ever"),
    "got_is_cumulative": (Mode.MEMORY, "confirm one message with each /got"),
    "new_era": (Mode.MEMORY, "begin no new era with a new record"),
    "crash_forgets": (
        Mode.SQLITE,
        "vouch for a file after a crash, though no commit was waited for",
    ),
    "stop_vouches": (Mode.SQLITE, "vouch for no file after a stop"),
    "n_with_copies": (
        Mode.DURABLE,
        "save the number of a tag's lines later than their copies",
    ),
    "first_with_rows": (Mode.DURABLE, "forget where an empty row begins"),
    "refusals_saved": (Mode.DURABLE, "save no refusals"),
    "senders_forgotten": (Mode.MEMORY, "remember a tag that only sends"),
    "unconfirmed_stay": (Mode.SQLITE, "forget what a sender has not confirmed"),
    "refused_to_its_tag": (Mode.MEMORY, "tell a name's tags of each other's refusals"),
}
"""By rule: where it shows, and the mutation that breaks it."""


class ModelTests(SynchronousTestCase):
    """L{Rules}."""

    def test_each_rule_matters(self) -> None:
        """A schedule shows that the server does not follow a rule that is broken."""
        for rule, (mode, _) in BROKEN.items():
            rules = replace(RULES, **{rule: not getattr(RULES, rule)})
            found = any(World(seed, mode, rules=rules).run() for seed in range(SCHEDULES))
            self.assertTrue(found, rule)

    def test_each_rule_has_a_mutation(self) -> None:
        """For each rule there is a mutation of the server, which its tests must notice."""
        self.assertEqual([field.name for field in fields(RULES)], [*BROKEN])
        names = {mutation.name for mutation in MUTATIONS}
        self.assertLessEqual({name for _, name in BROKEN.values()}, names)
