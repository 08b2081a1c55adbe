"""Names: the rules for them."""

from __future__ import annotations

import unicodedata

from achat_twisted.wire import foreign
from achat_twisted.wire.invisible import first_invisible
from achat_twisted.wire.notices import MAX_NAME, bad_name


def check_name(name: str) -> None:
    """Check that C{name}, which is trimmed, is allowed.

    @raise Refused: if not; its notice says why.
    """
    if not name:
        raise bad_name("it is empty; the first line must be NAME or NAME:SECRET")
    if len(name.encode()) > MAX_NAME:
        raise bad_name(f"it is longer than {MAX_NAME} bytes")
    if name[0] in "!/":
        raise bad_name("it begins with ! or /")
    if "," in name or "#" in name:
        raise bad_name("it contains , or #")
    if ":" in name:
        raise bad_name("it contains :")
    if (protocol := foreign.protocol_of(name)) is not None:
        raise bad_name(f"it is how {protocol} begins")
    if not name.isprintable():
        raise bad_name("it contains characters that cannot be printed")
    if (unseen := first_invisible(name)) is not None:
        raise bad_name(f"it contains U+{ord(unseen):04X}, which cannot be seen")
    if unicodedata.category(name[0])[0] == "M":
        raise bad_name("it begins with a mark that belongs to a letter before it")
    if not unicodedata.is_normalized("NFC", name):
        raise bad_name("it is not in Unicode's normal form C")
