"""Reasons: why a session ends, in words for the user, and whether it is worth coming again."""

from __future__ import annotations

from collections.abc import Iterable

from achat_twisted.client.errors import NotLetIn, SessionOver, Unreachable
from achat_twisted.client.events import Ended

_SENTENCES = {
    "bad-name": "{server} does not take the name {name}: {detail}",
    "busy": "{server} is busy",
    "denied": "{server} does not let {name} in: the secret is missing or wrong",
    "kicked": "the operator of {server} has ended the session of {name}",
    "name-taken": "the name {name} is taken at {server}",
    "replaced": "{name} has come to {server} on another connection, which replaces this one",
    "bye": "{server} has closed the session",
}
"""The notices that end a session."""

PASSING = {"busy", "bye"}
"""Those that need not hold when we come again."""

_OUTSIDE = {"kicked", "replaced"}
"""Those that end a session which was let in."""

OLD = (
    "{server} does not know /resume; this client needs a newer achat there, and only nc can talk to"
    " that one"
)
OLD_FOR_ROOMS = "{server} does not know {words}; that needs a newer achat there"
MUTE = (
    "{server} closes each connection without a word; a server that speaks no notices (--plain) is"
    " for nc, not for this client"
)
PERHAPS_TLS = "; or it speaks TLS, which this client was not told to"
MUTE_IN_CLEAR = (
    "{server} does not answer in the clear, so it was not told the secret; it may speak TLS, which"
    " this client was not told to, or no notices (--plain)"
)
SILENT = (
    "{server} has not said welcome within {patience:g} seconds; a server that speaks no notices"
    " (--plain) is for nc, not for this client"
)
TLS_THERE = "{server} speaks TLS, and this client was not told to"
OLDER_COPY = "the state is an older copy of itself; what it does not know of may be said twice"
GARBLED = "{server} says what no achat server says"
_TAKES_NO_COMMAND = "it begins with ! or /"


def untrusted(server: str, why: str) -> str:
    """The sentence on a certificate that is not believed."""
    return f"the certificate of {server} is not to be believed: {why.rstrip('.')}"


def no_tls(server: str, why: str | None) -> str:
    """The sentence on a handshake that has failed."""
    if why in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return f"{server} does not speak TLS, and this client was told to"
    return (
        f"TLS with {server} has failed: {(why or 'for no known reason').replace('_', ' ').lower()}"
    )


def sentence(word: str, server: str, name: str, detail: str, new: Iterable[str] = ()) -> str:
    """The notice that ends a session, in words for the user.

    @param new: the words that were said before the login, and that servers did not always know.
    """
    old = OLD_FOR_ROOMS if new else OLD
    template = old if is_old(word, detail) else _SENTENCES[word]
    said = template.format(server=server, name=name, detail=detail, words=" or ".join(new))
    return f"{said}: {detail}" if word == "busy" and detail else said


def is_old(word: str, detail: str) -> bool:
    """True if a server has taken a word such as C{/resume} for a name.

    It does not mean the name itself, as that was checked before.
    """
    return word == "bad-name" and detail == _TAKES_NO_COMMAND


def error(ended: Ended) -> SessionOver:
    """The error for those who wait for more, when there will be no more."""
    if ended.is_out_of_time:
        return Unreachable(ended.why, ended.word)
    kind = SessionOver if ended.word in _OUTSIDE else NotLetIn
    return kind(ended.why, ended.word)
