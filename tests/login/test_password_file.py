"""A password file's text."""

from __future__ import annotations

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from twisted.trial.unittest import SynchronousTestCase

from achat_twisted.login import password_file as entries
from tests.passwords import HASHER, password_file

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g"

MALFORMED = [
    ("alice", "line 1 is not NAME:$argon2id$v=19$m=…,t=…,p=…$SALT$HASH"),
    ("alice:secret", "line 1 is not NAME:$argon2id$"),
    (f"alice:{HASH}\n\nbob:x", "line 3 is not NAME:$argon2id$"),
    (f"alice:{HASH.replace('id', 'i')}", "line 1 is not NAME:$argon2id$"),
    (f"alice:{HASH[:-5]}", "line 1 is not NAME:$argon2id$"),
    (f":{HASH}", "line 1 has no good name: it is empty"),
    (f"a,b:{HASH}", "line 1 has no good name: it contains , or #"),
    (f"alice:{HASH}\nalice :{HASH}", "line 2 is a second one for alice"),
]


class EntriesTests(SynchronousTestCase):
    """The meaning of lines, and changes to them."""

    def test_parse(self) -> None:
        """Each line is a name and its hash; empty ones and comments count for nothing."""
        found = entries.parse(f"# people\n\nalice:{HASH}\r\n Zoë von 東京 :{HASH}\n")
        self.assertEqual(found.hashes, {"alice": HASH, "Zoë von 東京": HASH})

    def test_malformed(self) -> None:
        """A line that is not an entry is refused, with its number; the hash is not told."""
        for text, why in MALFORMED:
            error = self.assertRaises(entries.Malformed, entries.parse, text)
            self.assertIn(why, str(error))
            self.assertNotIn("c29t", str(error))

    def test_dummy(self) -> None:
        """The dummy has the parameters that most entries have, and nobody's secret."""
        dear = HASH.replace("t=1", "t=2")
        text = f"a:{HASH}\nb:{dear}\nc:{dear}\n"
        dummies = {entries.parse(text).dummy for _ in range(2)}
        self.assertEqual(len(dummies), 2)
        for dummy in dummies:
            self.assertEqual(extract_parameters(dummy).time_cost, 2)
            self.assertRaises(VerifyMismatchError, HASHER.verify, dummy, "")

    def test_dummy_of_nobody(self) -> None:
        """The dummy of an empty file has the parameters that new entries get."""
        dummy = extract_parameters(entries.parse("").dummy)
        new = extract_parameters(PasswordHasher().hash("x"))
        self.assertEqual(dummy, new)

    def test_change(self) -> None:
        """A change takes the place of the former entry, and leaves all others as they are."""
        before = f"# people\nalice:{HASH}\nbob:{HASH}\n"
        after = f"# people\nalice:new\nbob:{HASH}\n"
        self.assertEqual(entries.change(before, "alice", "new"), after)
        self.assertEqual(entries.change(before, "carol", "new"), f"{before}carol:new\n")
        self.assertEqual(entries.change("", "carol", "new"), "carol:new\n")
        self.assertEqual(entries.change("bob:old", "carol", "new"), "bob:old\ncarol:new\n")

    def test_helper(self) -> None:
        """The tests' own files are password files."""
        self.assertEqual(list(entries.parse(password_file(a="1", b="2")).hashes), ["a", "b"])
