"""Characters that cannot be seen, though Python calls them printable.

All characters of a name must be visible, or two different names would look the same. (Characters
that look alike are another matter, see C{SECURITY.md}.)
"""

from __future__ import annotations

import re

_DEFAULT_IGNORABLE = (
    r"\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E"
    r"\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFF8\U0001BCA0-\U0001BCA3"
    r"\U0001D173-\U0001D17A\U000E0000-\U000E0FFF"
)
"""Unicode's property Default_Ignorable_Code_Point, which Python's C{unicodedata} does not have.

It is the same in Unicode 14.0 and 18.0, as it includes what is reserved for characters to come;
C{tests/wire/test_invisible.py} makes it, and fails if a newer Unicode has another.
"""

_BLANK = r"\u2800\U0001D159\U00013441-\U00013442"
"""Characters with an empty glyph, for which Unicode has no property: BRAILLE PATTERN BLANK,
MUSICAL SYMBOL NULL NOTEHEAD, EGYPTIAN HIEROGLYPH FULL BLANK and HALF BLANK.
"""

_INVISIBLE = re.compile(f"[{_DEFAULT_IGNORABLE}{_BLANK}]")


def first_invisible(text: str) -> str | None:
    """The first character of C{text} that cannot be seen; None if each of them can."""
    found = _INVISIBLE.search(text)
    return found and found[0]
