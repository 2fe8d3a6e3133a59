"""Write th.tsv and th-rtgs.tsv of perturbations/romanisations, and perturbations/input/th-words.tsv: written Thai.

    python tools/packs/thai.py CORPUS TLTK

CORPUS is the folder pythainlp/corpus of PyThaiNLP 5.4.0 (words_th.txt, syllables_th.txt, tnc_freq.txt, the names of
provinces and countries), TLTK an unpacked wheel of TLTK 1.11, which reads them. The tables have the pieces that the
words consist of, at the end of a word and before another piece (ราช: rat, ratcha), each as the Royal Institute (1999)
writes its sounds, without hyphens; and the words in which pieces are read otherwise. Syllables that no word has are
written by rules of their letters. Typed Thai has further forms: English vowels (ee, oo), consonants without their h.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tools.packs.thai_readings import Reading, readings, romanised, typed

FOLDER: Final = Path(__file__).parents[2] / "perturbations"
SEEN: Final = 20
LONGEST: Final = 15
THAI: Final = re.compile("[ก-ฮะ-ฺเ-ไ็-์]+")

INITIALS: Final = {
    "ก": "k", "ขฃคฅฆ": "kh", "ง": "ng", "จฉชฌ": "ch", "ซศษส": "s", "ญย": "y", "ฎด": "d", "ฏต": "t",
    "ฐฑฒถทธ": "th", "ณน": "n",
    "บ": "b", "ป": "p", "ผพภ": "ph", "ฝฟ": "f", "ม": "m", "ร": "r", "ลฬ": "l", "ว": "w", "หฮ": "h", "อ": "",
    "ฤ": "rue", "ฦ": "lue",
}  # fmt: skip
FINALS: Final = {
    "กขคฆ": "k",
    "ง": "ng",
    "จชซฌฎฏฐฑฒดตถทธศษส": "t",
    "ญณนรลฬ": "n",
    "บปพฟภ": "p",
    "ม": "m",
    "ย": "i",
    "ว": "o",
}
LETTERS: Final = {letter: form for letters, form in INITIALS.items() for letter in letters}
ENDS: Final = {letter: form for letters, form in FINALS.items() for letter in letters}

UPPERS: Final = frozenset("ะัาำิีึืฺุู็่้๊๋์ํ")
TONES: Final = ("", "่", "้", "๊", "๋")
SHAPES: Final = {
    "เ{C}=า": "ao", "เ{C}=าะ": "o", "เ{C}ี=ย": "ia", "เ{C}ื=อ": "uea", "เ{C}=อ": "oe", "เ{C}=อะ": "oe", "เ{C}ิ=": "oe",
    "เ{C}=ย": "oei", "เ{C}=ว": "eo", "แ{C}=ว": "aeo", "เ{C}=": "e", "แ{C}=": "ae", "โ{C}=": "o", "เ{C}=ะ": "e",
    "แ{C}=ะ": "ae", "โ{C}=ะ": "o", "ใ{C}=": "ai", "ไ{C}=": "ai", "ไ{C}=ย": "ai", "{C}ั=ว": "ua", "{C}ั=ย": "ai",
    "{C}=าย": "ai", "{C}=าว": "ao", "{C}=อ": "o", "{C}ื=อ": "ue", "{C}=อย": "oi", "{C}ุ=ย": "ui", "{C}ิ=ว": "io",
}  # fmt: skip
"""Vowels around an initial, where = is a tone or none, and their forms."""

CLOSED: Final = {"เ{C}": "e", "เ{C}็": "e", "แ{C}": "ae", "แ{C}็": "ae", "โ{C}": "o"}
"""Vowels before one consonant, with a final after it."""

SILENT: Final = ("ทร์", "ตร์", "ดร์", "ฎร์", "ษณ์", "ทน์")
"""Two consonants that are silent together after a final."""

WEEK: Final = (
    "วันจันทร์", "วันอังคาร", "วันพุธ", "วันพฤหัสบดี", "วันศุกร์", "วันเสาร์", "วันอาทิตย์",
)  # fmt: skip
OTHERWISE: Final = {
    "มกราคม": "makarakhom", "กษัตริย์": "kasat", "พฤษภา": "phruetsapha", "นพพร": "nopphon", "ณ": "na", "ธ": "tha",
    "แทรก": "saek", "ไทร": "sai", "แผล": "phlae", "แปร": "prae", "ดาวศุกร์": "daosuk", "สายสิญจน์": "saisin",
    "ชัวร์": "chua", "ขัว": "khua", "คัว": "khua", "มัวร์": "mua", "สั่ว": "sua", "ฮั้ว": "hua",
    "กัวเตมาลา": "kuatemala", "ลิทัวเนีย": "lithuania", "พฤติกรรม": "phruettikam", "คติพจน์": "khatiphot",
    "จริ๊ง": "ching", "คลิก": "khlik", "คองเกรส": "khongkret", "คอนราด": "khonrat", "บริดจ์": "brit",
    "บริติช": "britit", "พลาซ่า": "phlasa", "พลาสติค": "phlatsatik", "พลาสติก": "phlatsatik", "มาดริด": "madrit",
    "มิสเตอร์": "mittoe", "มิวนิก": "mionik", "มิวสิก": "miosik", "วิกตอเรีย": "wiktoria", "ลิลลี่": "linli",
    "เยลลี่": "yenli", "วิลเลจ": "winlet", "ปลาสเตอร์": "plattoe", "แลนด์": "laen", "กราวนด์": "kraon",
    "ซาวนด์": "saon", "ซูเปอร์สตาร์": "supoesata", "ดาวดึงส์": "dawadueng", "ทรู": "thru", "ทศพล": "thotsaphon",
    "สมพล": "somphon", "บุคลากร": "bukkhalakon", "บุคลาธิษฐาน": "bukkhalathitthan", "พีช": "phit",
    "มนุษยศาสตร์": "manutsayasat", "ลักษมณ์": "lak", "วนอุทยาน": "wanautthayan", "อุทยาน": "utthayan",
    "วิป": "wip", "วิปโยค": "wippayok",
    "สคริปต์": "sakhrip", "สตริง": "satring", "สปริง": "sapring", "สมบูรณ์แบบ": "sombunbaep", "สรรพางค์": "sapphang",
    "สรีระ": "sarira", "สรีรางคาร": "sarirangkhan", "สฤษดิ์": "sarit", "สหัสวรรษ": "sahatsawat", "สอพลอ": "sophlo",
    "ฉะเชิงเทรา": "chachoengsao", "อรรถาธิบาย": "atthathibai", "อาร์กติก": "aktik", "อากรแสตมป์": "akonsataem",
    "อิลลินอยส์": "inlinoi", "เกรย์": "kre", "เพลย์": "phle", "สเปรย์": "sapre", "เกรเนดา": "krenada", "เมล์": "me",
    "เจลาติน": "chelatin", "เซรามิก": "seramik", "เนวาดา": "newada", "เลมอน": "lemon", "เวนิส": "wenit",
    "เรดาร์": "reda", "เมตริก": "mettrik", "เดบิต": "debit", "เนคไท": "nekthai", "เพนกวิน": "phenkwin",
    "เลคเชอร์": "lekchoe", "เอกซเรย์": "eksare", "เอกวาดอร์": "ekwado", "เอกอัครราชทูต": "ekakkhararatchathut",
    "เอลซัลวาดอร์": "ensanwado", "แคนยอน": "khaenyon", "แพท": "phaet", "แพทเทิร์น": "phaetthoen", "โควตา": "khota",
    "โมฆียกรรม": "mokhiyakam", "โลกุตรธรรม": "lokuttaratham", "โพรโทคอล": "phrothokhon", "โอษฐ์": "ot",
    "โฟล์ค": "fok", "โทรม": "som", "ไนเตรท": "naitret", "ไทมส์": "thai", "ไอริช": "airit", "ไนท์คลับ": "naikhlap",
    "แอดเดรส": "aetdret", "อิสลาม": "itsalam", "อิสราเอล": "itsaraen", "สัญชาตญาณ": "sanchattayan", "เบตง": "betong",
    "ทินเนอร์": "thinnoe", "ภาสกร": "phatsakon", "พาร์ทไทม์": "phatthai", "บอสเนีย": "botnia",
    "อัฟกานิสถาน": "afkanitsathan", "อุซเบกิสถาน": "utbekitsathan", "เติร์กเมนิสถาน": "toekmenitsathan",
    "เบลารุส": "belarut", "แพนด้า": "phaenda", "เอกซ์": "ek",
}  # fmt: skip
"""Words that TLTK does not read, or not as the dictionary of the Royal Institute does."""

CHAT: Final = {
    "สวัสดี": "sawasdee 5 sawatdee 2 sawadee 2", "ครับ": "krap 3 krub 3 krab 2 khrap 2", "ค่ะ": "ka 4 kha 3",
    "คะ": "ka 4 kha 3",
    "ขอบคุณ": "khobkhun 3 kobkhun 3 khopkhun 2 kobkun 1", "คุณ": "khun 6 kun 1", "อร่อย": "aroi 4 aroy 2",
    "ทำไม": "tammai 3 thammai 3",
    "เธอ": "ter 4 thoe 1 tur 1", "รัก": "rak 5 ruk 1", "กิน": "gin 3 kin 3", "ข้าว": "khao 3 kao 2",
    "ไทย": "thai", "ภาษา": "phasa 3 pasa 3",
    "เพื่อน": "puan 2 peuan 2 phuean 2", "ผม": "phom 3 pom 3", "จะ": "ja 4 cha 1", "ที่": "tee 3 thi 3 ti 1",
    "ใจ": "jai 4 chai 1", "สวย": "suay 3 suai 2",
}  # fmt: skip


HEAD: Final = """\
# language: th
# {scheme}source: {source}
# licence: {licence}
# standing: {standing}
# maker: tools/packs/thai.py
"""
RTGS: Final = (
    "Principles of Romanization for Thai Script by Transcription (Royal Institute 1999); "
    "words: PyThaiNLP 5.4.0; readings: TLTK 1.11"
)
TYPED: Final = (
    "as th-rtgs; spellings of chat: blogs.transparent.com/thai 2011, thairath.co.th 2879068; weights: authored"
)
LIST: Final = (
    "PyThaiNLP 5.4.0, words_th.txt: the words that tnc_freq.txt has at least 20 times; and its provinces and countries"
)


Cells = tuple[str, str, str, str, str]
"""Letters, forms, weights, condition and classes of a row."""


class Forms(NamedTuple):
    """What letters become by the standard, and as they are typed."""

    standard: str
    typed: str


class Row(NamedTuple):
    """Letters, their forms, and the condition."""

    letters: str
    forms: Forms
    where: str


WORDS: Final = {
    word: Forms(form, form.replace("kh", "k").replace("ph", "p").replace("th", "t")) for word, form in OTHERWISE.items()
}


def lists(corpus: Path) -> tuple[list[str], list[str]]:
    """The words, and the syllables that are not among them."""
    count = dict(line.split("\t") for line in (corpus / "tnc_freq.txt").read_text("utf-8").splitlines() if "\t" in line)
    frequent = [word for word in entries(corpus / "words_th.txt") if int(count.get(word, 0)) >= SEEN]
    names = [*entries(corpus / "thailand_provinces_th.csv"), *entries(corpus / "countries_th.txt")]
    words = {word for word in (*frequent, *names, *WEEK) if len(word) <= LONGEST}
    syllables = {text for text in entries(corpus / "syllables_th.txt") if len(text) > 1}
    return sorted(words), sorted(syllables - words)


def entries(path: Path) -> list[str]:
    """The first cells of a list that are Thai letters."""
    cells = (line.partition(",")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [text for text in cells if THAI.fullmatch(text)]


def spelt(reading: Reading) -> Forms:
    """The forms of a word; pieces that are a listed word together have its forms."""
    for size in range(len(reading), 0, -1):
        for first in range(len(reading) - size + 1):
            inner = reading[first : first + size]
            if forms := WORDS.get("".join(piece for piece, _ in inner)):
                return joined(spelt(reading[:first]), forms, spelt(reading[first + size :]))
    return joined(*(Forms(romanised(sounds), typed(sounds)) for _, sounds in reading))


def joined(*parts: Forms) -> Forms:
    """The forms of parts one after another."""
    return Forms("".join(part.standard for part in parts), "".join(part.typed for part in parts))


def pieces(known: Iterable[Reading]) -> Iterator[Row]:
    """Each piece as most words read it: at the end of a word, and before another piece."""
    last, others = dict[str, Counter[Forms]](), dict[str, Counter[Forms]]()
    for reading in known:
        for number, (piece, sounds) in enumerate(reading, 1):
            seen = last if number == len(reading) else others
            seen.setdefault(piece, Counter())[spelt(((piece, sounds),))] += 1
    for piece in sorted({*last, *others} - LETTERS.keys()):
        final, inner = usual(last, others, piece), usual(others, last, piece)
        if final.standard != inner.standard:
            yield from (Row(piece, final, where) for where in ("end", "before:E"))
        yield Row(piece, inner, whole(piece))


def usual(seen: Mapping[str, Counter[Forms]], otherwise: Mapping[str, Counter[Forms]], piece: str) -> Forms:
    """The forms of a piece that are most frequent, of two the first in the alphabet."""
    forms = seen.get(piece) or otherwise[piece]
    return min(forms, key=lambda form: (-forms[form], form))


def whole(letters: str) -> str:
    """Where letters are read so: not where the last consonant has a vowel of its own."""
    return "not-before:U" if letters[-1] in LETTERS else ""


def exceptions(rows: Iterable[Row], known: Mapping[str, Reading]) -> Iterator[Row]:
    """The words that the rows do not give, the shortest first, so that a compound of them needs no row."""
    table = dict[str, list[Row]]()
    for row in (*rows, *letters_alone()):
        table.setdefault(row.letters, []).append(row)
    for word in sorted({*known, *WORDS}, key=lambda word: (len(word), word)):
        forms = WORDS.get(word) or spelt(known[word])
        if divided(word, table) != forms.standard:
            row = Row(word, forms, "word" if word in table else whole(word))
            table.setdefault(word, []).insert(0, row)
            yield row


def letters_alone() -> Iterator[Row]:
    """The rows of what no word has, one for each letter."""
    for letters, form, _, where, _ in letter_by_letter():
        for letter, initial in LETTERS.items() if "{C}" in letters else (("", ""),):
            written = form.replace("{C}", initial).replace("∅", "")
            if where != "part":
                yield Row(letters.replace("{C}", letter), Forms(written, written), where)


def divided(word: str, table: Mapping[str, Sequence[Row]]) -> str:
    """A word by the rows of a table, the longest first."""
    written, start = "", 0
    while start < len(word):
        stop, row = next(applicable(word, start, table))
        written, start = written + row.forms.standard, stop
    return written


def applicable(word: str, start: int, table: Mapping[str, Sequence[Row]]) -> Iterator[tuple[int, Row]]:
    """The rows of letters that begin at a position, with where these end, the longest first."""
    for stop in range(len(word), start, -1):
        before, after = word[start - 1 : start], word[stop : stop + 1]
        truths = {
            "end": not after,
            "before:E": after in (*ENDING,),
            "word": stop - start == len(word),
            "before:U": after in UPPERS,
            "not-before:U": after not in UPPERS,
            "after:U": before in UPPERS,
            "after:K": before in LETTERS,
        }
        yield from ((stop, row) for row in table.get(word[start:stop], ()) if truths.get(row.where, True))


REPEATED: Final = (
    "ต่าง", "มาก", "เรื่อย", "บ่อย", "ดี", "เล็ก", "ใหญ่", "ช้า", "เร็ว", "หลาย", "คน", "อื่น", "แรก", "ใกล้",
    "เบา", "ง่าย", "เด็ก", "ใหม่", "เก่า", "นาน",
)  # fmt: skip
"""Syllables that are often written once, with the sign of repetition."""

SIGNS: Final = {
    "ะ": "a", "ั": "a", "า": "a", "ำ": "am", "ิ": "i", "ี": "i", "ึ": "ue", "ื": "ue", "ุ": "u", "ู": "u",
    "เ": "e", "แ": "ae", "โ": "o", "ใ": "ai",
    "ไ": "ai", "็": "∅", "่": "∅", "้": "∅", "๊": "∅", "๋": "∅", "์": "∅", "ๆ": "∅",
    "ํ": "∅", "ํา": "am", "ฺ": "∅", "๎": "∅", "ฯ": "∅",
}  # fmt: skip
"""Signs outside the syllables that are listed."""


SHORT: Final = {"ฯลฯ": "laeuenuen", "ฯพณฯ": "phanathan"}
"""Abbreviations that are words with ฯ at both ends."""

ENDING: Final = "ฯๆ"
"""What is written after a whole word, which is read as at its end."""


def letter_by_letter() -> Iterator[Cells]:
    """The rows of syllables that no word has."""
    for letter, form in LETTERS.items():
        yield letter, form or "∅", "", "part", "C K"
    yield from vowels()
    for pair in SILENT:
        yield pair, "∅", "", "after:K", ""
    yield "อ", "o", "", "word", ""
    for word, form in SHORT.items():
        yield word, form, "", "", ""
    for letter, form in LETTERS.items():
        yield from alone(letter, form)
    for sign, form in SIGNS.items():
        yield sign, form, "", "", "U" if sign in UPPERS else "E" if sign in ENDING else ""


def vowels() -> Iterator[Cells]:
    """The rows of vowels around an initial, with and without a final."""
    for shape, vowel in SHAPES.items():
        where = "not-before:U" if shape[-1] in "ยวอ" else ""
        yield from ((shape.replace("=", tone), "{C}" + vowel, "", where, "") for tone in TONES)
    for shape, vowel in CLOSED.items():
        for letter in sorted(ENDS.keys() - {"ย", "ว"}):
            yield shape + letter, "{C}" + vowel + ENDS[letter], "", "not-before:U", ""


def alone(letter: str, form: str) -> Iterator[Cells]:
    """The rows of a consonant: before a vowel, after one, alone, and silent."""
    yield letter, form or "∅", "", "before:U", ""
    yield from ((letter, ENDS.get(letter, "∅"), "", where, "") for where in ("end", "before:E"))
    if letter in ENDS:
        yield letter, ENDS[letter], "", "after:U", ""
    yield letter, form + ("" if letter in "ฤฦ" else "a"), "", "", ""
    yield from ((letter + vowel + "์", "∅", "", "", "") for vowel in ("", "ิ", "ุ"))


def lines(rows: Iterable[Row], chatted: bool) -> Iterator[str]:
    """The lines of a table."""
    for row in sorted(rows, key=lambda row: row.letters):
        if chatted and row.where == "word" and row.letters in CHAT:
            continue
        forms = {row.forms.standard: 4, **({row.forms.typed: 3} if chatted else {})}
        yield line(row.letters, " ".join(forms), " ".join(map(str, forms.values())), row.where, "")
    for cells in letter_by_letter():
        yield line(*cells)
    if chatted:
        for word, spellings in CHAT.items():
            parts = spellings.split()
            yield line(word, " ".join(parts[::2] or parts), " ".join(parts[1::2]), "word", "")


def line(letters: str, forms: str, weights: str, where: str, label: str) -> str:
    """A row; one form needs no weight."""
    return "\t".join((letters, forms, weights if " " in forms else "", where, label))


def rows_of(words: Iterable[str], syllables: Iterable[str], folder: Path) -> list[Row]:
    """The rows of pieces, of words that are signs twice, and of exceptions."""
    known = readings(sorted({*words, *syllables, *REPEATED}), folder)
    rows = list(pieces(known.values()))
    for text in REPEATED:
        forms = spelt(known[text])
        rows.append(Row(text + "ๆ", Forms(2 * forms.standard, 2 * forms.typed), ""))
    return rows + list(exceptions(rows, {word: known[word] for word in words if word in known}))


def main(corpus: Path, folder: Path) -> None:
    """Write the packs."""
    words, syllables = lists(corpus)
    rows = rows_of(words, syllables, folder)
    for name, source, chatted in (("th-rtgs", RTGS, False), ("th", TYPED, True)):
        scheme = f"scheme: {'typed' if chatted else 'rtgs'}\n# "
        licence = "Apache-2.0, BSD-3-Clause (readings of TLTK 1.11, text in LICENSE-TLTK.txt); syllables: CC0-1.0"
        head = HEAD.format(scheme=scheme, source=source, licence=licence, standing="derived")
        table = head + "letters\tforms\tweights\twhere\tclass\n" + "\n".join(lines(rows, chatted)) + "\n"
        (FOLDER / "romanisations" / f"{name}.tsv").write_text(table, encoding="utf-8")
    head = HEAD.format(scheme="", source=LIST, licence="Apache-2.0; words: CC0-1.0", standing="derived")
    listed = sorted({*words, *SHORT, *(text + "ๆ" for text in REPEATED)})
    (FOLDER / "input" / "th-words.tsv").write_text(head + "word\n" + "\n".join(listed) + "\n", encoding="utf-8")
    print(f"{len(words):,} words, {len(rows):,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
