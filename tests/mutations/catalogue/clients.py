"""The client behind C{achat chat}: its words, and the end of its patience with a server."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

_CONFIG = "achat_twisted/shell/config.py"
_CONVERSATION = "achat_twisted/shell/conversation.py"
_FILES = "achat_twisted/shell/files.py"
_OUTGOING = "achat_twisted/shell/outgoing.py"
_SESSION = "achat_twisted/shell/connection.py"
_TERMINAL = "achat_twisted/shell/terminal.py"
_TRANSPORT = "achat_twisted/shell/sockets.py"

CLIENTS = (
    Mutation(
        "leave with 0 though standard output took no more",
        _CONVERSATION,
        "            tell(self._terminal.loss)\n",
        "            pass\n",
        "tests.shell.test_chat",
    ),
    Mutation(
        "leave before standard output has taken all",
        _CONVERSATION,
        "        await self._terminal.flush()\n",
        "",
        "tests.shell.test_chat",
    ),
    Mutation(
        "take a line for shown when it is written",
        _FILES,
        "self.unshown -= bytes(data[:written])",
        "self.unshown -= bytes(data)",
        "tests.shell.test_files",
    ),
    Mutation(
        "take an error in standard input for its end",
        _FILES,
        "        except OSError as error:\n            return error\n        if not data",
        "        except OSError:\n            return CONNECTION_DONE\n        if not data",
        "tests.shell.test_files",
    ),
    Mutation(
        "count no message that comes when standard output takes no more",
        _SESSION,
        "        self._show_rest()\n        self.transport.abortConnection()",
        "        self.transport.abortConnection()",
        "tests.shell.test_chat",
    ),
    Mutation(
        "take a line that the client refuses for sent",
        _TERMINAL,
        "                self.all_taken = False\n                self.notice",
        "                self.notice",
        "tests.shell.test_chat",
    ),
    Mutation(
        "read a server while standard error has no room",
        _TERMINAL,
        "return self._output.full or self._errors.full",
        "return self._output.full",
        "tests.shell.test_terminal",
    ),
    Mutation(
        "take an output for full that is gone",
        _FILES,
        "return self.producerPaused and not self.disconnected",
        "return self.producerPaused",
        "tests.shell.test_files",
    ),
    Mutation(
        "wait for a dead server",
        _SESSION,
        "            self.transport.abortConnection()\n        elif",
        "            pass\n        elif",
        "tests.shell.test_chat",
    ),
    Mutation(
        "give up a server that has nothing to say",
        _SESSION,
        "            self._outgoing.ping()\n",
        "            pass\n",
        "tests.shell.test_chat",
    ),
    Mutation(
        "give up a server that slows down",
        _SESSION,
        "DEAF_AFTER + min(self._outgoing.said, WINDOW) / self._rate",
        "DEAF_AFTER",
        "tests.shell.test_chat",
    ),
    Mutation(
        "give up a server that is not read",
        _SESSION,
        "            return  # it is we who do not read\n",
        "            pass\n",
        "tests.shell.test_chat",
    ),
    Mutation(
        "show the answer to a question of the client's own",
        _SESSION,
        "if self._outgoing.pong():",
        "if self._outgoing.pong() and False:",
        "tests.shell.test_chat",
    ),
    Mutation(
        "take lines for confirmed when the server answers anything",
        _OUTGOING,
        "if number != _USERS and max(self._sync, self._newest) <= self._confirmed:",
        "if number != _USERS:",
        "tests.shell.test_outgoing",
    ),
    Mutation(
        "ask for no confirmation behind a question",
        _OUTGOING,
        "        elif self._sync <= self._confirmed < self._newest:",
        "        elif self._sent and self._sent[-1] is not None and self._sync <= self._confirmed:",
        "tests.shell.test_outgoing",
    ),
    Mutation(
        "forget the lines that are given up",
        _CONVERSATION,
        "        self._terminal.say(sentence, unsent[:FIRST])",
        "        self._terminal.say(sentence)",
        "tests.shell.test_chat",
    ),
    Mutation(
        "forget the scope of an address",
        _TRANSPORT,
        '            host = f"{address.host}%{address.scopeID}"',
        "            host = address.host",
        "tests.shell.test_sockets",
    ),
    Mutation(
        "take piped input for the secret",
        "achat_twisted/tools/prompt.py",
        'warnings.simplefilter("error", GetPassWarning)',
        'warnings.simplefilter("ignore", GetPassWarning)',
        "tests.functional.test_secrets.SecretTests.test_no_terminal",
    ),
    Mutation(
        "go where the environment says, though the user says where to",
        _CONFIG,
        """\
            ("", said),
            (f"{ADDRESS}: ", environ.get(ADDRESS)),
""",
        """\
            (f"{ADDRESS}: ", environ.get(ADDRESS)),
            ("", said),
""",
        "tests.shell.test_config",
    ),
    Mutation(
        "go without TLS to a server that has authorities of its own",
        _CONFIG,
        'tls = table.get("tls", bool(implied))',
        'tls = table.get("tls", False)',
        "tests.shell.test_config",
    ),
    Mutation(
        "say a secret in clear text to a server that speaks TLS",
        "achat_twisted/shell/chat.py",
        "    if server.tls or server.address.path:\n",
        "    if False:\n",
        "tests.functional.test_configured",
    ),
    Mutation(
        "print a secret in the sentence about an address",
        _CONFIG,
        "{name + (colon and ':…')!r}",
        "{word!r}",
        "tests.shell.test_config",
    ),
)
