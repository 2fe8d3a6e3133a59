"""Korean on the two-set keyboard (KS X 5002): jamo are keys, syllables are what the input method makes of them.

Consonants are under the left hand, vowels under the right; double consonants and ㅒ, ㅖ need Shift, other compound
vowels and compound finals are two keys. A consonant after a vowel ends the syllable until a vowel takes it along.
The table of keys is the pack `ko-2set`; the rules are those that libhangul's keyboard "2" follows (its test/hangul.c).

A key error of one syllable gives another syllable where it can. Where it cannot (a key struck twice, or out of order)
it gives what the input method shows: a syllable and jamo that belong to none, as 가ㅏ or 가ㅗ. A form that begins with
such a jamo is possible at the beginning of a word only: elsewhere the input method adds it to the syllable before.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Set
from itertools import chain
from typing import Final, NamedTuple

from robust_xtreme.core import packs
from robust_xtreme.core.errors import DataError
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.keyboards import near, shifted

LAYOUT: Final = "kr"
"""The keyboard pack that says where the keys are."""

_INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS: Final[tuple[str, ...]] = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_JAMO: Final = frozenset((*_INITIALS, *_VOWELS, *_FINALS[1:]))
_FIRST, _LAST = ord("가"), ord("힣")
_L, _V, _T = 0x1100, 0x1161, 0x11A7
_RIMES: Final = len(_VOWELS) * len(_FINALS)
_MISSED: Final = 3
_TENSE: Final = "ㄸ"
_SAMPLE: Final = _FIRST + _INITIALS.index(_TENSE) * _RIMES
"""The first syllable with ㄸ, which is not a final: the first ㄸ of what its keys type is its initial."""


class _Keys(NamedTuple):
    """The jamo of each key, the compound jamo of two, and both the other way round."""

    jamo: dict[str, str]
    compounds: dict[str, str]
    strokes: dict[str, str]
    parts: dict[str, str]


@packs.cached
def _keys() -> _Keys:
    """The keys of the pack `ko-2set`. Raises DataError at a row that is not a jamo of one key or two."""
    table = packs.table("input", "ko-2set").need("keys", "jamo")
    known = {row["keys"]: row["jamo"] for row in table.rows}
    single = {key: jamo for key, jamo in known.items() if len(key) == 1}
    for struck, jamo in known.items():
        if len(struck) not in (1, 2) or jamo not in _JAMO or not single.keys() >= set(struck):
            raise DataError(table.path, f"the row {struck!r:.20}, {jamo!r:.20} is not a jamo and its one or two keys")
    pairs = {"".join(single[key] for key in struck): jamo for struck, jamo in known.items() if len(struck) > 1}
    return _Keys(single, pairs, {single[key]: key for key in single}, {pairs[parts]: parts for parts in pairs})


Change = tuple[str, int, int]
"""A kind, the difference of the code points of the new and the clean syllable, and the weight."""


class _Syllable(NamedTuple):
    """What has been typed of a syllable."""

    initial: str = ""
    vowel: str = ""
    final: str = ""

    def text(self) -> str:
        """The syllable, or the jamo where it is not a syllable."""
        if not (self.initial and self.vowel):
            return self.initial + self.vowel
        rime = _VOWELS.index(self.vowel) * len(_FINALS) + _FINALS.index(self.final)
        return chr(_FIRST + _INITIALS.index(self.initial) * _RIMES + rime)


def keys(text: str) -> str:
    """The keys of the two-set keyboard that type a text; characters other than Hangul stay as they are."""
    table = _keys()
    jamo = (table.parts.get(part, part) for part in "".join(map(_jamo, text)))
    return "".join(table.strokes.get(sign, sign) for sign in "".join(jamo))


def typed(strokes: str) -> str:
    """What the input method makes of keys; a letter that has no jamo with Shift has its plain one."""
    done, open_ = "", _Syllable()
    for stroke in strokes:
        jamo = _struck(stroke)
        before, open_ = _added(open_, jamo) if jamo else (open_.text() + stroke, _Syllable())
        done += before
    return done + open_.text()


def _struck(key: str) -> str:
    """The jamo of a key, with Shift its plain one where it has no other; "" where it has none."""
    known = _keys().jamo
    return known.get(key) or known.get(key.lower(), "")


def key_errors() -> Iterator[KeyingError]:
    """The key errors of each syllable: one key is mistyped, or two are struck in the wrong order."""
    initials = [tuple(_changed(keys(initial), "", keys("ㅏ"))) for initial in _INITIALS]
    rimes = [tuple(_changed(keys(chr(_FIRST + rime))[1:], keys("ㄱ"), "")) for rime in range(_RIMES)]
    loose = [tuple(_loose(keys(chr(_SAMPLE + rime)), {kind for kind, _, _ in rimes[rime]})) for rime in range(_RIMES)]
    for point in range(_FIRST, _LAST + 1):
        initial, rime = divmod(point - _FIRST, _RIMES)
        syllable = chr(point)
        for kind, step, weight in chain(initials[initial], rimes[rime]):
            yield KeyingError(syllable, kind, chr(point + step), weight)
        for sample in loose[rime]:
            yield sample._replace(point=syllable, form=_of_initial(sample.form, initial))
    yield from _decomposed(initials, rimes)


def _loose(struck: str, whole: Set[str]) -> Iterator[KeyingError]:
    """The key errors of a sample syllable that leave jamo outside syllables, in kinds without a `whole` syllable.

    Forms that begin with a jamo are left out where a kind has others.
    """
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    one_key = (row for row in _mistyped(struck[1:], struck[0]) if row[0] != "insert")
    along = (("insert", struck + other, weight) for other, weight in near(LAYOUT, struck[-1]) if _struck(other))
    swaps = (("swap", struck[:at] + struck[at + 1] + struck[at] + struck[at + 2 :], 1) for at in range(len(struck) - 1))
    rows = chain(one_key, along, swaps, [("delete", struck[1:], _MISSED)])
    for kind, strokes, weight in rows:
        if kind not in whole and not _is_syllable(form := typed(strokes)):
            forms[kind][form] += weight
    for kind, weights in forms.items():
        free = [form for form in weights if _is_syllable(form[0])]
        for form in free or weights:
            yield KeyingError(_TENSE, kind, form, weights[form], "" if free else "start")


def _is_syllable(form: str) -> bool:
    return len(form) == 1 and _FIRST <= ord(form) <= _LAST


def _of_initial(form: str, initial: int) -> str:
    """A form of the sample syllable, which begins with ㄸ, as that of the syllable with another initial."""
    if _is_syllable(form[0]):
        return chr(ord(form[0]) + (initial - _INITIALS.index(_TENSE)) * _RIMES) + form[1:]
    return form.replace(_TENSE, _INITIALS[initial], 1)


def _decomposed(initials: list[tuple[Change, ...]], rimes: list[tuple[Change, ...]]) -> Iterator[KeyingError]:
    """The key errors of the jamo of a decomposed text (NFD): an initial, a vowel, a final by itself."""
    for index, changes in enumerate(initials):
        for kind, step, n in changes:
            yield KeyingError(chr(_L + index), kind, chr(_L + index + step // _RIMES), n)
    for index in range(len(_VOWELS)):
        for kind, step, n in rimes[index * len(_FINALS)]:
            if not step % len(_FINALS):
                yield KeyingError(chr(_V + index), kind, chr(_V + index + step // len(_FINALS)), n)
    for index in range(1, len(_FINALS)):
        for kind, step, n in rimes[index]:
            if (end := index + step) < len(_FINALS):
                yield KeyingError(chr(_T + index), kind, chr(_T + end) if end else "", n)


def _jamo(sign: str) -> str:
    """The jamo of a syllable; any other character is itself."""
    if not _FIRST <= ord(sign) <= _LAST:
        return sign
    initial, rime = divmod(ord(sign) - _FIRST, _RIMES)
    vowel, final = divmod(rime, len(_FINALS))
    return _INITIALS[initial] + _VOWELS[vowel] + _FINALS[final]


def _added(open_: _Syllable, jamo: str) -> tuple[str, _Syllable]:
    """The text that is finished when a jamo is added to an open syllable, and the syllable that is open then."""
    if jamo in _VOWELS:
        return _with_vowel(open_, jamo)
    initial, vowel, final = open_
    if vowel and initial:
        longer = _keys().compounds.get(final + jamo, jamo) if final else jamo
        if longer in _FINALS and (not final or longer != jamo):
            return "", _Syllable(initial, vowel, longer)
    return open_.text(), _Syllable(jamo)


def _with_vowel(open_: _Syllable, jamo: str) -> tuple[str, _Syllable]:
    """A vowel takes along the consonant before it, or makes a compound vowel."""
    initial, vowel, final = open_
    if final:
        parts = _keys().parts.get(final, final)
        return _Syllable(initial, vowel, parts[:-1]).text(), _Syllable(parts[-1], jamo)
    if not vowel:
        return "", _Syllable(initial, jamo)
    compound = _keys().compounds.get(vowel + jamo)
    return ("", _Syllable(initial, compound)) if compound else (open_.text(), _Syllable("", jamo))


def _changed(part: str, before: str, after: str) -> Iterator[Change]:
    """The key errors of an initial or a rime, with keys before or after it for a syllable. Raises DataError."""
    if len(whole := typed(before + part + after)) != 1:
        what = f"{before + part + after!r:.20} types {whole!r:.20}, not one syllable: some jamo is on no key"
        raise DataError(packs.table("input", "ko-2set").path, what)
    changes: Counter[tuple[str, int]] = Counter()
    for kind, strokes, weight in _mistyped(part):
        form = typed(before + strokes + after)
        if len(form) == 1 and _keeps(ord(form), ord(whole), initial=not before):
            changes[kind, ord(form) - ord(whole)] += weight
    return ((kind, step, weight) for (kind, step), weight in changes.items())


def _keeps(point: int, clean: int, *, initial: bool) -> bool:
    """Whether a character is a syllable other than the clean one that differs in its initial only, or in its rime."""
    if point == clean or not _FIRST <= point <= _LAST:
        return False
    return ((point - clean) % _RIMES == 0) is initial and (initial or point < _FIRST + _RIMES)


def _mistyped(part: str, before: str = "") -> Iterator[tuple[str, str, int]]:
    """The key errors of a few keys, with those struck before: kind, the keys struck, weight."""
    for index, key in enumerate(part):
        head, tail = before + part[:index], part[index + 1 :]
        yield "delete", head + tail, _MISSED
        yield "double", head + key + key + tail, _MISSED
        if other := shifted(LAYOUT, key):
            yield "unshift" if key.isupper() else "shift", head + other + tail, _MISSED
        for other, weight in near(LAYOUT, key):
            if ((_struck(other) or "-") in _VOWELS) == ((_struck(key) or "-") in _VOWELS):
                yield "neighbour", head + other + tail, weight
            yield "insert", head + key + other + tail, weight
            yield "insert", head + other + key + tail, weight
