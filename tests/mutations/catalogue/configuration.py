"""Options in a file, a reload, and certificates that are exchanged."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

CONFIGURATION = (
    Mutation(
        "add the command line's list to the file's",
        "achat_twisted/server/config.py",
        """\
            if key in self._in_words:
                self[key] = before
""",
        "",
        "tests.server.test_config",
    ),
    Mutation(
        "reload half of it",
        "achat_twisted/server/reload.py",
        "put_in_place = [part.reload(looked) for part in self._parts]",
        """\
put_in_place = []
            for part in self._parts:
                part.reload(looked)()
""",
        "tests.server.test_reload",
    ),
    Mutation(
        "leave systemd waiting for a reload that has failed",
        "achat_twisted/server/service.py",
        """\
        try:
            return self._reloader.reload()
        finally:
            self._notifier.ready()
""",
        """\
        outcome = self._reloader.reload()
        self._notifier.ready()
        return outcome
""",
        "tests.server.test_service",
    ),
    Mutation(
        "let a bad file end the process",
        "achat_twisted/server/reload.py",
        "except (SystemExit, ValueError, OSError) as error:",
        "except (ValueError, OSError) as error:",
        "tests.server.test_reload",
    ),
    Mutation(
        "show a certificate that is not yet to be shown",
        "achat_twisted/net/tls.py",
        "return partial(self._show, context)",
        "self._show(context)\n        return lambda: None",
        "tests.net.test_pem",
    ),
    Mutation(
        "follow certificates in a circle",
        "achat_twisted/net/pem.py",
        "if not found or found[0] in chain:",
        "if not found or len(chain) > 99:",
        "tests.net.test_pem",
    ),
    Mutation(
        "take a key for half of nothing",
        "achat_twisted/net/pem.py",
        """\
            raise ValueError(f"{file}: there is no certificate for the private key")
""",
        "            continue\n",
        "tests.net.test_pem",
    ),
    Mutation(
        "tell a secret in the answer to a reload",
        "achat_twisted/server/reload.py",
        "        if key in self._options.private:\n",
        "        if False:\n",
        "tests.server.test_reload",
    ),
    Mutation(
        "take a size of a thousand for one of 1024",
        "achat_twisted/tools/quantities.py",
        'suffix = re.sub("IB$", "", suffix.upper())',
        'suffix = re.sub("I?B$", "", suffix.upper())',
        "tests.tools.test_quantities",
    ),
    Mutation(
        "take an equal size for a change",
        "achat_twisted/server/config.py",
        "settings[key] = replace(settings[key], value=check.show(self[key]))",
        "pass",
        "tests.server.test_reload",
    ),
)
