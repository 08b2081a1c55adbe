"""Group commit: what gathers while one commit runs is committed at a stroke by the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from achat_twisted.interfaces import IMeter, IWorker
from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.database import Database
from achat_twisted.monitoring.meter import NO_METER

RETRY = 1.0
"""Seconds after which a commit that failed is tried again."""

LATE = 5.0
"""Seconds after which a commit that has not ended counts as one that fails."""

LAST = 30.0
"""Seconds for which a stop waits for a commit that does not end."""

Question = Callable[[Database], Any]
"""Something to be asked of the database: what it returns is the answer."""


class Committer:
    """The only one that talks to the database: through a worker, one job at a time.

    @ivar batch: what gathers for the next commit.
    @ivar failing: whether commits fail just now; what could not be committed is in C{batch}.
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
        self._riding: list[Deferred[bool]] = []  # those who wait for the commit that runs
        self._running = False
        self._next: IDelayedCall | None = None
        self._late: IDelayedCall | None = None
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
        """See L{achat_twisted.interfaces.IMailbox.commit}."""
        if self.failing:
            return succeed(False)
        if not self.batch and not self._running:
            return None
        committed: Deferred[bool] = Deferred()
        (self._waiting if self.batch else self._riding).append(committed)
        return committed

    async def close(self) -> int | None:
        """Commit what there is, or say what is lost if that fails; then close the database.

        @return: how many copies are in it; None if not all could be written.
        """
        try:
            await self._rest()
            if self.batch:
                self._run()
                await self._rest()
        except defer.TimeoutError:
            self._log.error("the mailbox does not answer: not waiting for it any longer")
            self.batch.absorb(self._committing)
        copies = None
        if self.batch.copies:
            self._log.error(
                "{copies} lines are lost, as they could not be written",
                copies=len(self.batch.copies),
            )
        if not self._running:
            copies = await self._worker.run(self._count_and_close)
            self._worker.stop()
        return None if self.batch else copies

    def _count_and_close(self) -> int:
        copies = self._database.count()
        self._database.close()
        return copies

    async def _rest(self) -> None:
        """Wait until no job runs, and let none begin by itself.

        @raise defer.TimeoutError: if that takes too long.
        """
        if self._running:
            self._idle = Deferred()
            await self._idle.addTimeout(LAST, self._clock)
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _run(self) -> None:
        self._next = None
        self._running = True
        batch = self._committing = self.batch
        self.batch = Batch()
        questions, self._questions = self._questions, []
        self._riding, self._waiting = self._waiting, []
        self._late = self._clock.callLater(LATE, self._fail, f"no answer for {LATE:g} seconds")
        answers = self._worker.run(lambda: self._work(batch, [ask for ask, _ in questions]))
        answers.addCallback(self._done, batch, [answer for _, answer in questions])
        answers.addErrback(lambda failure: self._log.failure("The mailbox failed", failure))

    def _work(self, batch: Batch, questions: list[Question]) -> list[Any]:
        """In the worker: commit, then ask; a failure stands for what has failed."""
        return [
            _attempt(work, self._database)
            for work in (
                lambda database: self._commit(database, batch) if batch else None,
                *questions,
            )
        ]

    def _done(self, results: list[Any], batch: Batch, answers: list[Deferred[Any]]) -> None:
        self._running = False
        if self._late is not None and self._late.active():
            self._late.cancel()
        outcome, *replies = results
        if isinstance(outcome, Failure):
            batch.absorb(self.batch)
            batch.drop_arrived()
            self.batch = batch
            self._fail(outcome.getErrorMessage())
        else:
            if self.failing:
                self._log.info("the mailbox can be written again")
            self.failing = False
            self._tell(True)
        if self.batch or self._questions:
            self.soon()
        if self._idle is not None:
            idle, self._idle = self._idle, None
            if not idle.called:
                idle.callback(None)
        for answer, reply in zip(answers, replies, strict=True):
            answer.callback(reply)

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
        """Tell those who wait for the commit that ran; a failure concerns all others too."""
        waiting, self._riding = self._riding, []
        if not is_safe:
            waiting, self._waiting = waiting + self._waiting, []
        for committed in waiting:
            committed.callback(is_safe)


def _attempt(work: Question, database: Database) -> Any:
    try:
        return work(database)
    except Exception:
        return Failure()


def _commit(database: Database, batch: Batch) -> None:
    database.commit(batch)
