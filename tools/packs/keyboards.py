"""Make `perturbations/keyboards/` from xkeyboard-config.

    python -m tools.packs.keyboards /usr/share/X11/xkb

reads `keyboards.tsv` beside this file, which lists the layouts, and `keyboard_languages.tsv`, which lists what other
sources say of their languages, and writes one pack for each.
"""

from __future__ import annotations

import csv
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from tools.packs.keysyms import DEAD, typed
from tools.packs.xkb import Keys, symbols

VERSION: Final = "2.35.1"
TABLE: Final = Path(__file__).with_name("keyboards.tsv")
NAMED: Final = Path(__file__).with_name("keyboard_languages.tsv")
TARGET: Final = Path(__file__).parents[2] / "perturbations" / "keyboards"
LEVELS: Final = ("plain", "shift", "altgr", "shift_altgr")

# Our codes of languages by ISO 639-3, as rules/base.xml names them; Twi is a member of the macrolanguage Akan.
CODES: Final = {
    "aka": "tw", "ara": "ar", "aze": "az", "bam": "bm", "ben": "bn", "bul": "bg", "deu": "de", "ell": "el", "eng": "en",
    "est": "et", "ewe": "ee", "fas": "fa", "fin": "fi", "fon": "fon", "fra": "fr", "guj": "gu", "hau": "ha",
    "heb": "he", "hin": "hi", "hun": "hu", "ibo": "ig", "ind": "id", "ita": "it", "jpn": "ja", "kat": "ka",
    "kaz": "kk", "kor": "ko", "lit": "lt", "mal": "ml", "mar": "mr", "msa": "ms", "mya": "my", "nld": "nl",
    "pan": "pa", "pol": "pl", "por": "pt", "ron": "ro", "rus": "ru", "spa": "es", "swa": "sw", "tam": "ta",
    "tel": "te", "tgl": "tl", "tha": "th", "tsn": "tn", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi",
    "wol": "wo", "yor": "yo", "zho": "zh",
}  # fmt: skip

# The left end of each row on a pc's keyboard, in key pitches (xkeyboard-config, geometry/pc): rows E, D, C, B.
_ROWS: Final = (
    (0.0, ("TLDE", *(f"AE{number:02}" for number in range(1, 14)))),
    (1.5, tuple(f"AD{number:02}" for number in range(1, 13))),
    (1.75, tuple(f"AC{number:02}" for number in range(1, 13))),
    (1.25, ("LSGT", *(f"AB{number:02}" for number in range(1, 12)))),
)
# What Compose makes of the lam-alef ligatures (libX11, nls/en_US.UTF-8/Compose.pre): the two letters.
_LIGATURES: Final = range(0xFEF5, 0xFEFD)


class Row(NamedTuple):
    """A row of keys: where its first key is, and the names of all."""

    offset: float
    names: tuple[str, ...]


class Wanted(NamedTuple):
    """A row of the table."""

    pack: str
    file: str
    variant: str
    form: str
    also: str
    default: str


def wanted() -> list[Wanted]:
    """The layouts that are made."""
    return [Wanted(**row) for row in _table(TABLE)]


def named(name: str) -> dict[str, str]:
    """The languages that other sources name for a layout, and what each source says."""
    return {row["language"]: row["source"] for row in _table(NAMED) if row["pack"] == name}


def _table(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))


def rows(keys: Keys, form: str) -> tuple[Row, ...]:
    """The rows of keys that a layout defines, where they are on a keyboard of that form."""
    key_rows = [(offset, list(names)) for offset, names in _ROWS]
    if "AC12" not in keys:
        key_rows[1 if form == "ansi" else 2][1][12:] = ["BKSL"]
        key_rows[2][1][11:] = [] if form == "ansi" else ["BKSL"]
    return tuple(_present(offset, names, keys) for offset, names in key_rows)


def _present(offset: float, names: list[str], keys: Keys) -> Row:
    """A row from its first key that there is to its last."""
    there = [at for at, name in enumerate(names) if name in keys]
    return Row(offset + there[0], tuple(names[there[0] : there[-1] + 1]))


def layout(folder: Path, file: str, variant: str, form: str) -> Keys:
    """The keys of a layout on a keyboard of that form."""
    keys = symbols(folder, file, variant).keys
    if form == "iso" and "AC12" not in keys and "LSGT" not in keys:
        keys = {"LSGT": symbols(folder, "pc", "pc105").keys["LSGT"], **keys}
    return keys


def text(keysym: str) -> str:
    """What a keysym leaves in a text, in NFC; ligatures as their letters."""
    character = typed(keysym)
    if character and ord(character[0]) in _LIGATURES:
        return unicodedata.normalize("NFKC", character)
    return unicodedata.normalize("NFC", character)


def level(keys: Keys, name: str, at: int) -> str:
    """What a key types at a level."""
    names = keys.get(name, ())
    return text(names[at]) if at < len(names) else ""


def cell(content: str) -> str:
    """What a pack writes for it: marks on a circle, what cannot be seen by its number, nothing as `--`."""
    if content.startswith(DEAD):
        return f"{DEAD}\u25cc{content.removeprefix(DEAD)}"
    if len(content) == 1 and unicodedata.category(content) in ("Cf", "Zs", "Zl", "Zp", "Cc", "Cn", "Co"):
        return f"U+{ord(content):04X}"
    marks = bool(content) and unicodedata.category(content[0]).startswith("M")
    return (f"\u25cc{content}" if marks else content) or "--"


def pack(folder: Path, keyboard: Wanted) -> str:
    """The text of a pack."""
    keys = layout(folder / "symbols", keyboard.file, keyboard.variant, keyboard.form)
    title, registry = registered(folder, keyboard)
    others = named(keyboard.pack)
    languages = sorted({*registry, *others})
    also = sorted(set(keyboard.also.split()) - set(languages))
    lines = rows(keys, keyboard.form)
    variant = f"variant {keyboard.variant}" if keyboard.variant else "its default variant"
    origin = (f"xkeyboard-config {VERSION}, symbols/{keyboard.file}, {variant}", *map(": ".join, others.items()))
    head = {
        "title": quoted(title),
        "languages": listed(languages),
        "also": listed(also),
        "default": listed(keyboard.default.split()),
        "source": quoted("; ".join(origin)),
        "licence": quoted("X11"),
        "standing": quoted("attested"),
        "offsets": "[" + ", ".join(f"{line.offset:g}" for line in lines) + "]",
    }
    shown = (f"{key} = {value}\n" for key, value in head.items() if value != "[]" or key == "languages")
    return "".join((*shown, *(block(keys, lines, at) for at in range(len(LEVELS)))))


def block(keys: Keys, lines: tuple[Row, ...], at: int) -> str:
    """One level, as the keyboard shows it; nothing where no key types anything at it."""
    cells = [[cell(level(keys, name, at)) for name in line.names] for line in lines]
    if all(cell == "--" for row in cells for cell in row):
        return ""
    shown = (" " * round(2 * line.offset) + " ".join(row) for line, row in zip(lines, cells, strict=True))
    return f"{LEVELS[at]} = '''\n" + "".join(f"{row}\n" for row in shown) + "'''\n"


def quoted(value: str) -> str:
    """A TOML string."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(values: list[str]) -> str:
    """A TOML list of strings."""
    return "[" + ", ".join(map(quoted, values)) + "]"


def registered(folder: Path, keyboard: Wanted) -> tuple[str, list[str]]:
    """The title of a variant and our codes of its languages, those of its layout where it names none itself."""
    element = next(
        item
        for item in ET.parse(folder / "rules" / "base.xml").iter("layout")
        if item.findtext("configItem/name") == keyboard.file
    )
    items = [item for item in element.iter("variant") if item.findtext("configItem/name") == keyboard.variant]
    title = (items or [element])[0].findtext("configItem/description") or keyboard.pack
    codes = list(_codes((items or [element])[0])) or list(_codes(element))
    return title, sorted({CODES[code] for code in codes if code in CODES})


def _codes(item: ET.Element) -> Iterator[str]:
    return (code.text or "" for code in item.findall("configItem/languageList/iso639Id"))


def main() -> None:
    """Write every pack of the table."""
    folder = Path(sys.argv[1])
    TARGET.mkdir(parents=True, exist_ok=True)
    for keyboard in wanted():
        (TARGET / f"{keyboard.pack}.toml").write_text(pack(folder, keyboard), encoding="utf-8")


if __name__ == "__main__":
    main()
