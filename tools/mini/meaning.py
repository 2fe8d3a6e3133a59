"""What the sentences of mini mean, apart from any language: clauses over a small world of things, people and places.

Every name here is an English word that names a concept; `words/LANGUAGE.toml` contains its forms, and
`grammar/LANGUAGE.py` puts them into sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final

LANGUAGES: Final = ("en", "de", "es", "ru", "ar", "hi", "zh", "ja", "ko", "th", "sw", "tr")

KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "vehicle": ("car", "bicycle", "truck", "boat", "bus"),
        "fruit": ("apple", "orange", "banana", "pear"),
        "animal": ("dog", "cat", "horse", "cow", "goat"),
        "furniture": ("chair", "table", "bed", "cupboard"),
        "garment": ("shirt", "coat", "hat", "dress"),
        "instrument": ("guitar", "violin", "piano", "drum"),
    }
)
"""Kinds of things, and the things of each kind; `furniture` is a piece of furniture, `instrument` a musical one."""

OTHER_THINGS: Final = (
    "book",
    "letter",
    "house",
    "clock",
    "lamp",
    "key",
    "map",
    "bag",
    "phone",
    "bottle",
    "ring",
    "mirror",
)
THINGS: Final = tuple(thing for kind in KINDS.values() for thing in kind) + OTHER_THINGS

ROLES: Final = (
    "doctor", "teacher", "farmer", "driver", "student", "lawyer", "baker", "cook", "journalist", "engineer", "tailor",
    "fisherman", "soldier", "singer",
)  # fmt: skip
"""Trades of people; masculine where a language must choose."""

OPPOSITES: Final = (("old", "new"), ("big", "small"), ("heavy", "light"), ("clean", "dirty"), ("expensive", "cheap"))
"""`light` is not heavy."""
COLOURS: Final = ("red", "blue", "green", "white", "black", "yellow")
ADJECTIVES: Final = tuple(adjective for pair in OPPOSITES for adjective in pair) + COLOURS

WOMEN: Final = ("anna", "maria", "elena", "sofia", "laura", "nina", "clara", "julia", "sara", "emma", "olga", "leila")
MEN: Final = (
    "david", "martin", "peter", "omar", "victor", "daniel", "leon", "samuel", "karim", "robert", "ivan", "hugo",
)  # fmt: skip
FIRST_NAMES: Final = WOMEN + MEN
LAST_NAMES: Final = (
    "smith", "garcia", "ivanov", "tanaka", "kim", "hassan", "schmidt", "rossi", "silva", "novak", "kumar", "yilmaz",
    "mwangi", "chen", "lopez", "weber", "haddad", "sato", "park", "rahman", "moreau", "larsen", "petrov", "okafor",
)  # fmt: skip
"""Surnames keep one form for men and women but where a language must decline them."""

PLACES: Final = (
    "paris", "london", "berlin", "rome", "madrid", "moscow", "cairo", "delhi", "tokyo", "seoul", "bangkok", "nairobi",
    "istanbul", "lima", "oslo", "vienna", "lisbon", "athens", "warsaw", "dublin", "havana", "toronto", "chicago",
    "sydney", "new_york", "cape_town", "buenos_aires", "kuala_lumpur", "san_francisco", "mexico_city", "abu_dhabi",
    "addis_ababa",
)  # fmt: skip
"""Cities; the last eight are written in several words where the language writes spaces."""

FOUNDERS: Final = ("smith", "weber", "tanaka", "silva", "novak", "larsen", "kumar", "hassan")
"""Surnames that companies are called by."""
SEATS: Final = ("berlin", "cairo", "delhi", "tokyo", "lima", "oslo", "vienna", "toronto")
"""Cities that banks, universities, museums and hospitals are called by: Berlin University."""
STEMS: Final = (
    "nova", "delta", "orion", "aurora", "atlas", "vega", "sirius", "lumen", "titan", "zenith", "apollo", "olympia",
    "terra", "polaris", "phoenix", "helios", *FOUNDERS, *SEATS,
)  # fmt: skip
"""What organisations are called by, so that some names are a person's, a place's or an organisation's by context."""
ORGANISATIONS: Final = ("company", "bank", "university", "museum", "hospital")
"""Kinds of organisations. A firm is called by its stem alone (Nova), the others by both (Nova Bank)."""

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ACTIONS: Final = (
    "buy", "sell", "find", "lose", "repair", "paint", "wash", "steal", "hide", "carry", "draw", "borrow", "choose",
    "bring", "photograph",
)  # fmt: skip
"""Subject and object; place and day are optional. Past tense. `paint` puts colour on, `draw` makes a picture of."""
TRANSFERS: Final = ("give", "send", "show", "lend")
"""Subject, object and recipient; place and day are optional. Past tense."""
ENCOUNTERS: Final = ("meet", "help", "call")
"""Subject and an object that is a person or a role; place and day are optional. Past tense; `call` is by telephone."""


@final
@dataclass(frozen=True, slots=True)
class Thing:
    """`the doctor`, `an old car`, `a vehicle`: a noun of THINGS, KINDS or ROLES."""

    noun: str
    adjective: str = ""
    definite: bool = False


@final
@dataclass(frozen=True, slots=True)
class Person:
    """A person by first name and, where there is one, surname."""

    first: str
    last: str = ""

    @property
    def woman(self) -> bool:
        """Whether the first name is a woman's."""
        return self.first in WOMEN


@final
@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation by its stem and kind."""

    stem: str
    kind: str


@final
@dataclass(frozen=True, slots=True)
class Clause:
    """One statement. Which parts a verb has, and its tense:

    - ACTIONS (past): subject, object Thing, [place], [day]
    - TRANSFERS (past): subject, object Thing, recipient, [place], [day]
    - ENCOUNTERS (past): subject, object (Person or definite role), [place], [day]
    - `live` (present): subject, place
    - `travel` (past): subject, place as destination, [day]
    - `work` (present): subject, object Organisation as employer, [place]
    - `study` (past): subject, object Organisation (a university), [place]
    - `found` (past): subject Person, object Organisation, [place], [year]
    - `be_born` (past): subject Person, place, [year]
    - `be_in` (present): subject Organisation, place (where it is located)
    - `be_adjective` (present): subject definite Thing (no adjective), quality
    - `be_role` (present): subject Person, object indefinite role

    Subjects are a Person or a definite role unless stated otherwise; recipients too. Every statement can be negated,
    no question is. In a question, the part that is asked for is there as well, so that its type is known.
    """

    verb: str
    subject: Person | Thing | Organisation
    object: Thing | Person | Organisation | None = None
    recipient: Person | Thing | None = None
    place: str = ""
    day: str = ""
    year: int = 0
    quality: str = ""
    negated: bool = False


PARTS: Final = ("subject", "object", "recipient", "place", "day", "year")
"""What can be asked for; a role as object of `be_role` and a quality are never asked for."""


@final
@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written. `part` is the clause's part that it says (articles and adpositions say none).

    `name` is PER, LOC or ORG on the words of names. `bound` words are written without a space before them: case endings
    after names, particles, punctuation. Languages without spaces bind nothing: their words are written together, but
    for those that are `apart`.
    """

    text: str
    part: str = ""
    name: str = ""
    bound: bool = False
    apart: bool = False
