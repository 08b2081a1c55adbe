"""The promises of every mailbox, and the mailbox in memory."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_ACCOUNTS = "achat_twisted/mailbox/accounts.py"
_MEMORY = "achat_twisted/mailbox/memory.py"
_RECORDS = "achat_twisted/mailbox/tag_records.py"
_TESTS = "tests.mailbox.test_mailbox"

MAILBOXES = (
    Mutation(
        "let all expire in one turn",
        _MEMORY,
        "left = _AT_A_TIME",
        "left = 2**31",
        _TESTS,
    ),
    Mutation(
        "let the mail of a name that has come expire with the rest",
        _MEMORY,
        "            if not mail.sessions:",
        "            if True:",
        _TESTS,
    ),
    Mutation(
        "ask the file for all that expires at once",
        "achat_twisted/mailbox/sqlite.py",
        "await expiring.addErrback(self._not_expired)",
        "expiring.addErrback(self._not_expired)",
        _TESTS,
    ),
    Mutation(
        "let all be late in one turn",
        "achat_twisted/tools/deadlines.py",
        "for _ in range(_AT_A_TIME):",
        "for _ in range(2**31):",
        "tests.tools.test_deadlines",
    ),
    Mutation(
        "hand back behind newer mail",
        _MEMORY,
        "mail.lines.extendleft(reversed([*zip(since, lines, strict=True)]))",
        "mail.lines.extend(zip(since, lines, strict=True))",
        _TESTS,
    ),
    Mutation(
        "hand back in reverse",
        _MEMORY,
        "extendleft(reversed([*zip(since, lines, strict=True)]))",
        "extendleft(zip(since, lines, strict=True))",
        _TESTS,
    ),
    Mutation(
        "take the newest first",
        _MEMORY,
        "lines.popleft()",
        "lines.pop()",
        _TESTS,
    ),
    Mutation(
        "ignore the limit for a name",
        _ACCOUNTS,
        "account.size + size <= limits.per_name and ",
        "",
        _TESTS,
    ),
    Mutation(
        "ignore the limit in all",
        _ACCOUNTS,
        " and self.size + size <= limits.total",
        "",
        _TESTS,
    ),
    Mutation(
        "keep what cannot be kept",
        _MEMORY,
        "            return False\n",
        "            return True\n",
        _TESTS,
    ),
    Mutation(
        "forget names that have mail",
        _ACCOUNTS,
        "if self.copies or self.sessions or",
        "if self.sessions or",
        _TESTS,
    ),
    Mutation(
        "forget who is here",
        _ACCOUNTS,
        "if self.copies or self.sessions or",
        "if self.copies or",
        _TESTS,
    ),
    Mutation(
        "forget nobody",
        _ACCOUNTS,
        "if len(self._idle) > self.limits.names:",
        "if len(self._idle) < 0:",
        _TESTS,
    ),
    Mutation(
        "let young mail expire with the old",
        _MEMORY,
        "while mail.lines and mail.lines[0][0] < before and expired < most:",
        "while mail.lines and expired < most:",
        _TESTS,
    ),
    Mutation(
        "let mail expire in silence",
        _MEMORY,
        "        self._gone += expired\n",
        "",
        _TESTS,
    ),
    Mutation(
        "let nothing expire",
        _ACCOUNTS,
        "and a.oldest < before]",
        "and a.oldest < 0]",
        _TESTS,
    ),
    Mutation(
        "keep a name that comes with a tag out of its full mailbox",
        _RECORDS,
        "if account.tags and not self._accounts.takes(account, TAG_COST):",
        "if not self._accounts.takes(account, TAG_COST):",
        _TESTS,
    ),
    Mutation(
        "take any tag, though the mailbox is full",
        _RECORDS,
        "if account.tags and not self._accounts.takes(account, TAG_COST):",
        "if False:",
        _TESTS,
    ),
    Mutation(
        "look at all tags of a name whenever one of them comes or goes",
        "achat_twisted/mailbox/tag_records.py",
        "(each for each in order if not each.is_here)",
        "[each for each in order if not each.is_here]",
        "tests.test_cost",
    ),
    Mutation(
        "remember all tags that were here at once",
        _RECORDS,
        "        account.tags_here -= tag.is_here\n",
        "",
        _TESTS,
    ),
    Mutation(
        "let refusals wait though the mailbox is full",
        _RECORDS,
        "(self._accounts.takes(account, growth) and not tag.is_full)",
        "not tag.is_full",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "let any number of refusals wait",
        _RECORDS,
        "(self._accounts.takes(account, growth) and not tag.is_full)",
        "self._accounts.takes(account, growth)",
        "tests.reader.test_resuming",
    ),
    Mutation(
        "count a refusal again that goes on",
        "achat_twisted/mailbox/tags.py",
        "        if key not in self.refusals:\n",
        "        if True:\n",
        "tests.mailbox.test_tags",
    ),
)
