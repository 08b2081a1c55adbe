"""Group commit: changes that gather while one commit runs are committed at once by the next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.ending import Remains, attempt, finish
from achat_twisted.tools.errors import NoThread
from achat_twisted.tools.interfaces import IMeter, IWorker
from achat_twisted.tools.meter import NO_METER

RETRY = 1.0
"""Seconds after which a commit that failed is tried again."""

LATE = 5.0
"""Seconds after which a commit that has not ended counts as one that fails."""

LAST = 30.0
"""Seconds for which a stop waits for a commit that does not end."""

SYNC = 1.0
"""Seconds after which a crash of the machine costs a commit no more, if one does not wait for the
disk by itself. A sync takes as long as the disk needs, and delays the commits behind it.
"""

Question = Callable[[Database], Any]
"""Something to be asked of the database; its result is the answer."""


class Committer:
    """The only one that talks to the database: through a worker, one job at a time.

    @ivar batch: the changes that gather for the next commit.
    @ivar failing: true while commits fail; what could not be committed is in C{batch}.
    """

    _log = Logger()
    _database: Database

    def __init__(self, worker: IWorker, clock: IReactorTime, meter: IMeter = NO_METER) -> None:
        self.batch = Batch()
        self.failing = False
        self._worker = worker
        self._clock = clock
        self._questions: list[tuple[Question, Deferred[Any]]] = []
        self._waiting: list[Deferred[bool]] = []
        self._riding: list[Deferred[bool]] = []  # waiting for the commit that runs
        self._running = False
        self._next: IDelayedCall | None = None
        self._late: IDelayedCall | None = None
        self._since = 0.0  # when the commit that runs began
        self._sync: IDelayedCall | None = None
        self._not_begun: IDelayedCall | None = None
        self._obstacle = ""
        self._idle: Deferred[None] | None = None
        self._committing = Batch()
        self._commit = meter.time_commit(_commit)

    def open(self, database: Database) -> None:
        self._database = database
        self._worker.start()

    def soon(self) -> None:
        """Commit C{batch} when this turn is over, or when the commit that runs is; or, if commits
        fail, a while later.
        """
        if not self._running and self._next is None:
            wait = RETRY if self.failing and not self._questions else 0
            self._next = self._clock.callLater(wait, self._run)

    def ask(self, question: Question) -> Deferred[Any]:
        """Ask the database when all changes up to now have been tried.

        @return: fires with the answer, or fails as the question did; it may be cancelled.
        """
        answer: Deferred[Any] = Deferred()
        self._questions.append((question, answer))
        if self._next is not None:
            self._next.reset(0)  # it may be a commit that is tried again later
        self.soon()
        return answer

    def commit(self) -> Deferred[bool] | None:
        """See L{achat_twisted.mailbox.interfaces.IMailbox.commit}."""
        if self.failing:
            return succeed(False)
        if not self.batch and not self._running:
            return None
        self.soon()
        committed: Deferred[bool] = Deferred()
        (self._waiting if self.batch else self._riding).append(committed)
        return committed

    async def close(self) -> Remains:
        """Commit what there is, or say what is lost if that fails; then close the database."""
        try:
            await self._rest()
            remains = await self._last().addTimeout(LAST, self._clock)
        except defer.TimeoutError:
            self._take_back(self._committing)
            why = "the mailbox does not answer: not waiting for it any longer"
            remains = Remains(None, self.batch.copies(), why)
        else:
            self._worker.stop()
        if remains.trouble:
            self._log.error("{why}", why=remains.trouble)
        if remains.rescued:
            self._log.warn("all that was in it is now in {path}", path=remains.rescued)
        if remains.lost:
            self._log.error(
                "lines are lost, as they could not be written: {copies}", copies=remains.lost
            )
        return remains

    def _last(self) -> Deferred[Remains]:
        """Have the worker do what is left; or do it here, as nobody is held up by that any more."""
        batch = self._committing = self.batch
        batch.seal()
        self.batch = Batch()

        def do() -> Remains:
            return finish(self._database, batch, self._commit)

        def do_here(failure: Failure) -> Remains:
            failure.trap(NoThread)
            return do()

        return self._worker.run(do).addErrback(do_here)

    async def _rest(self) -> None:
        """Wait until no job runs, and let none begin by itself.

        @raise defer.TimeoutError: if that takes too long.
        """
        if self._running and self._not_begun is None:
            self._idle = Deferred()
            await self._idle.addTimeout(LAST, self._clock)
        elif self._running:
            self._take_back(self._committing)
        for call in (self._next, self._not_begun, self._late, self._sync):
            if call is not None and call.active():
                call.cancel()

    def _run(self) -> None:
        self._next = None
        self._running = True
        batch = self._committing = self.batch
        batch.seal()
        self.batch = Batch()
        questions, self._questions = self._questions, []
        self._riding, self._waiting = self._waiting, []
        self._since = self._clock.seconds()
        if self._late is None:
            self._late = self._clock.callLater(LATE, self._look_late)
        self._begin(batch, questions)

    def _begin(self, batch: Batch, questions: list[tuple[Question, Deferred[Any]]]) -> None:
        self._not_begun = None
        answers = self._worker.run(lambda: self._work(batch, [ask for ask, _ in questions]))
        answers.addCallbacks(
            partial(self._done, batch=batch, answers=[answer for _, answer in questions]),
            partial(self._begin_later, batch=batch, questions=questions),
        )
        answers.addErrback(lambda failure: self._log.failure("The mailbox failed", failure))

    def _begin_later(
        self,
        failure: Failure,
        batch: Batch,
        questions: list[tuple[Question, Deferred[Any]]],
    ) -> None:
        """Begin the same again in a while; all the others wait, as for a commit that takes long."""
        failure.trap(NoThread)
        self._obstacle = failure.getErrorMessage()
        self._not_begun = self._clock.callLater(RETRY, self._begin, batch, questions)

    def _work(self, batch: Batch, questions: list[Question]) -> list[Any]:
        """In the worker: commit, then ask; a failure stands for what has failed."""
        return [
            attempt(work, self._database)
            for work in (
                lambda database: self._commit(database, batch) if batch or self.failing else None,
                *questions,
            )
        ]

    def _done(self, results: list[Any], batch: Batch, answers: list[Deferred[Any]]) -> None:
        self._running = False
        self._obstacle = ""
        outcome, *replies = results
        if isinstance(outcome, Failure):
            self._take_back(batch)
            self._fail(outcome.getErrorMessage())
        else:
            if self.failing:
                self._log.info("the mailbox can be written again")
            self.failing = False
            self._tell(True)
            if batch and not self._database.durable and self._sync is None:
                self._sync = self._clock.callLater(SYNC, self._ask_for_sync)
        if self.batch or self._questions or self.failing:
            self.soon()
        if self._idle is not None:
            idle, self._idle = self._idle, None
            if not idle.called:
                idle.callback(None)
        for answer, reply in zip(answers, replies, strict=True):
            answer.callback(reply)

    def _take_back(self, batch: Batch) -> None:
        """Put changes that could not be committed before those that have come since."""
        batch.absorb(self.batch)
        batch.drop_arrived()
        self.batch = batch

    def _ask_for_sync(self) -> None:
        self._sync = None
        self.ask(lambda database: database.sync()).addErrback(
            lambda failure: self._log.error(
                "the disk did not take the mailbox's last second: {why}",
                why=failure.getErrorMessage(),
            )
        )

    def _look_late(self) -> None:
        """See if the commit that runs is late; one timer for all saves 5 µs of each."""
        self._late = None
        if not self._running:
            return
        left = self._since + LATE - self._clock.seconds()
        if left > 0:
            self._late = self._clock.callLater(left, self._look_late)
        else:
            self._fail(self._obstacle or f"no answer for {LATE:g} seconds")

    def _fail(self, why: str) -> None:
        if not self.failing:
            self._log.error(
                "the mailbox cannot be written: {why}; new copies for it are refused, and it is"
                " tried again every {retry:g} s",
                why=why,
                retry=RETRY,
            )
        self.failing = True
        self._tell(False)

    def _tell(self, is_safe: bool) -> None:
        """Answer all who wait for the commit that ran; and all others too, if it failed."""
        waiting, self._riding = self._riding, []
        if not is_safe:
            waiting, self._waiting = waiting + self._waiting, []
        for committed in waiting:
            committed.callback(is_safe)


def _commit(database: Database, batch: Batch) -> None:
    database.commit(batch)
