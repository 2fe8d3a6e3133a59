"""Defines schemes: ways to write a language in another script, by a table of letters or by a function of a word.

A scheme is one file of `noise/scripts/schemes`, with one value: `NAME = by_table(...)` or `NAME = Scheme(...)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from robust_xtreme.core import languages, packs
from robust_xtreme.noise.engine.respelling import RespellingFunction
from robust_xtreme.noise.engine.respelling_table import (
    CONDITIONS,
    Respeller,
    RespellingRule,
    RuleForm,
    Rules,
    respeller,
)
from robust_xtreme.noise.scripts.table import KIND, TYPED, rules

Spelling = Respeller | RespellingFunction

LATIN: Final = "Latn"
_CALLED: Final = {"Latn": "Latin letters", "Cyrl": "Cyrillic letters", "Arab": "Arabic letters"}


def _never(_: str) -> str:
    return "the scheme cannot be read back"


@final
@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to write languages in another script.

    `lacks` gives the reason why a language is not served ("" if it is), and `spelling` how its words are respelt, by
    rules or by a function. `lacks_back` and `back` are the same for the way back to the language's own script. `packs`
    are the packs that serve a language. `source` names what defines the scheme, and `loss` says how much of a text the
    way back does not give back. `script` is the one that its tables write, "" without tables. Where `variant` is given,
    the scheme is written `NAME:VARIANT`; it returns the scheme of that variant, and raises SpecError where there is
    none. `spaced`: with spaces between words. `divider` is the sign that keeps letters apart in what it writes.
    """

    name: str
    summary: str
    source: str
    lacks: Callable[[str], str]
    spelling: Callable[[str], Spelling]
    lacks_back: Callable[[str], str] = _never
    back: Callable[[str], Spelling] | None = None
    packs: Callable[[str], tuple[str, ...]] = lambda _: ()
    loss: str = ""
    variant: Callable[[str], Scheme] | None = None
    spaced: bool = True
    script: str = ""
    divider: str = ""


def by_table(
    name: str,
    *,
    summary: str,
    source: str,
    back: bool = False,
    loss: str = "",
    script: str = LATIN,
    missing: str = "",
    divider: str = "",
) -> Scheme:
    """The scheme of that name which packs of romanisation define: those of a language, or of its script.

    `script` is the one that it writes; `missing` is the reason why languages without a pack are not served. With
    `back`, the packs are read in the other direction as well, unless there is a pack `PACK-back`.
    """

    def lacks(code: str) -> str:
        if languages.language(code).script == script:
            return f"it is already written in {_CALLED.get(script, f'the script {script}')}"
        return "" if table_of(code, name) else missing or f"no table of {name} for it"

    return Scheme(
        name=name,
        summary=summary,
        source=source,
        lacks=lacks,
        spelling=lambda code: _respeller(table_of(code, name)),
        lacks_back=lacks if back else _never,
        back=(lambda code: _backwards(table_of(code, name))) if back else None,
        packs=lambda code: (f"{KIND}/{table_of(code, name)}",),
        loss=loss,
        spaced=script == LATIN,
        script=script,
        divider=divider,
    )


def table_of(code: str, name: str) -> str:
    """The pack of a scheme for a language: its own, or that of its script; "" where there is none."""
    known = (code,) if name == TYPED else (f"{code}-{name}", f"{languages.language(code).script}-{name}")
    return next((pack for pack in known if packs.has(KIND, pack)), "")


@packs.cached
def _respeller(pack: str) -> Respeller:
    return respeller(rules(pack))


@packs.cached
def _backwards(pack: str) -> Respeller:
    other = f"{pack}-back"
    return respeller(rules(other) if packs.has(KIND, other) else inverse(rules(pack)))


def inverse(known: Rules) -> Rules:
    """The rules that lead from the forms of rules back to their letters.

    A rule gives its likeliest form. Conditions about the place in a word are kept, those about letters beside are not;
    of rules with the same form those without conditions about letters come first, in their order.
    """
    back = []
    for rule in known.rules:
        form = max(rule.forms, key=lambda form: form.weight).text
        if form:
            where = tuple(condition for condition in rule.where if condition.name in CONDITIONS)
            back.append((len(where) < len(rule.where), RespellingRule(form, (RuleForm(rule.letters),), where)))
    ordered = [rule for _, rule in sorted(back, key=lambda pair: (not pair[1].where, pair[0]))]
    first = {(rule.letters, rule.where): rule for rule in reversed(ordered)}
    return Rules(tuple(rule for rule in ordered if first[rule.letters, rule.where] is rule), {})
