"""Words written in another script: as people type the language in Latin letters, by a standard, by a library.

The strength is a share of words, so that a text of mixed scripts is a strength below 1. A scheme is a value of
`noise/scripts/schemes.py`; `@direction=back` leads from the scheme's script to the language's own. A language that a
scheme does not serve, since it is written in that script already or has no table, is not applicable.

It leaves the script on purpose, and waives the rule that noise belongs to the script.
"""

from __future__ import annotations

from typing import Final

from robust_xtreme.core import packs, registry
from robust_xtreme.core.edits import Array, Edits
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.languages import language
from robust_xtreme.noise.engine.dividing import Listed, listed
from robust_xtreme.noise.engine.perturbation import Job, Params, member
from robust_xtreme.noise.engine.respelling import KINDS, respelled
from robust_xtreme.noise.scripts.schemes import Scheme, Spelling
from robust_xtreme.noise.scripts.table import KIND, TYPED, words_of

BACK: Final = "back"
_VARIANT: Final = ":"


def schemes() -> tuple[str, ...]:
    """The names of schemes, the default first; those with variants as `NAME:ID`."""
    listed = (name for name in registry.names("scheme") if name != TYPED)
    return (TYPED, *(f"{name}:ID" if registry.load("scheme", name).variant else name for name in listed))


def scheme(name: str) -> Scheme:
    """The scheme of that name, or of a variant. Raises SpecError and UserError."""
    head, _, variant = name.partition(_VARIANT)
    known: Scheme = registry.load("scheme", head)
    if not known.variant:
        return known
    if variant in ("", "ID"):
        raise SpecError(f"The scheme {head!r} needs a name: {known.summary}.")
    return known.variant(variant)


def serving(code: str) -> tuple[str, ...]:
    """The schemes that serve a language, and those that are read back, as a spec writes them: `@scheme=iso9`."""
    written = []
    for name in schemes():
        known: Scheme = registry.load("scheme", name.partition(_VARIANT)[0])
        if known.variant or not known.lacks(code):
            written.append(f"@scheme={name}")
        if known.back and not known.lacks_back(code):
            written.append(f"@scheme={name}@direction={BACK}")
    return tuple(written)


def _check(params: Params) -> None:
    """Raise SpecError where a scheme is not known, or cannot be read back though it is asked to."""
    known = scheme(params["scheme"][0])
    if params["direction"][0] == BACK and not known.back:
        raise SpecError(f"The scheme {known.name!r} cannot be read back: leave @direction=back out.")


def _lacks(code: str, params: Params) -> str:
    known = scheme(params["scheme"][0])
    return known.lacks_back(code) if params["direction"][0] == BACK else known.lacks(code)


def spelling(code: str, params: Params) -> Spelling:
    """How words of a language are respelt."""
    known = scheme(params["scheme"][0])
    back = known.back if params["direction"][0] == BACK else None
    return (back or known.spelling)(code)


@packs.cached
def listed_words(code: str) -> Listed | None:
    """The words, listed or of the typed table, into which text without spaces is divided, and affixes of one letter."""
    if not packs.has("input", f"{code}-words"):
        return None
    rows = packs.table("input", f"{code}-words").rows
    readings = packs.table("input", f"{code}-readings").rows if packs.has("input", f"{code}-readings") else ()
    typed = words_of(code) if packs.has(KIND, code) else ()
    words = dict.fromkeys(word for word in (*(row["word"] for row in (*rows, *readings)), *typed) if word)
    affixes = ([row["word"] for row in readings if row.get("where") == where] for where in ("end", "start"))
    return listed(words, *affixes)


def _edit(job: Job) -> tuple[Edits, Array]:
    """Write words in another script, as people type them in Latin letters, or by a standard; words with digits stay."""
    used, back = scheme(job.params["scheme"][0]), job.params["direction"][0] == BACK
    spaces = language(job.language).spaces or back
    known = None if spaces else listed_words(job.language)
    divider = used.divider if back else ""
    return respelled(job, spelling(job.language, job.params), known, spaces, not spaces and used.spaced, divider)


transliterate = member(
    _edit,
    "words",
    "word",
    "share of words in another script",
    KINDS,
    name="transliterate",
    choices={"scheme": schemes, "direction": lambda: ("to", BACK)},
    lacks=lambda code: scheme(TYPED).lacks(code),
    lacks_with=_lacks,
    check=_check,
    packs=lambda code: scheme(TYPED).packs(code),
    waives=frozenset({"rule_4_noise_belongs_to_the_script"}),
)
