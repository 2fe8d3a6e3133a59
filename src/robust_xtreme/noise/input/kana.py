"""Japanese typed in romaji and converted: mistyped keys that still give kana, and words that sound alike.

The keys of kana are those of the pack `ja-romaji`; a kana of two usual spellings has the key errors of both. A small っ
is the first of two equal consonants, so it and the kana after it are one unit. A form is kept where the letters give
only kana, of the script of the kana, and do not begin with a small kana. A word of one or two letters from the pack
`ja-words` is converted to another word that is typed alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

from robust_xtreme import languages, packs
from robust_xtreme.noise.engine.key_error_table import KeyingError
from robust_xtreme.noise.input.nearby import LATIN, near

MOST: Final = 8
"""How many forms a kana or a word has in one kind."""

_TSU: Final = "っ"
_SMALL: Final = tuple("ぁぃぅぇぉゃゅょゎ")
_ONE_KEY: Final = (_TSU, "ん", "ー")
_KATAKANA: Final = {point: point + 0x60 for point in range(0x3041, 0x3097)}


@final
@dataclass(frozen=True, slots=True)
class Romaji:
    """The kana and the keys left over for what is typed, and the spellings by which a kana is typed."""

    gives: Mapping[str, tuple[str, str]]
    spellings: Mapping[str, tuple[str, ...]]

    def decode(self, keys: str) -> str | None:
        """The kana that keys give, from the longest match on; None where a letter is left over."""
        kana = ""
        while keys:
            match = next((keys[:size] for size in range(len(keys), 0, -1) if keys[:size] in self.gives), "")
            if not match:
                return None
            form, remainder = self.gives[match]
            kana, keys = kana + form, remainder + keys[len(match) :]
        return kana


@packs.cached
def romaji() -> Romaji:
    """The table of the pack `ja-romaji`."""
    table = packs.table("input", "ja-romaji")
    table.need("keys", "kana", optional=("rest", "typed"))
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for row in table.rows:
        if row.get("typed"):
            spellings[row["kana"]].append(row["keys"])
    gives = {row["keys"]: (row["kana"], row.get("rest", "")) for row in table.rows}
    return Romaji(gives, {kana: tuple(keys) for kana, keys in spellings.items()})


def key_errors() -> Iterator[KeyingError]:
    """The key errors of romaji input in hiragana and katakana, and of the conversion to kanji."""
    alphabet = frozenset(languages.language("ja").alphabet)
    for kana, kind, form, weight, _ in _of_kana(romaji()):
        for point, other in ((kana, form), (katakana(kana), katakana(form))):
            if alphabet.issuperset(point + other):
                yield KeyingError(point, kind, other, weight)
    yield KeyingError("ー", "delete", "")
    yield KeyingError("ー", "double", "ーー")
    yield from _of_words(_words())


def katakana(kana: str) -> str:
    """Hiragana as katakana."""
    return kana.translate(_KATAKANA)


def _of_kana(table: Romaji) -> Iterator[KeyingError]:
    for kana, spellings in chain(table.spellings.items(), _doubled(table)):
        if kana in _ONE_KEY:
            continue
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for keys in spellings:
            for kind, typed, weight in struck(keys):
                form = table.decode(typed)
                if form is not None and form != kana and form[:1] not in _SMALL and _stays(kana, form, table):
                    counts[kind][form] += weight
        yield from _most(kana, counts)
    for kana in (_TSU, "ん"):
        yield KeyingError(kana, "delete", "")
        yield KeyingError(kana, "double", kana * 2)
    yield from (KeyingError(kana, "delete", "") for kana in _SMALL)


def _doubled(table: Romaji) -> Iterator[tuple[str, list[str]]]:
    """A small っ with the kana after it, and the keys of both: that kana's, the first one doubled."""
    for kana, spellings in table.spellings.items():
        doubled = [keys[0] + keys for keys in spellings if table.decode(keys[0] + keys) == _TSU + kana]
        if doubled and len(kana) == 1:
            yield _TSU + kana, doubled


def _stays(point: str, form: str, table: Romaji) -> bool:
    """Whether a form of っ and a kana can be before a small kana where that kana can: っき is part of っきょ too."""
    before_small = any(point[1:] + small in table.spellings for small in _SMALL)
    return point[0] != _TSU or not before_small or form.endswith(point[1:])


def struck(keys: str) -> Iterator[tuple[str, str, int]]:
    """The key errors of some keys: kind, the keys struck, weight."""
    for index, key in enumerate(keys):
        before, after = keys[:index], keys[index + 1 :]
        yield "delete", before + after, 1
        yield "double", before + key + key + after, 1
        for other, weight in near(LATIN, key):
            yield "neighbour", before + other + after, weight
            yield "insert", before + other + key + after, weight
            yield "insert", before + key + other + after, weight


def _most(point: str, counts: Mapping[str, Counter[str]]) -> Iterator[KeyingError]:
    for kind, forms in counts.items():
        yield from (KeyingError(point, kind, form, weight) for form, weight in forms.most_common(MOST))


Words = dict[tuple[str, int, str], dict[str, int]]


@packs.cached
def _words() -> Words:
    """Words with their weights, by reading, length and final kana; words that share these are typed alike.

    No word ends in っ, which is one unit with the kana after it.
    """
    groups: defaultdict[tuple[str, int, str], dict[str, int]] = defaultdict(dict)
    table = packs.table("input", "ja-words")
    table.need("word", "reading", "weight")
    for row in sorted(table.rows, key=lambda row: (-table.number(row, "weight"), row["word"])):
        word = row["word"]
        if word and not word.endswith(_TSU):
            ending = word[-1] if "ぁ" <= word[-1] <= "ゖ" else ""
            groups[row["reading"], len(word), ending][word] = int(row["weight"])
    return groups


def _of_words(groups: Words) -> Iterator[KeyingError]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for words in groups.values():
        top = dict(list(words.items())[: MOST + 1])
        for word in words:
            counts[word].update(top)
    for word, forms in counts.items():
        forms.pop(word, None)
        yield from _most(word, {"candidate": forms})
