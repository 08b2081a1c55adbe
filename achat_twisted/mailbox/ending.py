"""The end of a mailbox in a file: the last commit, what became of the lines, and the close."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.python.failure import Failure

from achat_twisted.mailbox.batch import Batch
from achat_twisted.mailbox.database import Database
from achat_twisted.mailbox.files import Gone
from achat_twisted.tools.errors import Unavailable


@dataclass(frozen=True)
class Remains:
    """The state of a mailbox when it is closed.

    @ivar copies: the number in its file; None if it is unknown, or if they are not those due.
    @ivar lost: the number of lines that were to be in it, and are nowhere.
    @ivar trouble: the reason why they are lost, or elsewhere; empty if they are not.
    @ivar rescued: the file that has them all, as their own was not in its place.
    @ivar kept: the number that its cursors tell, in rows with several readers.
    """

    copies: int | None
    lost: int = 0
    trouble: str = ""
    rescued: Path | None = None
    kept: int = 0


def attempt(work: Callable[[Database], Any], database: Database) -> Any:
    """Does C{work}, and raises nothing.

    @return: the result of C{work}, or a failure: with L{Unavailable}, unless it is a bug.
    """
    try:
        return work(database)
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        return Failure()
    except (sqlite3.Error, OSError) as error:
        return Failure(Unavailable(database.explain(error)))
    except Exception:
        return Failure()


def finish(database: Database, batch: Batch, commit: Callable[[Database, Batch], None]) -> Remains:
    """Commit, even if there is nothing, to see that the file is in its place; then close.

    A file that is not is saved as it is, since nobody else can read it any more.
    """
    outcome = attempt(lambda database: commit(database, batch), database)
    copies = attempt(lambda database: database.count(), database)
    if not isinstance(outcome, Failure):
        kept = attempt(lambda database: database.kept_in_shared_rows(), database)
        is_known = not isinstance(copies, Failure) and not isinstance(kept, Failure)
        remains = Remains(copies, kept=kept) if is_known else Remains(None)
    else:
        batch.drop_arrived()
        missing = attempt(lambda database: database.missing(batch.places()), database)
        lost = batch.copies() if isinstance(missing, Failure) else missing
        trouble = f"the mailbox cannot be written: {outcome.getErrorMessage()}"
        rescued = None
        if outcome.check(Gone):
            rescued = attempt(lambda database: database.rescue(), database)
        if isinstance(rescued, Failure):
            lost += 0 if isinstance(copies, Failure) else copies
            trouble = f"the mail cannot be saved: {rescued.getErrorMessage()}"
            rescued = None
        remains = Remains(None, lost, trouble, rescued)
    database.close()
    return remains
