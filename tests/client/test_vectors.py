"""The conversation does what the vectors say, however its bytes come."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.client.playing import Player, Vector, load

_SEEN = ("says", "events", "stage")


class VectorTests(SynchronousTestCase):
    """All conversations that are written down."""

    def play(self, vector: Vector, piece: int | None = None) -> None:
        player = Player(vector, piece)
        for number, step in enumerate(vector["steps"], 1):
            expected = {key: step[key] for key in _SEEN if key in step}
            self.assertEqual(
                player.play(step), expected, f"{vector['title']} Step {number}: {step}"
            )
        after = player.after()
        for key, value in vector.get("after", {}).items():
            self.assertEqual(after[key], value, f"{vector['title']} Afterwards: {key}")

    def test_whole(self) -> None:
        """Each conversation goes as it is written down."""
        vectors = load()
        self.assertGreater(len(vectors), 30)
        for vector in vectors:
            self.play(vector)

    def test_in_pieces(self) -> None:
        """The same is to be seen if all that comes is cut into pieces of one byte, or of seven."""
        for vector in load():
            for piece in (1, 7):
                self.play(vector, piece)

    def test_titles(self) -> None:
        """Each has a title of its own, which is a sentence."""
        titles = [vector["title"] for vector in load()]
        self.assertEqual(len(set(titles)), len(titles))
        for title in titles:
            self.assertRegex(title, r"^[A-Z].*\.$")
