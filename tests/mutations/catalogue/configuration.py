"""Options in a file, a reload, and certificates that are exchanged."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

CONFIGURATION = (
    Mutation(
        "add the command line's list to the file's",
        "achat_twisted/config/__init__.py",
        """\
            if key in self._in_words:
                self[key] = before
""",
        "",
        "tests.test_config",
    ),
    Mutation(
        "reload half of it",
        "achat_twisted/config/reloader.py",
        "put_in_place = [part.reload(options) for part in self._parts]",
        """\
put_in_place = []
            for part in self._parts:
                part.reload(options)()
""",
        "tests.test_reloader",
    ),
    Mutation(
        "let a bad file end the process",
        "achat_twisted/config/reloader.py",
        "except (SystemExit, ValueError, OSError) as error:",
        "except (ValueError, OSError) as error:",
        "tests.test_reloader",
    ),
    Mutation(
        "show a certificate that is not yet to be shown",
        "achat_twisted/tls.py",
        "return lambda: self._show(context)",
        "self._show(context)\n        return lambda: None",
        "tests.test_pem",
    ),
    Mutation(
        "follow certificates in a circle",
        "achat_twisted/pem.py",
        "if not found or found[0] in chain:",
        "if not found or len(chain) > 99:",
        "tests.test_pem",
    ),
    Mutation(
        "take a key for half of nothing",
        "achat_twisted/pem.py",
        """\
            raise ValueError(f"{file}: there is no certificate for the private key")
""",
        "            continue\n",
        "tests.test_pem",
    ),
)
