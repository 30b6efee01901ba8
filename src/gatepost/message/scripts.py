# SPDX-License-Identifier: Apache-2.0
"""The writing system of a character, for the scripts that mail is written in (Unicode Standard Annex 24).

The table follows the blocks of Unicode; `Common` are letters that many scripts share, `Other` those of scripts that
are not in the table. Only letters are asked for: what a block holds besides them does not matter here.
"""

from bisect import bisect_right

_RANGES: dict[str, str] = {
    "Latin": "0041-005A 0061-007A 00AA 00BA 00C0-00D6 00D8-00F6 00F8-02B8 02E0-02E4 1D00-1D25 1D2C-1D5C 1D62-1D65 1D6B-1D77 1D79-1DBE "
    "1E00-1EFF 2071 207F 2090-209C 212A-212B 2132 214E 2160-2188 2C60-2C7F A722-A787 A78B-A7FF AB30-AB5A AB5C-AB64 AB66-AB69 FB00-FB06 "
    "FF21-FF3A FF41-FF5A 1DF00-1DFFF",
    "Greek": "0370-0373 0376-037D 037F 0386-03E1 03F0-03FF 1D26-1D2A 1D5D-1D61 1D66-1D6A 1DBF 1F00-1FFF 2126 AB65",
    "Coptic": "03E2-03EF 2C80-2CFF",
    "Cyrillic": "0400-052F 1C80-1C8F 1D2B 1D78 A640-A69F 1E030-1E08F",
    "Glagolitic": "2C00-2C5F",
    "Armenian": "0530-058F FB13-FB17",
    "Hebrew": "0590-05FF FB1D-FB4F",
    "Arabic": "0600-063F 0641-06FF 0750-077F 0870-08FF FB50-FDFF FE70-FEFC 1EE00-1EEFF",
    "Syriac": "0700-074F 0860-086F",
    "Thaana": "0780-07BF",
    "Nko": "07C0-07FF",
    "Devanagari": "0900-097F A8E0-A8FF",
    "Bengali": "0980-09FF",
    "Gurmukhi": "0A00-0A7F",
    "Gujarati": "0A80-0AFF",
    "Oriya": "0B00-0B7F",
    "Tamil": "0B80-0BFF",
    "Telugu": "0C00-0C7F",
    "Kannada": "0C80-0CFF",
    "Malayalam": "0D00-0D7F",
    "Sinhala": "0D80-0DFF",
    "Thai": "0E00-0E7F",
    "Lao": "0E80-0EFF",
    "Tibetan": "0F00-0FFF",
    "Myanmar": "1000-109F A9E0-A9FF AA60-AA7F",
    "Georgian": "10A0-10FA 10FC-10FF 1C90-1CBF 2D00-2D2F",
    "Hangul": "1100-11FF 3130-318F A960-A97F AC00-D7FF FFA0-FFDC",
    "Ethiopic": "1200-139F 2D80-2DDF AB00-AB2F",
    "Cherokee": "13A0-13FF AB70-ABBF",
    "Canadian_Aboriginal": "1400-167F 18B0-18FF",
    "Khmer": "1780-17FF",
    "Mongolian": "1800-18AF",
    "Tifinagh": "2D30-2D7F",
    "Hiragana": "3041-309F 1B001-1B11F",
    "Katakana": "30A0-30FB 30FD-30FF 31F0-31FF FF66-FF6F FF71-FF9D",
    "Bopomofo": "3100-312F 31A0-31BF",
    "Han": "2E80-2FDF 3005 3007 3021-3029 3038-303B 3400-4DBF 4E00-9FFF F900-FAFF 20000-323AF",
    "Yi": "A000-A4CF",
    "Javanese": "A980-A9DF",
    "Common": "00B5 02B9-02DF 02E5-02FF 0374 0640 10FB 2000-2070 2072-207E 2080-208F 20A0-2125 2127-2129 212C-2131 2133-214D 214F-215F "
    "2189-2BFF 3000-3004 3006 3031-3037 303C-303F 30FC 3190-319F 31C0-31EF 3200-33FF A700-A721 A788-A78A FF70 FF9E-FF9F 1D400-1D7FF",
}

SCRIPTS = frozenset(_RANGES) | {"Other"}
"""The names that `script_of` gives."""


def _table() -> tuple[list[int], list[int], list[str]]:
    rows = []
    for script, ranges in _RANGES.items():
        for one in ranges.split():
            first, _, last = one.partition("-")
            rows.append((int(first, 16), int(last or first, 16), script))
    rows.sort()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


_FIRSTS, _LASTS, _NAMES = _table()


def script_of(letter: str) -> str:
    """Give the script of one letter."""
    number = ord(letter)
    at = bisect_right(_FIRSTS, number) - 1
    return _NAMES[at] if at >= 0 and number <= _LASTS[at] else "Other"
