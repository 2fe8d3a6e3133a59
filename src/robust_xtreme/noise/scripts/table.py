"""Reads tables of romanisation, `perturbations/romanisations/NAME.tsv`: how letters of a script are written in another.

A row names letters and their forms, with weights and the conditions under which it applies. `{X}` in a row means each
row of the class X; such a row is expanded to one rule for each of them (and each pair, where there are two).
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, product, starmap
from typing import Final, NamedTuple

import regex

from robust_xtreme.core import languages, packs, registry
from robust_xtreme.core.errors import DataError, nearest
from robust_xtreme.noise.engine import respelling_table as respelling
from robust_xtreme.noise.engine.respelling import spelt

# Words that are written by their readings: Japanese words with kanji, by the rows of the table for their kana.
#
# A table names lists of words in its header, as in `# readings: ja-readings ja-words`: packs `input/NAME.tsv` with the
# columns `word` and `reading`, and if they like `weight` and `where`: the condition `word`, `start` or `end`. Where
# lists have the same word the first one counts. A word that is read in several ways has the forms of each, by its
# weight. A reading has two forms: the likeliest of each of its letters, and the shortest of each.
#
# Vowels are not joined over a blank in a reading, nor between kanji and the kana after them: 思う is おも う. The last
# kana of a word is left to the rules of kana where it depends on what follows: っ, and o before う.

WORD: Final = "word"
PLACES: Final = (WORD, "start", "end")
"""Where a row of a list counts: as a word, or where its word is at the start or end of a longer one."""

OPEN: Final = "っおこそとのほもよろごぞどぼぽ"
"""Kana that what follows a word lengthens or doubles."""

_DOUBLING: Final = "っ"
_LENGTHENING: Final = "あうえお"
_KANA: Final = "".join(map(chr, range(0x3041, 0x3097)))
_OF_WHOLE_WORDS: Final = (*respelling.CONDITIONS, *respelling.OF_WORDS)
_SHARES: Final = (5, 3)
"""The weights of the likeliest and of the shortest form of a reading."""

_RAREST: Final = 0.2
"""The least weight of a reading relative to the most frequent one of its word."""

Placed = tuple[str, respelling.RuleCondition | None]
"""A word, and where it counts."""

Readings = Mapping[str, int]
"""The readings of a word by weight."""


def with_readings(known: respelling.Rules, names: Sequence[str]) -> respelling.Rules:
    """Rules with one more for each word of some lists, which is written as its readings are. Raises DataError."""
    if not names:
        return known
    words: dict[Placed, Readings] = {}
    for name in names:
        words = _words(packs.table("input", name)) | words
    readings = list(dict.fromkeys(reading for counts in words.values() for reading in counts))
    ways = zip(*(_spelt(readings, known, shortest) for shortest in (False, True)), strict=True)
    texts = dict(zip(readings, ways, strict=True))
    latest = reversed(words.items())
    rules = [
        respelling.RespellingRule(word, _forms(counts, texts), (where,) if where else ())
        for (word, where), counts in latest
    ]
    classes = {**known.classes, **{kana: frozenset(kana) for kana in OPEN}}
    # Rules of the same letters are tried by what is after them, by place, anywhere.
    names = ["before", *PLACES, ""]
    rules.sort(key=lambda rule: names.index(rule.where[0].name if rule.where else ""))
    return known._replace(rules=(*known.rules, *rules), classes=classes)


def _words(table: packs.PackTable) -> dict[Placed, Readings]:
    """The readings of each word of a list that has some, by the word and its condition."""
    table.need("word", "reading", optional=("weight", "where", "whole"))
    weighted = "weight" in table.rows[0]
    readings: dict[Placed, dict[str, int]] = {}
    for row in table.rows:
        word, reading, weight, where = row["word"], row["reading"], row.get("weight") or "1", row.get("where", "")
        if not word or not weight.isdecimal() or where not in ("", *PLACES):
            what = f"the row of {word!r:.40} is not a word, its reading, a whole number as weight, and where"
            raise DataError(table.path, f"{what}: {', '.join(PLACES)}")
        if reading:
            condition = where or (WORD if weighted and len(word) == 1 else "")
            placed, reading = _placed(word, reading, condition)
            counts = readings.setdefault(placed, {})
            counts[reading] = counts.get(reading, 0) + int(weight)
    return {**readings}


def _placed(word: str, reading: str, where: str) -> tuple[Placed, str]:
    """A word, its condition, and its reading: without the last kana where a rule of kana writes it (っ has no form)."""
    if where:
        return (word, respelling.RuleCondition(where)), reading
    if word[-1] in OPEN and len(word) > 1 and reading[-1] == word[-1]:
        left = reading[:-1] if word[-1] != _DOUBLING else reading
        return (word[:-1], respelling.RuleCondition("before", word[-1])), _divided(word[:-1], left)
    return (word, None), _divided(word, reading)


def _divided(word: str, reading: str) -> str:
    """A reading with a blank between the kanji and the vowel in kana after them."""
    ending = len(word) - len(word.rstrip(_KANA))
    vowel = 0 < ending < len(word) and word[-ending] in _LENGTHENING and reading[-ending:] == word[-ending:]
    return f"{reading[:-ending]} {reading[-ending:]}" if vowel else reading


def _forms(readings: Readings, texts: Mapping[str, tuple[str, ...]]) -> tuple[respelling.RuleForm, ...]:
    """The forms of a word that is read in some ways, by weight; `texts` are the likeliest and shortest of each."""
    weights: dict[str, int] = {}
    least = _RAREST * max(readings.values())
    for reading, weight in readings.items():
        if weight >= least:
            for text, share in zip(texts[reading], _SHARES, strict=True):
                weights[text] = weights.get(text, 0) + share * weight
    return tuple([respelling.RuleForm(text, weight) for text, weight in weights.items() if text])


def _spelt(readings: Sequence[str], known: respelling.Rules, shortest: bool) -> list[str]:
    """Readings by the likeliest or shortest form of each rule, each part of a word by itself; other letters stay."""

    def chosen(forms: Sequence[respelling.RuleForm]) -> respelling.RuleForm:
        if not shortest:
            return max(forms, key=lambda form: form.weight)
        return min(forms, key=lambda form: (len(form.text), -form.weight)) if forms[0].text else forms[0]

    rules = (rule for rule in known.rules if not any(condition.name in _OF_WHOLE_WORDS for condition in rule.where))
    single = tuple(rule._replace(forms=(chosen(rule.forms),)) for rule in rules)
    spelling = respelling.respeller(known._replace(rules=single))
    parts = [reading.split(" ") for reading in readings]
    texts = iter(spelt(list(chain.from_iterable(parts)), spelling))
    return ["".join(islice(texts, len(part))) for part in parts]


KIND: Final = "romanisations"
TYPED: Final = "typed"
"""The scheme of a pack that is named after its language alone: how people type the language."""

EMPTY: Final = "∅"
"""The form that leaves letters out."""

PART: Final = "part"
"""The condition of a row that is only used in the rows that name its class."""

MOST_RULES: Final = 200_000
MOST_FORMS: Final = 64
"""The most rules that a pack may have, and the most forms of a rule, after classes are expanded."""

MOST_LETTERS: Final = 60
MOST_OF_PACK: Final = 100_000_000
"""The most letters of a cell's form, or of what it is for, and of all forms after classes are expanded."""

_BACK: Final = "-back"
"""How the name of a pack ends that leads from the letters of its scheme to those of its language or script."""

_LABEL: Final = re.compile(r"\{([A-Za-z]+[0-9]?)\}")
_DIGITS: Final = "0123456789"
_WORD: Final = regex.compile(r"\p{Han}{2,}")
_NO_CLASS: Final = "none, as no row has one"
_CLASS: Final = re.compile("[A-Z][A-Za-z]*")
_LISTS: Final = ("-words", "-readings")
"""How the names of the packs `input/NAME.tsv` end that are lists of words with readings."""

_WEIGHT: Final = re.compile("[1-9][0-9]{0,5}")
_OF_LETTERS: Final = ("after:", "before:", "with:", "not-after:", "not-before:", "without:")
_LARGEST: Final = 1 << 30
"""What the weights of a rule may sum up to."""


class TableRow(NamedTuple):
    """A row of a table: letters and forms with their labels in braces, weights, conditions, classes."""

    letters: str
    forms: tuple[respelling.RuleForm, ...]
    where: tuple[str, ...]
    classes: tuple[str, ...]

    @property
    def free(self) -> bool:
        """Whether the row has no conditions but `part`, so that rows that name its class use it."""
        return set(self.where) <= {PART}


Members = Mapping[str, Sequence[respelling.RespellingRule]]
"""The rules of each class, without conditions."""

Expanded = Mapping[TableRow, Sequence[respelling.RespellingRule]]
"""The rules of each row, without conditions."""


@packs.cached
def rules(name: str) -> respelling.Rules:
    """The rules of a pack. Raises DataError naming the row that is wrong, and UserError where there is no pack."""
    table = packs.table(KIND, name)
    _check_name(table, name)
    table.need("letters", "forms", "weights", optional=("where", "class", "source"))
    decomposed = table.header.get("form") == "NFD"
    rows = [_row(table, row, decomposed) for row in table.rows]
    _check_rows(table, rows)
    expanded = _expansions(table, rows)
    classes = {
        label: frozenset(rule.letters for row, listed in expanded.items() if label in row.classes for rule in listed)
        for label in _classes(rows)
    }
    known = respelling.Rules(tuple(_ordered(expanded, decomposed)), classes, decomposed)
    return with_readings(known, _readings(table))


def _readings(table: packs.PackTable) -> list[str]:
    """The lists of readings that the header names. Raises DataError at one that is not there."""
    listed = table.header.get("readings", "").split()
    known = [name for name in packs.names("input") if name.endswith(_LISTS)]
    for name in listed:
        if name not in known:
            what = f"the key 'readings' names {name!r:.40}, and there are: {', '.join(known)}"
            raise DataError(table.path, what)
    return listed


def words_of(name: str) -> tuple[str, ...]:
    """The words of several Han characters that a pack has rows of."""
    return tuple(row["letters"] for row in packs.table(KIND, name).rows if _WORD.fullmatch(row["letters"]))


def _check_name(table: packs.PackTable, name: str) -> None:
    """Raise DataError where the header does not agree with the file's name."""
    head, _, scheme = name.partition("-")
    header = table.header
    if ("language" in header) == ("script" in header):
        raise DataError(table.path, "it names one of the two: '# language: CODE' or '# script: NAME', as in Deva")
    if header.get("language", header.get("script")) != head:
        kind = "language" if "language" in header else "script"
        raise DataError(table.path, f"its {kind} is {header[kind]!r:.40}, and its name says {head!r}")
    if "language" in header and head not in languages.ALL_LANGUAGES:
        raise DataError(table.path, f"there is no language {head!r}.{nearest(head, languages.ALL_LANGUAGES)}")
    if "script" in header and head not in _scripts():
        raise DataError(table.path, f"no language is written in the script {head!r}.{nearest(head, _scripts())}")
    if header.get("scheme") != (scheme or TYPED):
        what = f"its scheme is {header.get('scheme', '')!r:.40}, and its name says {scheme or TYPED!r}"
        raise DataError(table.path, f"{what}: write a line '# scheme: {scheme or TYPED}'")
    if scheme.removesuffix(_BACK) and not _writes(scheme.removesuffix(_BACK)):
        known = tuple(name for name in registry.names("scheme") if name != TYPED and _writes(name))
        what = f"there is no scheme {scheme!r:.40} of tables.{nearest(scheme, known)} Known: {', '.join(known)}"
        raise DataError(table.path, what)
    if header.get("back", head) != head:
        raise DataError(table.path, f"its key 'back' is {header['back']!r:.40}, and its name says {head!r}")
    if header.get("form", "NFC") not in ("NFC", "NFD"):
        raise DataError(table.path, f"the key 'form' is {header['form']!r:.40}, and neither NFC nor NFD")


def _writes(scheme: str) -> str:
    """The script that the tables of a scheme write; "" where it has no tables, or there is no such scheme."""
    known = scheme if scheme in registry.names("scheme") else ""
    return str(registry.load("scheme", known).script) if known else ""


@packs.cached
def _scripts() -> tuple[str, ...]:
    return tuple(sorted({languages.language(code).script for code in languages.ALL_LANGUAGES}))


def _row(table: packs.PackTable, cells: Mapping[str, str], decomposed: bool) -> TableRow:
    """A row with its cells read. Raises DataError at cells that are empty, unknown or of unequal number."""
    letters = _normal(cells["letters"].strip(), decomposed)
    if not letters:
        shown = " | ".join(cell for cell in cells.values() if cell)
        raise DataError(table.path, f"the letters of the row {shown!r:.60} are empty")
    texts, weights = cells["forms"].split(), cells["weights"].split()
    if not texts:
        raise DataError(table.path, f"in the row of {letters!r:.40} there are no forms; the empty form is {EMPTY}")
    if weights and (len(weights) != len(texts) or not all(map(_WEIGHT.fullmatch, weights))):
        what = f"in the row of {letters!r:.40} the weights {cells['weights']!r:.40} are not {len(texts)} whole numbers"
        raise DataError(table.path, f"{what} from 1 to 999999, one for each form")
    bare = ("" if text == EMPTY else text for text in texts)
    forms = tuple(map(respelling.RuleForm, bare, map(int, weights or ["1"] * len(texts))))
    return TableRow(letters, forms, tuple(cells.get("where", "").split()), tuple(cells.get("class", "").split()))


def _normal(text: str, decomposed: bool) -> str:
    return unicodedata.normalize("NFD" if decomposed else "NFC", text)


def _classes(rows: Sequence[TableRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for row in rows for label in row.classes))


def _check_rows(table: packs.PackTable, rows: Sequence[TableRow]) -> None:
    """Raise DataError at the first row that cannot be used, or that is there twice."""
    known, seen = _classes(rows), set[tuple[str, frozenset[str], tuple[str, ...]]]()
    head = table.header.get("script") or languages.language(table.header["language"]).script
    scheme = table.header["scheme"]
    scripts = tuple(dict.fromkeys((head, _writes(scheme.removesuffix(_BACK)))))
    for row in rows:
        labels = _LABEL.findall(row.letters)
        reasons = _wrong_labels(row, labels, known), _wrong_conditions(row, known), _wrong_forms(row, labels)
        letters = "" if "back" in table.header else _wrong_letters(row, head)
        if reason := next(filter(None, (*reasons, letters)), "") or _wrong_writing(row, scripts):
            raise DataError(table.path, f"in the row of {row.letters!r:.40} {reason}")
        if "back" not in table.header and _does_nothing(row, rows):
            raise DataError(table.path, f"the row of {row.letters!r} changes nothing: leave it out")
        key = row.letters, frozenset(row.where), row.classes if PART in row.where else ()
        if key in seen:
            under = f" under the conditions {' '.join(row.where)}" if row.where else ""
            raise DataError(table.path, f"there are two rows of {row.letters!r:.40}{under}")
        seen.add(key)


def _wrong_writing(row: TableRow, scripts: Sequence[str]) -> str:
    """Why forms are not of one of the scripts of their table, or do nothing; "" where they are."""
    for form in row.forms:
        plain = _LABEL.sub("", form.text)
        for point in plain:
            if not languages.of_no_script(point) and not any(languages.written_in(name, point) for name in scripts):
                return f"the form {form.text!r:.40} has {point!r}, which is not a letter of {' or '.join(scripts)}"
        mark = plain[:1] if form.text[:1] == plain[:1] else ""
        if mark and unicodedata.category(mark)[0] == "M" and languages.of_no_script(mark):
            return f"the form {form.text!r:.40} begins with a mark that is on no letter"
    return ""


def _does_nothing(row: TableRow, rows: Sequence[TableRow]) -> bool:
    """Whether a row of one letter leaves it as it is, as it would be without the row: no other row applies to it."""
    if len(row.letters) > 1 or row.where or row.classes or [form.text for form in row.forms] != [row.letters]:
        return False
    others = (other.letters for other in rows if other is not row)
    return not any(letters == row.letters or _LABEL.fullmatch(letters) for letters in others)


def _wrong_labels(row: TableRow, labels: Sequence[str], known: Sequence[str]) -> str:
    if wrong := [label for label in row.classes if not _CLASS.fullmatch(label)]:
        return f"the class {wrong[0]!r:.40} is not a name of letters that begins with a capital, as C or Vowel"
    if len(set(labels)) < len(labels):
        return "a class is named twice: two letters of one class are {X1}{X2}"
    for label in labels:
        if label.rstrip(_DIGITS) not in known:
            return f"there is no class {label!r:.40}.{nearest(label, known)} Known: {', '.join(known) or _NO_CLASS}"
    return ""


def _wrong_conditions(row: TableRow, known: Sequence[str]) -> str:
    for condition in row.where:
        head, colon, label = condition.partition(":")
        if colon and head + colon in _OF_LETTERS:
            if label not in known:
                return f"there is no class {label!r:.40}.{nearest(label, known)} Known: {', '.join(known) or _NO_CLASS}"
        elif condition not in (*respelling.CONDITIONS, PART):
            choice = (*respelling.CONDITIONS, PART, *(f"{name}X" for name in _OF_LETTERS))
            return f"there is no condition {condition!r:.40}.{nearest(condition, choice)} Known: {', '.join(choice)}"
    if len([condition for condition in row.where if condition in respelling.CONDITIONS]) > 1:
        return f"the conditions {' '.join(row.where)} exclude one another; the whole word is 'word'"
    return ""


def _wrong_forms(row: TableRow, labels: Sequence[str]) -> str:
    texts = [form.text for form in row.forms]
    if len(set(texts)) < len(texts):
        return "a form occurs twice"
    if longest := next((text for text in (row.letters, *texts) if len(text) > MOST_LETTERS), ""):
        return f"{longest[:20]!r}... has {len(longest):,} letters; {MOST_LETTERS} are the most"
    for text in texts:
        plain = _LABEL.sub("", text)
        if EMPTY in plain or "{" in plain or "}" in plain:
            return f"the form {text!r:.40} is neither text with classes in braces, as in {{C}}a, nor {EMPTY}"
        if missing := [label for label in _LABEL.findall(text) if label not in labels]:
            return f"the form {text!r:.40} names {{{missing[0]}}}, which the letters do not have"
        if unicodedata.normalize("NFKC", plain) != plain:
            return f"the form {text!r:.40} is not composed and plain (NFKC)"
    return ""


def _wrong_letters(row: TableRow, script: str) -> str:
    """Why the letters of a row do not belong to the table; "" where they do."""
    plain = _LABEL.sub("", row.letters)
    if wrong := next((point for point in plain if len(small := point.lower()) == 1 and small != point), ""):
        return f"the letter {wrong!r} is a capital: rows have small letters, and capitals follow from them"
    if wrong := next((point for point in plain if not languages.written_in(script, point)), ""):
        return f"{wrong!r} is not a letter of the script {script}"
    return ""


def _expansions(table: packs.PackTable, rows: Sequence[TableRow]) -> Expanded:
    """The rules of each row, classes that others name first. Raises DataError at circles and endless tables."""
    members: dict[str, tuple[respelling.RespellingRule, ...]] = {}
    expanded: dict[TableRow, tuple[respelling.RespellingRule, ...]] = {}
    by_class: defaultdict[str, list[TableRow]] = defaultdict(list)
    for row in rows:
        for label in row.classes:
            by_class[label] += [row] if row.free else []
    pending = {
        label: {named.rstrip(_DIGITS) for row in listed for named in _LABEL.findall(row.letters)}
        for label, listed in by_class.items()
    }
    while pending:
        ready = [label for label, needed in pending.items() if needed <= members.keys()]
        if not ready:
            label, passed = next(iter(pending)), set[str]()
            while label not in passed:  # to a class that names itself, over others or not
                passed.add(label)
                label = min(name for name in pending[label] if name in pending)
            row = next(row for row in by_class[label] if _LABEL.search(row.letters))
            raise DataError(table.path, f"in the row of {row.letters!r:.40} the class {label!r} leads back to itself")
        for label in ready:
            _check_size(table, by_class[label], members)
            expanded |= {row: tuple(_expanded(row, members)) for row in by_class[label] if row not in expanded}
            first = {rule.letters: rule for row in reversed(by_class[label]) for rule in expanded[row]}
            members[label] = tuple(first.values())
            del pending[label]
    _check_size(table, rows, members)
    return {row: expanded[row] if row in expanded else tuple(_expanded(row, members)) for row in rows}


def _check_size(table: packs.PackTable, rows: Sequence[TableRow], members: Members) -> None:
    """Raise DataError where rows would become too many rules, or a rule would have too many forms."""
    total = letters = 0
    for row in rows:
        parts = [members[label.rstrip(_DIGITS)] for label in _LABEL.findall(row.letters)]
        total += math.prod(map(len, parts))
        forms = len(row.forms) * math.prod(max((len(rule.forms) for rule in part), default=0) for part in parts)
        longest = (max((len(form.text) for rule in part for form in rule.forms), default=0) for part in parts)
        length = max(len(form.text) for form in row.forms) + sum(longest)
        letters += math.prod(map(len, parts)) * forms * length
        if letters > MOST_OF_PACK:
            what = f"with the row of {row.letters!r:.40} there are more than {MOST_OF_PACK:,} letters of forms"
            raise DataError(table.path, what)
        if total > MOST_RULES:
            raise DataError(table.path, f"with the row of {row.letters!r:.40} there are more than {MOST_RULES:,} rules")
        if forms > MOST_FORMS:
            what = f"the row of {row.letters!r:.40} has {forms:,} forms where its classes are expanded"
            raise DataError(table.path, f"{what}; {MOST_FORMS} are the most")


def _expanded(row: TableRow, members: Members) -> Iterator[respelling.RespellingRule]:
    """The rules of a row without conditions: one for each choice of the rows of its classes."""
    text, *pieces = _LABEL.split(row.letters)
    labels, texts = pieces[::2], pieces[1::2]
    forms = [(_LABEL.split(form.text), form.weight) for form in row.forms]
    for chosen in product(*(members[label.rstrip(_DIGITS)] for label in labels)):
        letters = text + "".join([rule.letters + after for rule, after in zip(chosen, texts, strict=True)])
        several = _multiplied(forms, dict(zip(labels, chosen, strict=True))) if labels else row.forms
        yield respelling.RespellingRule(letters, several)


def _multiplied(
    forms: Sequence[tuple[Sequence[str], int]], known: Mapping[str, respelling.RespellingRule]
) -> tuple[respelling.RuleForm, ...]:
    """The forms of a rule: each form of the row with every choice of the forms of its classes; weights multiply."""
    weights: dict[str, int] = {}
    for (text, *pieces), weight in forms:
        begun = [(text, weight)]
        for label, after in zip(pieces[::2], pieces[1::2], strict=True):
            begun = [(head + form + after, many * by) for head, many in begun for form, by in known[label].forms]
        for whole, many in begun:
            weights[whole] = weights.get(whole, 0) + many
    shrunk = sum(weights.values()) // _LARGEST
    if shrunk > 1:
        weights = {text: max(1, weight // shrunk) for text, weight in weights.items()}
    return tuple(starmap(respelling.RuleForm, weights.items()))


def _ordered(expanded: Expanded, decomposed: bool) -> Iterator[respelling.RespellingRule]:
    """The rules of a table in the order in which they are tried: with conditions first, then letters before classes."""
    for row in sorted(expanded, key=lambda row: (not row.where, "{" in row.letters)):
        if PART not in row.where:
            where = tuple(respelling.RuleCondition(*condition.partition(":")[::2]) for condition in row.where)
            for rule in expanded[row]:
                yield respelling.RespellingRule(_normal(rule.letters, decomposed), rule.forms, where)
