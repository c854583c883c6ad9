"""Nothing of a corpus steers a terminal."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from lmbench.text.printable import printable


def test_control_characters_are_spelled():
    assert printable("\x1b[31m빨강\x1b[0m") == r"\x1b[31m빨강\x1b[0m"
    assert printable("a\u202eb\x9bc\u2066\x7f\n\t") == r"a\u202eb\x9bc\u2066\x7f\n\t"


def test_what_scripts_are_spelled_with_stays():
    for text in ("배가 고프다", "می‌خواهم", "क्‍ष", "👩‍🚀", "e\u0301", r"\x1b"):
        assert printable(text) == text


@given(st.text(st.characters(exclude_categories=[])))
def test_nothing_that_is_shown_is_a_control(text):
    shown = printable(text)
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Zl", "Zp", "Cs"}
    assert not {unicodedata.bidirectional(sign) for sign in shown} & {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip
    assert printable(shown) == shown
    shown.encode()
