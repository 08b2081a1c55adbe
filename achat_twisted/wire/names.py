"""Names: the rules for them.

All characters of a name must be visible, or two different names would look the same. (Characters
that look alike are another matter, see C{SECURITY.md}.)
"""

from __future__ import annotations

import re
import unicodedata

from achat_twisted.wire import foreign
from achat_twisted.wire.notices import MAX_NAME, bad_name

_DEFAULT_IGNORABLE = (
    r"\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E"
    r"\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3"
    r"\U0001D173-\U0001D17A\U000E0000-\U000E0FFF"
)
"""Unicode's property Default_Ignorable_Code_Point, which Python's C{unicodedata} does not have.

It is the same in Unicode 14.0 and 18.0, as it includes what is reserved for characters to come;
C{tests/wire/test_names.py} makes it, and fails if a newer Unicode has another.
"""

_BLANK = r"\u2800\U0001D159\U00013441-\U00013442"
"""Characters with an empty glyph, for which Unicode has no property: BRAILLE PATTERN BLANK,
MUSICAL SYMBOL NULL NOTEHEAD, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK.
"""

_INVISIBLE = re.compile(f"[{_DEFAULT_IGNORABLE}{_BLANK}]")


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


def first_invisible(text: str) -> str | None:
    """The first character that cannot be seen, printable or not; None if each of them can."""
    found = _INVISIBLE.search(text)
    return found and found[0]
