"""Write perturbations/romanisations/ko.tsv and ko-revised.tsv: how Korean is written in Latin letters.

    python tools/packs/hangul.py

Rows are of jamo: vowels, initials, finals, and each pair of a final and the next initial that sounds different from the
two alone. The sounds are those of the Standard Pronunciation Rules (1988, articles 8 to 20) that the Revised
Romanization of 2000 writes; it does not write that consonants become tense. Where an n is put in between the parts of
a word (article 29), its letters do not show it: there are rows of words. Typed Korean has the same rows, with the
other spellings of a jamo that names and chat have.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

TARGET: Final = Path(__file__).parents[2] / "perturbations" / "romanisations"
INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS: Final = "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
L, V, T = 0x1100, 0x1161, 0x11A8


def _list(forms: str) -> list[str]:
    return forms.split()


START: Final = dict(zip(INITIALS, _list("g kk n d tt r m b pp s ss ∅ j jj ch k t p h"), strict=True))
SPOKEN: Final = dict(zip(VOWELS, _list("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"), strict=True))
END: Final = dict(zip(FINALS, _list("k k k n n n t l k m l l l p l m p p t t ng t t k t p t"), strict=True))
"""What a final sounds like before nothing, or before a consonant that does not change it."""

CARRIED: Final = dict(
    zip(FINALS, _list("g kk gs n nj n d r lg lm lb ls lt lp r m b ps s ss ng j ch k t p ∅"), strict=True)
)
"""What a final sounds like before a vowel, to which it is carried over."""

ASPIRATED: Final = {"ㄱ": "k", "ㄷ": "t", "ㅈ": "ch"}
BREATHED: Final = {"ㄵ": "nch", "ㄺ": "lk", "ㄼ": "lp", "ㅈ": "ch"}
"""Finals that sound different before ㅎ from an aspirated k, t or p."""

OF_H: Final = {"ㅎ": "", "ㄶ": "n", "ㅀ": "l"}
PALATAL: Final = {"ㄷ": "j", "ㅌ": "ch", "ㄾ": "lch"}
NASAL: Final = {"k": "ng", "t": "n", "p": "m"}

NOT_L: Final = {"밟": "ba"}
"""Syllables with ㄼ that keep p, and not l, before a consonant (article 10), without their final."""

VARIANTS: Final = {
    "ㅏ": "a 30 ah 1", "ㅐ": "ae 8 e 1", "ㅓ": "eo 8 u 2 o 1", "ㅔ": "e 12 eh 1", "ㅕ": "yeo 8 yu 1 yo 1",
    "ㅚ": "oe 4 oi 1",
    "ㅜ": "u 6 oo 3", "ㅠ": "yu 4 yoo 1", "ㅡ": "eu 8 u 2", "ㅢ": "ui 5 eui 1", "ㅣ": "i 12 ee 1",
    "ㅝ": "wo 5 weo 1",
    "ㄱ": "g 3 k 1", "ㄷ": "d 5 t 1", "ㅂ": "b 6 p 1", "ㅈ": "j 8 z 1", "ㄹ": "r 6 l 1", "ㄲ": "kk 4 gg 1",
    "ㅉ": "jj 6 zz 1",
}  # fmt: skip
"""Other spellings of a jamo, with their weights, where it is not part of a pair."""

ENDINGS: Final = {"k": "k 4 g 1", "p": "p 5 b 1", "t": "t 8 d 1", "l": "l 8 r 1"}
SPELT: Final = {"ᄉ{}": ("ㅣ", "si 3 shi 2"), "ᄋ{}": ("ㅜ", "u 4 woo 2 oo 1")}

WORDS: Final = {
    "학여울": "hangnyeoul", "알약": "allyak", "꽃잎": "kkonnip", "서울역": "seoullyeok", "신문로": "sinmunno",
    "생산량": "saengsannyang", "묵호": "mukho", "집현전": "jiphyeonjeon", "축하": "chukha", "북한": "bukhan",
    "국회": "gukhoe",
    "역할": "yeokhal", "입학": "iphak", "법학": "beophak", "백화점": "baekhwajeom", "직할시": "jikhalsi",
    "닭고기": "dakgogi",
    "급행": "geuphaeng", "낙하": "nakha", "독학": "dokhak", "속초": "sokcho",
    "넓죽": "neopjuk", "넓적": "neopjeok", "넓둥글": "neopdunggeul",
}  # fmt: skip
"""Words that are not pronounced by the rules of their letters alone, and nouns, in which ㅎ is written after a stop."""

N_PUT_IN: Final = {
    "솜이불": "somnibul", "홑이불": "honnibul", "막일": "mangnil", "삯일": "sangnil", "맨입": "maennip",
    "내복약": "naebongnyak", "한여름": "hannyeoreum", "남존여비": "namjonnyeobi", "신여성": "sinnyeoseong",
    "색연필": "saengnyeonpil", "직행열차": "jikhaengnyeolcha", "늑막염": "neungmangnyeom", "콩엿": "kongnyeot",
    "담요": "damnyo", "눈요기": "nunnyogi", "영업용": "yeongeomnyong", "식용유": "sigyongnyu",
    "백분율": "baekbunnyul", "밤윷": "bamnyut", "솔잎": "sollip", "설익": "seollik", "물약": "mullyak",
    "불여우": "bullyeou", "물엿": "mullyeot", "휘발유": "hwiballyu", "검열": "geomnyeol", "금융": "geumnyung",
    "서른여섯": "seoreunnyeoseot", "스물여섯": "seumullyeoseot",
}  # fmt: skip
"""The examples of article 29: an n is put in between two parts of a word, which its letters do not show. 들일 is left
out, since a form of 들이다 is spelt so too, and so are those of two words."""

MORE_N: Final = {
    "지하철역": "jihacheollyeok", "전철역": "jeoncheollyeok", "부산역": "busannyeok", "강남역": "gangnamnyeok",
    "용산역": "yongsannyeok", "수원역": "suwonnyeok", "대전역": "daejeonnyeok", "시청역": "sicheongnyeok",
    "열여섯": "yeollyeoseot", "열여덟": "yeollyeodeol", "북유럽": "bungnyureop", "올여름": "ollyeoreum",
    "늦여름": "neunnyeoreum", "생활양식": "saenghwallyangsik", "행동양식": "haengdongnyangsik",
    "나뭇잎": "namunnip", "깻잎": "kkaennip", "풀잎": "pullip", "은행잎": "eunhaengnip", "단풍잎": "danpungnip",
    "집안일": "jibannil", "바깥일": "bakkannil", "부엌일": "bueongnil", "앞일": "amnil", "뒷일": "dwinnil",
    "볼일": "bollil", "별일": "byeollil", "웬일": "wennil", "두통약": "dutongnyak", "소독약": "sodongnyak",
    "구급약": "gugeumnyak", "관절염": "gwanjeollyeom", "결막염": "gyeolmangnyeom", "장염": "jangnyeom",
    "공업용": "gongeomnyong", "농업용": "nongeomnyong", "상업용": "sangeomnyong", "학습용": "hakseumnyong",
    "윤활유": "yunhwallyu", "국민윤리": "gungminnyulli", "중국요리": "junggungnyori",
}  # fmt: skip
"""More words of that kind."""

ATTESTED: Final = {
    "오빠": "oppa", "언니": "unnie 4 unni 3 eonni 2", "누나": "noona 3 nuna 2", "형": "hyung 4 hyeong 1",
    "막내": "maknae",
    "대박": "daebak", "아저씨": "ahjussi 3 ajeossi 2", "아줌마": "ahjumma 3 ajumma 2", "동생": "dongsaeng",
    "김": "kim 8 gim 1", "박": "park 8 pak 1 bak 1", "최": "choi 8 choe 1", "이": "i 4 lee 2 yi 1",
    "정": "jung 3 jeong 4 chung 1",
    "유": "yu 3 yoo 2 you 1", "권": "kwon 4 gwon 1", "장": "jang 6 chang 1", "서울": "seoul",
    "한국": "hanguk 5 hankook 1 hankuk 1",
    "우리": "uri 4 woori 2", "안녕하세요": "annyeonghaseyo 5 annyonghaseyo 1 anyeonghaseyo 1",
    "감사합니다": "gamsahamnida 4 kamsahamnida 3", "고마워": "gomawo", "미안해": "mianhae",
    "사랑해": "saranghae",
}  # fmt: skip

HEAD: Final = """\
# language: ko
# scheme: {scheme}
# source: {source}
# licence: Apache-2.0; which letters are written how is a fact of the sources
# standing: {standing}
# form: NFD
# maker: tools/packs/hangul.py
letters\tforms\tweights\twhere\tclass\tstanding\tsource
"""
RULES: Final = "Romanization of Korean (Ministry of Culture and Tourism, 2000-8), Standard Pronunciation Rules"
ARTICLE_29: Final = "Standard Pronunciation Rules (1988), article 29, examples"
CHAT: Final = "names and terms of fans in English: lgzsoldos.blogspot.com 2009, dramafever.com, banchanblog.com"


class Row(NamedTuple):
    """Letters, their forms with weights, and where they are this."""

    letters: str
    forms: str
    where: str = ""
    label: str = ""
    standing: str = ""
    source: str = ""

    def line(self) -> str:
        """The row as a line of the table."""
        parts = self.forms.split()
        forms, weights = (parts[::2], parts[1::2]) if len(parts) > 1 else (parts, [])
        return "\t".join(
            (self.letters, " ".join(forms), " ".join(weights), self.where, self.label, self.standing, self.source)
        )


def initial(jamo: str) -> str:
    """The conjoining initial of a jamo."""
    return chr(L + INITIALS.index(jamo))


def final(jamo: str) -> str:
    """The conjoining final of a jamo."""
    return chr(T + FINALS.index(jamo))


def vowel(jamo: str) -> str:
    """The conjoining vowel of a jamo."""
    return chr(V + VOWELS.index(jamo))


def pair(end: str, start: str) -> str:
    """What a final and the next initial sound like."""
    sound = END[end]
    if start == "ㅇ":
        return CARRIED[end]
    if end in OF_H and start in ASPIRATED:
        return OF_H[end] + ASPIRATED[start]
    if end in OF_H and start == "ㅅ":
        return OF_H[end] + "s"
    if start == "ㅎ" and (end in BREATHED or sound in NASAL):
        return BREATHED.get(end, sound)
    if start in "ㄴㅁ" and sound in NASAL:
        return NASAL[sound] + START[start]
    if start == "ㄹ" and sound not in "ln":
        return NASAL.get(sound, sound) + "n"
    if (sound, start) in (("l", "ㄴ"), ("n", "ㄹ"), ("l", "ㄹ")):
        return "ll"
    return sound + START[start]


def pairs(*, typed: bool) -> Iterator[Row]:
    """The pairs of a final and an initial that do not sound like the two alone."""
    for end in FINALS:
        for start in INITIALS:
            sound, alone = pair(end, start), END[end] + START[start].replace("∅", "")
            if sound != alone or (end == "ㅇ" and start == "ㅇ") or (typed and start == "ㅇ"):
                yield Row(final(end) + initial(start), sound or "∅")
        if end in PALATAL:
            for following in "ㅣㅕ":
                form = PALATAL[end] + SPOKEN[following]
                yield Row(final(end) + initial("ㅇ") + vowel(following), form)
                if end == "ㄷ":
                    yield Row(final(end) + initial("ㅎ") + vowel(following), "ch" + SPOKEN[following])
    for syllable, form in NOT_L.items():
        for start in INITIALS.replace("ㅇ", "").replace("ㅎ", ""):
            yield Row(syllable + initial(start), form + pair("ㅂ", start))
    for following in ("ㅗ", "ㅔ", "ㅓ"):
        yield Row(final("ㄺ") + initial("ㄱ") + vowel(following), "lg" + SPOKEN[following])


def single(jamo: str, form: str, *, typed: bool) -> str:
    """The forms of a jamo by itself."""
    return VARIANTS.get(jamo, form) if typed else form


def loose() -> Iterator[Row]:
    """Jamo outside syllables, as in chat (ㅋㅋ, ㅠㅠ)."""
    for jamo in dict.fromkeys(INITIALS + FINALS + VOWELS):
        form = START.get(jamo) or SPOKEN.get(jamo) or CARRIED[jamo]
        yield Row(jamo, "ng" if jamo == "ㅇ" else form)


def _class(end: str) -> str:
    """The name of the class of one final."""
    return "".join(filter(str.isalpha, unicodedata.name(end).removeprefix("HANGUL JONGSEONG ").title()))


def _open(word: str, form: str, standing: str = "", source: str = "") -> Row:
    """The row of a word up to its last final, which has to follow, and may be carried over to an ending."""
    jamo = unicodedata.normalize("NFD", word)
    sound = {final(end): sound for end, sound in END.items()}.get(jamo[-1])
    if sound is None:
        return Row(word, form, "start", "", standing, source)
    written, where = form.removesuffix(sound), f"start before:{_class(jamo[-1])}"
    return Row(unicodedata.normalize("NFC", jamo[:-1]), written, where, "", standing, source)


def rows(*, typed: bool) -> Iterator[Row]:
    """The rows of a table."""
    for jamo, form in START.items():
        yield Row(initial(jamo), single(jamo, form, typed=typed))
    for jamo, form in SPOKEN.items():
        yield Row(vowel(jamo), single(jamo, form, typed=typed))
    for jamo, form in END.items():
        yield Row(final(jamo), ENDINGS.get(form, form) if typed else form, "", _class(final(jamo)))
    yield from pairs(typed=typed)
    yield from loose()
    if typed:
        for letters, (jamo, forms) in SPELT.items():
            yield Row(letters.format(vowel(jamo)), forms)
        for word, forms in ATTESTED.items():
            yield Row(word, forms, "word", "", "attested", CHAT)
    for word, form in WORDS.items():
        yield _open(word, form)
    for word, form in N_PUT_IN.items():
        yield _open(word, form, "attested", ARTICLE_29)
    for word, form in MORE_N.items():
        yield _open(word, form, "authored", "authored")


def main() -> None:
    """Write both tables."""
    for name, typed in (("ko-revised.tsv", False), ("ko.tsv", True)):
        head = HEAD.format(
            scheme="typed" if typed else "revised",
            source=f"{RULES}; other spellings: authored" if typed else RULES,
            standing="authored" if typed else "derived",
        )
        (TARGET / name).write_text(head + "\n".join(row.line() for row in rows(typed=typed)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
