"""A world: clients and a server, and all that befalls them, drawn from one seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.resuming.client import Client, Line, PlainClient
from tests.resuming.follower import Follower
from tests.resuming.judge import judge
from tests.resuming.model import RULES, Mode, Model, Rules
from tests.resuming.server import Server

TROUBLE = 160
"""The steps after which nothing breaks any more."""

_PATIENCE = 6000
"""The steps after which all that is left to do should have been done."""

_SILENCE = 30
"""The times that nothing happens, though time passes, until there is nothing left to do."""

Act = Callable[[], object]


class World:
    """One schedule.

    @ivar lines: all that were ever posted.
    @ivar calm: true once nothing breaks any more.
    @ivar new_eras_at: the last step at which the server forgot what tags it had.
    @ivar trace: what has happened, for people.
    """

    def __init__(
        self, seed: int, mode: Mode, kind: type[Client] = Client, *, rules: Rules = RULES
    ) -> None:
        """@param kind: that of all clients with a tag.
        @param rules: those of the model that the server is compared with.
        """
        self._kind = kind
        self.follower = self.make_follower(mode, rules)
        self.rng = rng = Random(seed)
        self._folder = TemporaryDirectory()
        self.power_fails = rng.random() < 0.25
        self.server = self.make_server(mode, Path(self._folder.name, "mailbox"), rng)
        self.lines: list[Line] = []
        self.new_eras_at = -1
        self.trace: list[str] = []
        self.step = 0
        self.calm = False
        self._mortal_mail = rng.random() < 0.15
        self.clients = self.make_clients(rng)

    def make_follower(self, mode: Mode, rules: Rules) -> Follower:
        return Follower(Model(mode, rules))

    def make_server(self, mode: Mode, path: Path, rng: Random) -> Server:
        return Server(mode, path, rng, self.follower, power_fails=self.power_fails)

    def make_clients(self, rng: Random) -> list[Client]:
        clients = [
            self._kind("A", "a", has_file=rng.random() < 0.6, posts=9),
            self._kind("B", "b", has_file=rng.random() < 0.6, posts=5, peer="a"),
        ]
        if rng.random() < 0.25:
            clients.append(self._kind("other", "b", has_file=True))
        if rng.random() < 0.2:
            clients.append(PlainClient("plain", "b", has_file=False))
        if rng.random() < 0.35:
            clients += [
                self._kind(f"send{number}", "a", has_file=not number, only_sends=True, posts=3)
                for number in range(2)
            ]
        if rng.random() < 0.1:
            clients += [
                self._kind(f"job{number}", "a", has_file=False, only_sends=True, posts=2)
                for number in range(3)
            ]
        return clients

    # What happens

    def run(self) -> list[str]:
        """@return: what the server has done wrong, in words; nothing, if it is right.

        That is what the judge says, or what differs from the model, which ends the schedule.
        """
        while self.step < TROUBLE - 1 and not self.follower.differences:
            if self.rng.random() < 0.14:
                self.do(*self.rng.choice(self.troubles(self.rng.choice(self.clients))))
            elif acts := self.acts():
                self.do(*self.rng.choice(acts))
            else:
                self.wait()
        return self.end()

    def do(self, what: str, act: Act) -> None:
        """The next step of the schedule."""
        self.step += 1
        self.trace.append(f"{self.step}: {what}")
        act()
        if self.calm or self.rng.random() < 0.8:
            self.server.turn()
        self._cut_the_forgotten()

    def wait(self) -> None:
        """Let time pass, as nothing else can happen."""
        self.step += 1
        self.server.pass_time(1.0)
        self._cut_the_forgotten()

    def end(self) -> list[str]:
        """Go on without trouble until nothing is left to do, or the model has another answer.

        @return: what was done wrong, in words.
        """
        with self._folder:
            self._calm_down()
            silence = 0
            while silence < _SILENCE and not self.follower.differences:
                if self.step > TROUBLE + _PATIENCE:
                    return ["it does not end", *self.judge()]
                if acts := self.acts():
                    silence = 0
                    self.do(*self.rng.choice(acts))
                else:
                    silence += 1
                    self.wait()
            self.server.stop()
            self.server.end()
            verdict = self.judge()
            self.server.close()
            return self.follower.differences or verdict

    def judge(self) -> list[str]:
        """All that was done wrong, in words."""
        return judge(self)

    def judged(self) -> Iterator[Line]:
        """The lines that were first said since the server last began a new era for all.

        Those before that are in doubt, and the new era has told their clients so.
        """
        for line in self.lines:
            if line.first_said > self.new_eras_at and not line.is_gone:
                yield line

    def is_shared(self, line: Line, name: str) -> bool:
        """True if a line was accepted for a row that has several readers."""
        return False

    def _calm_down(self) -> None:
        self.calm = True
        if self.server.is_stopping:
            self._end_stop()
        self.server.calm_down()

    def _cut_the_forgotten(self) -> None:
        """A connection that its client thinks no more of ends at some time."""
        theirs = {client.cable for client in self.clients}
        for cable in self.server.cables:
            if cable not in theirs and (self.calm or self.rng.random() < 0.05):
                cable.cut()

    def acts(self) -> list[tuple[str, Act]]:
        """All that may come next, without trouble."""
        server = self.server
        acts: list[tuple[str, Act]] = [
            (f"the server hears of {cable.peer}", partial(server.hear, cable))
            for cable in server.cables
            if server.can_hear(cable)
        ]
        if server.thread.has_work:
            acts.append(("the thread goes on", server.thread.go_on))
        for client in self.clients:
            acts += self.acts_of(client)
        return acts

    def acts_of(self, client: Client) -> list[tuple[str, Act]]:
        who, acts, cable = client.ident, list[tuple[str, Act]](), client.cable
        is_guest = not client.posts
        may = self.calm or self.rng.random() < 0.5
        if cable is None:
            is_done = client.only_sends and client.is_settled and client.posted == client.posts
            if not (self.calm and (is_guest or is_done)) and (
                not is_guest or self.rng.random() < 0.1
            ):
                acts.append((f"{who} connects", lambda: self._connect(client)))
        elif self.calm and is_guest:
            acts.append((f"{who} goes", client.go))
        elif cable.can_be_read:
            acts.append((f"{who} hears", lambda: self._let_hear(client)))
        if client.posted < client.posts and may:
            acts.append((f"{who} intends", lambda: self._intend(client)))
        if client.can_post:
            acts.append((f"{who} posts", lambda: client.post(self.step)))
        may_sync = client.can_sync and cable is not None and not cable.to_server
        if may_sync and (self.calm or self.rng.random() < 0.3):
            acts.append((f"{who} syncs", client.sync))
        if client.can_confirm and may:
            acts.append((f"{who} confirms", client.confirm))
        return acts

    def _connect(self, client: Client) -> None:
        cable = self.server.accept()
        cable.peer = client.ident
        client.connect(cable)

    def _let_hear(self, client: Client) -> None:
        assert client.cable is not None
        line = client.cable.read()
        self.trace.append(f"   {client.ident} < {line}")
        self.follower.hear(client.cable, line)
        client.hear(line)

    def _intend(self, client: Client) -> None:
        self.lines.append(client.intend(self.recipients(client)))

    def recipients(self, client: Client) -> tuple[str, ...]:
        """Those of its next line."""
        peer = client.peer
        (recipients,) = self.rng.choices(
            [(peer,), ("nobody",), (peer, "nobody"), ()], [70, 12, 10, 8]
        )
        return recipients

    # What breaks

    def troubles(self, client: Client) -> list[tuple[str, Act]]:
        """All that may break, each as often as it is likely."""
        troubles: list[tuple[str, Act]] = [
            *[("is cut", lambda: self._cut(client))] * 6,
            *[("gives up", client.disconnect)] * 2,
            *[("is killed", client.kill)] * 2,
            ("quits", client.leave),
            ("is kicked", lambda: self.server.kick(client.name)),
            ("sees the server crash", self._crash),
            *[("sees the server stop", self._stop)] * (6 if self.power_fails else 1),
            *[("sees the power fail", self._fail_power)] * (4 if self.power_fails else 0),
            ("sees a change of the disk", self._change_disk),
            ("sees time pass", lambda: self.server.pass_time(self.rng.choice([0.3, 1, 6]))),
            ("sees mail expire", self._expire),
        ]
        return [(f"{client.ident} {what}", act) for what, act in troubles]

    def _cut(self, client: Client) -> None:
        if client.cable is not None:
            client.cable.cut()

    def _crash(self, *, loses_power: bool = False) -> None:
        if self.server.mode is not Mode.DURABLE:
            self.new_eras_at = self.step
        self.server.crash(loses_power=loses_power)

    def _fail_power(self) -> None:
        self._crash(loses_power=True)

    def _stop(self) -> None:
        if self.server.is_stopping:
            self._end_stop()
        else:
            self.server.stop()

    def _end_stop(self) -> None:
        self.server.end()
        if self.server.mode is Mode.MEMORY:
            self.new_eras_at = self.step

    def _change_disk(self) -> None:
        self.server.disk.full = not self.server.disk.full

    def _expire(self) -> None:
        if self._mortal_mail and not self.server.is_stopping:
            self.server.age()
            self.new_eras_at = self.step
