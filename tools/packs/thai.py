"""Write th.tsv and th-rtgs.tsv of perturbations/romanisations, and perturbations/input/th-words.tsv: written Thai.

    python tools/packs/thai.py CORPUS

CORPUS is the folder pythainlp/corpus of PyThaiNLP 5.4.0 (words_th.txt, syllables_th.txt, tnc_freq.txt). The tables have
the syllables that the frequent words consist of, each by the rules of the Royal Institute (1999); words that are read
otherwise than their letters are listed here. Typed Thai has further forms of a syllable: English vowels (ee, oo), and
consonants without their h.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

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
START: Final = {letter: form for letters, form in INITIALS.items() for letter in letters}
END: Final = {letter: form for letters, form in FINALS.items() for letter in letters}
CHAT_START: Final = {
    "จ": "j",
    "ก": "g",
    "ข": "k",
    "ค": "k",
    "ฆ": "k",
    "ถ": "t",
    "ท": "t",
    "ธ": "t",
    "ผ": "p",
    "พ": "p",
    "ภ": "p",
}
ONSET: Final = "(?P<on>ห[งญนมยรลว]|อย(?=[าู])|ทร|[กขคตปผพ][รลว]|[จซศส]ร|[ก-รลว-ฮ])"
LAST: Final = "(?P<end>[ก-รลว-ฮ]?)"
VOWELS: Final = (  # what is before the onset, after it, the form, what people type
    ("เ", "ียว", "iao", "iao"), ("เ", f"ีย{LAST}", "ia", "ia"), ("เ", "ือย", "ueai", "ueai"),
    ("เ", f"ือ{LAST}", "uea", "eua"),
    ("เ", "าะ", "o", "or"), ("เ", "า", "ao", "ao"), ("เ", "อะ", "oe", "er"), ("เ", f"อ{LAST}", "oe", "er"),
    ("เ", f"ิ{LAST}", "oe", "er"),
    ("เ", "ย", "oei", "oey"), ("เ", "ว", "eo", "ew"), ("เ", "ะ", "e", "e"), ("เ", f"็?{LAST}", "e", "e"),
    ("แ", "ะ", "ae", "ae"),
    ("แ", "ว", "aeo", "aew"), ("แ", f"็?{LAST}", "ae", "ae"), ("โ", "ะ", "o", "o"), ("โ", LAST, "o", "o"),
    ("[ใไ]", "ย?", "ai", "ai"),
    ("", "ัวะ?", "ua", "ua"), ("", "ัย", "ai", "ai"), ("", f"ั{LAST}", "a", "a"), ("", "ะ", "a", "a"),
    ("", "าย", "ai", "ai"),
    ("", "าว", "ao", "ao"), ("", f"า{LAST}", "a", "a"), ("", "ำ", "am", "am"), ("", "ิว", "io", "ew"),
    ("", f"ิ{LAST}", "i", "i"),
    ("", f"ี{LAST}", "i", "ee"), ("", f"ึ{LAST}", "ue", "ue"), ("", f"ือ?{LAST}", "ue", "eu"),
    ("", "ุย", "ui", "ui"), ("", f"ุ{LAST}", "u", "u"),
    ("", f"ู{LAST}", "u", "oo"), ("", "วย", "uai", "uay"), ("", "ว(?P<end>[ก-รลว-ฮ])", "ua", "ua"),
    ("", "็?อย", "oi", "oy"),
    ("", f"็?อ{LAST}", "o", "or"), ("", "รร(?P<end>[ก-รลว-ฮ])", "a", "a"), ("", "รร", "an", "an"),
    ("", "(?P<end>[ก-รลว-ฮ])", "o", "o"),
)  # fmt: skip
PATTERNS: Final = tuple((re.compile(f"{before}{ONSET}{after}"), form, chat) for before, after, form, chat in VOWELS)
TONES: Final = re.compile("[่้๊๋]")
SILENT: Final = re.compile("[ก-ฮ][ิุ]?์")

WORDS: Final = {
    "ตลาด": "talat", "ผลิต": "phalit", "สหรัฐ": "saharat", "ศาสตร์": "sat", "วิทยา": "witthaya", "แพทย์": "phaet",
    "สวัสดี": "sawatdi", "ขนม": "khanom", "ถนน": "thanon", "ตลก": "talok", "ประชาชน": "prachachon",
    "สถาบัน": "sathaban", "สังคม": "sangkhom",
    "นคร": "nakhon", "มหา": "maha", "วิทยาลัย": "witthayalai", "ศึกษา": "sueksa", "ภาษา": "phasa",
    "ราชการ": "ratchakan",
    "กรณี": "korani", "ธรรมชาติ": "thammachat", "วัฒนธรรม": "watthanatham", "รัฐบาล": "ratthaban",
    "กรม": "krom", "กลม": "klom",
    "ผล": "phon", "พล": "phon", "ชล": "chon", "พร": "phon", "กร": "kon", "จร": "chon", "อร": "on", "บริการ": "borikan",
    "บริษัท": "borisat", "ทราบ": "sap", "ทรง": "song", "จริง": "ching", "สร้าง": "sang",
    "เศรษฐกิจ": "setthakit", "ประเทศ": "prathet",
    "เพชร": "phet", "สามารถ": "samat", "พรหม": "phrom", "สมุทร": "samut", "จักร": "chak", "มิตร": "mit",
    "บัตร": "bat", "บุตร": "but",
    "กษัตริย์": "kasat", "พฤษภา": "phruetsapha", "ฤดู": "ruedu", "อังกฤษ": "angkrit", "ทฤษฎี": "thritsadi",
    "คณะ": "khana", "ขณะ": "khana",
    "สนาม": "sanam", "ตลอด": "talot", "ฉบับ": "chabap", "อนุญาต": "anuyat", "ชนิด": "chanit", "สมัย": "samai",
    "สมาคม": "samakhom",
    "ปัตตานี": "pattani", "สงขลา": "songkhla", "พังงา": "phangnga", "พิจิตร": "phichit", "สตูล": "satun",
    "นนทบุรี": "nonthaburi",
    "ชัยภูมิ": "chaiyaphum", "ชุมพร": "chumphon", "นพพร": "nopphon", "ระยอง": "rayong", "ระนอง": "ranong",
    "สุโขทัย": "sukhothai",
    "สุรินทร์": "surin", "ภูเก็ต": "phuket", "ก็": "ko", "ณ": "na", "ธ": "tha", "เวลา": "wela", "เสมอ": "samoe",
    "เฉพาะ": "chapho", "แสดง": "sadaeng",
    "แถลง": "thalaeng", "แสวง": "sawaeng", "เจริญ": "charoen", "เชลย": "chaloei", "เสด็จ": "sadet",
    "สวย": "suai", "รวย": "ruai", "ด้วย": "duai",
    "ช่วย": "chuai", "ป่วย": "puai", "ลูก": "luk", "ระ": "ra", "เขมร": "khamen", "องค์": "ong", "พระ": "phra",
    "เพราะ": "phro",
}  # fmt: skip
"""Words and parts of words whose sounds do not follow from their letters."""

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
    "Principles of Romanization for Thai Script by Transcription (Royal Institute 1999); syllables: PyThaiNLP 5.4.0"
)
TYPED: Final = (
    "as th-rtgs; spellings of chat: blogs.transparent.com/thai 2011, thairath.co.th 2879068; weights: authored"
)
LIST: Final = "PyThaiNLP 5.4.0, words_th.txt: the words that tnc_freq.txt has at least 20 times"


def romanised(syllable: str, *, chat: bool = False) -> str:
    """A syllable by the rules of the Royal Institute, or with the vowels that people type; "" where it is not one."""
    plain = TONES.sub("", SILENT.sub("", syllable))
    for text in (plain, plain.rstrip("ิุ")):
        for pattern, form, typed in PATTERNS:
            if match := pattern.fullmatch(text):
                groups = match.groupdict()
                end = END.get(groups.get("end") or "", "")
                vowel = typed if chat and not (typed == "or" and end) else form
                return onset(groups["on"], chat=chat) + vowel + end
    return ""


def onset(letters: str, *, chat: bool) -> str:
    """The consonants before a vowel; in chat some are written without their h."""
    if letters == "ทร":
        return "s"
    if len(letters) == 2 and (letters[0] in "หอ" or letters in ("จร", "ซร", "ศร", "สร")):
        letters = letters[1] if letters[0] in "หอ" else letters[0]
    first = CHAT_START.get(letters[0], START[letters[0]]) if chat else START[letters[0]]
    return first + "".join(START[letter] for letter in letters[1:])


def lists(corpus: Path) -> tuple[list[str], dict[str, str]]:
    """The frequent words, and the syllables with their forms."""
    count = dict(line.split("\t") for line in (corpus / "tnc_freq.txt").read_text("utf-8").splitlines() if "\t" in line)
    lines = (line.strip() for line in (corpus / "words_th.txt").read_text("utf-8").splitlines())
    words = [
        word for word in lines if THAI.fullmatch(word) and len(word) <= LONGEST and int(count.get(word, 0)) >= SEEN
    ]
    known = (line.strip() for line in (corpus / "syllables_th.txt").read_text("utf-8").splitlines())
    syllables = {text: form for text in known if THAI.fullmatch(text) and (form := romanised(text)) and len(text) > 1}
    return words, syllables


def used(words: list[str], syllables: Mapping[str, str]) -> dict[str, str]:
    """The syllables that the words are divided into, the longest first."""
    kept = {}
    for word in words:
        index = 0
        while index < len(word):
            sizes = range(min(8, len(word) - index), 0, -1)
            size = next((size for size in sizes if word[index : index + size] in syllables), 0)
            if size:
                part = word[index : index + size]
                kept[part] = syllables[part]
            index += size or 1
    return kept


def rows(syllables: Mapping[str, str], *, typed: bool) -> Iterator[str]:
    """The lines of a table."""
    for text, form in sorted({**syllables, **WORDS}.items()):
        forms = {form: 4}
        if typed:
            vowels = romanised(text, chat=True)
            forms[vowels if text not in WORDS and vowels else form.replace("kh", "k").replace("ph", "p")] = 3
        yield line(text, " ".join(forms), " ".join(map(str, forms.values())), condition(text), "")
    for text in REPEATED:
        yield line(text + "ๆ", 2 * romanised(text), "", "", "")
    for letter, form in START.items():
        yield line(letter, form + ("" if letter in "ฤฦ" else "a"), "", "", "")
        yield line(letter, END.get(letter, "∅"), "", "end", "")
        yield line(letter + "์", "∅", "", "", "")
    for sign, form in SIGNS.items():
        yield line(sign, form, "", "", "U" if sign in "ะัาำิีึืุู็่้๊๋" else "")
    if typed:
        for word, spellings in CHAT.items():
            parts = spellings.split()
            yield line(word, " ".join(parts[::2] or parts), " ".join(parts[1::2]), "word", "")


def condition(text: str) -> str:
    """Where a syllable is one: not where its last consonant has a vowel of its own."""
    if len(text) == 1:
        return "word"
    return "not-before:U" if text[-1] in START else ""


REPEATED: Final = (
    "ต่าง", "มาก", "เรื่อย", "บ่อย", "ดี", "เล็ก", "ใหญ่", "ช้า", "เร็ว", "หลาย", "คน", "อื่น", "แรก", "ใกล้",
    "เบา", "ง่าย", "เด็ก", "ใหม่", "เก่า", "นาน",
)  # fmt: skip
"""Syllables that are often written once, with the sign of repetition."""

SIGNS: Final = {
    "ะ": "a", "ั": "a", "า": "a", "ำ": "am", "ิ": "i", "ี": "i", "ึ": "ue", "ื": "ue", "ุ": "u", "ู": "u",
    "เ": "e", "แ": "ae", "โ": "o", "ใ": "ai",
    "ไ": "ai", "็": "∅", "่": "∅", "้": "∅", "๊": "∅", "๋": "∅", "์": "∅", "ๆ": "∅",
}  # fmt: skip
"""Signs outside the syllables that are listed."""


def line(letters: str, forms: str, weights: str, where: str, label: str) -> str:
    """A row; one form needs no weight."""
    return "\t".join((letters, forms, weights if " " in forms else "", where, label))


def main(corpus: Path) -> None:
    """Write the packs."""
    words, syllables = lists(corpus)
    kept = {text: form for text, form in used(words, syllables).items() if text not in WORDS}
    for name, source, typed in (("th-rtgs", RTGS, False), ("th", TYPED, True)):
        scheme = f"scheme: {'typed' if typed else 'rtgs'}\n# "
        head = HEAD.format(scheme=scheme, source=source, licence="Apache-2.0; syllables: CC0-1.0", standing="derived")
        table = head + "letters\tforms\tweights\twhere\tclass\n" + "\n".join(rows(kept, typed=typed)) + "\n"
        (FOLDER / "romanisations" / f"{name}.tsv").write_text(table, encoding="utf-8")
    head = HEAD.format(scheme="", source=LIST, licence="Apache-2.0; words: CC0-1.0", standing="derived")
    (FOLDER / "input" / "th-words.tsv").write_text(
        head + "word\n" + "\n".join(sorted({*words, *(text + "ๆ" for text in REPEATED)})) + "\n", encoding="utf-8"
    )
    print(f"{len(words):,} words, {len(kept):,} of {len(syllables):,} syllables")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
