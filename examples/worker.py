"""A worker, which does each job exactly once: it keeps accounts.

Run it as C{python worker.py bank@localhost accounts.state}. A message such as C{5} or C{-2} is
booked to its sender, who is told the balance. The booking, the answer and the message's being done
are one transaction in the state's file: whatever is killed whenever, no amount is booked twice, and
none is forgotten. With a server that is C{--durable} that holds for the answers, too.
"""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from sqlite3 import Connection

from achat_twisted.client import ChatError, StateFile
from achat_twisted.client.blocking import connect

TABLE = "CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, balance INTEGER)"
BOOK = """
INSERT INTO account VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET balance = balance + excluded.balance RETURNING balance
"""


def do(db: Connection, name: str, job: str) -> str:
    """Does a job, and returns the answer. It must not fail: the job would come again."""
    if not re.fullmatch(r"-?[0-9]{1,9}", job):
        return "say an amount, such as 5 or -2"
    ((balance,),) = db.execute(BOOK, [name, int(job)]).fetchall()
    return f"you have {balance}"


def main(address: str, path: str) -> None:
    state = StateFile(path)
    state.database.execute(TABLE)
    with connect(address, state=state) as chat:
        for message in chat:
            with message.transaction() as work:
                work.post(message.sender, do(work.db, message.sender, message.text))
            for refusal in chat.refusals():
                print(f"{refusal.line!r} was refused: {refusal.why}", file=sys.stderr)


if __name__ == "__main__":
    try:
        with suppress(KeyboardInterrupt):
            main(*sys.argv[1:])
    except ChatError as error:
        sys.exit(str(error))
