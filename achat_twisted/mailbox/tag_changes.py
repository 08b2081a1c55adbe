"""Changes to tags that the mailbox's file does not have yet."""

from __future__ import annotations

from collections import defaultdict

from achat_twisted.mailbox.tags import RefusalKey, Saved, Tag
from achat_twisted.wire.tags import Verdict

Key = tuple[int, str]
"""A name's id, and one of its tags."""


class TagChanges:
    """The tags that a batch changes, and which of their refusals.

    A refusal is written once, and taken out once, so a line that is refused costs the same however
    many refusals wait; and a tag that is refused nothing, as most, has one entry to write.

    @ivar forgotten: the tags of which nothing is to be there, before any of these is saved anew.
    @ivar entries: the tags that have changed, as they were when this was sealed.
    @ivar refusals: the refusals that have come since, each once.
    @ivar confirmed: the tags of which refusals are to go, as their clients know them.
    """

    def __init__(self) -> None:
        self._tags: dict[Key, Tag] = {}
        self.forgotten: set[Key] = set()
        self.entries: dict[Key, Saved] = {}
        self.refusals: defaultdict[Key, dict[RefusalKey, Verdict]] = defaultdict(dict)
        self.confirmed: set[Key] = set()

    def __bool__(self) -> bool:
        return bool(self._tags or self.forgotten)

    def save(self, id_: int, tag: Tag) -> None:
        """Write what has become of a tag by the time when this is sealed.

        @param id_: its name's.
        """
        self._tags[id_, tag.name] = tag

    def forget(self, id_: int, tag: Tag) -> None:
        """Take a tag out of the file."""
        self._drop((id_, tag.name))
        self.forgotten.add((id_, tag.name))

    def seal(self) -> None:
        """Take the tags as they are now."""
        for key, tag in self._tags.items():
            self.entries[key] = tag.saved()
            if tag.unsaved:
                self.refusals[key].update(tag.unsaved)
                tag.unsaved = None
            if tag.has_confirmed:
                self.confirmed.add(key)
                tag.has_confirmed = False

    def absorb(self, later: TagChanges) -> None:
        """Let other changes, which are not sealed, follow these."""
        for key in later.forgotten:
            self._drop(key)
        self.forgotten |= later.forgotten
        self._tags.update(later._tags)

    def _drop(self, key: Key) -> None:
        self._tags.pop(key, None)
        self.entries.pop(key, None)
        self.refusals.pop(key, None)
        self.confirmed.discard(key)
