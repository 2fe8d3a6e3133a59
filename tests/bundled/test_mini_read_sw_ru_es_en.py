"""Sentences of mini in Swahili, Russian, Spanish and English that readers of these languages corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tools.mini import meanings, rows
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause, Organisation, Person, Thing

_ANNA: Final = Person("anna", "smith")
_TAILOR: Final = Thing("tailor", definite=True)
_TRIP: Final = Clause("travel", _ANNA, place="mexico_city", day="monday")
_LOAN: Final = Clause("borrow", _ANNA, Thing("lamp", "blue"), place="lima")
_WASH: Final = Clause("wash", _ANNA, Thing("hat"), place="cairo", negated=True)
_CAR: Final = Clause("wash", _TAILOR, Thing("car", "dirty"), negated=True)
_BRING: Final = Clause("bring", _ANNA, Thing("dog"), place="havana")
_SHOW: Final = Clause("show", _TAILOR, Thing("key"), _ANNA, negated=True)
_DELHI: Final = Organisation("delhi", "university")


@pytest.mark.parametrize(
    ("language", "clause", "text"),
    [
        ("sw", _TRIP, "Anna Smith alisafiri kwenda Jiji la Meksiko siku ya Jumatatu."),
        ("sw", _WASH, "Anna Smith hakufua kofia jijini Kairo."),
        ("sw", _CAR, "Mshonaji hakuosha gari chafu."),
        ("sw", _SHOW, "Mshonaji hakumwonyesha Anna Smith ufunguo."),
        ("sw", Clause("work", _ANNA, _DELHI, negated=True), "Anna Smith hafanyii kazi Chuo Kikuu cha Delhi."),
        ("sw", Clause("be_in", Organisation("nova", "museum"), place="oslo"), "Makumbusho ya Nova yapo jijini Oslo."),
        ("sw", Clause("be_adjective", Thing("key", definite=True), quality="white"), "Ufunguo ni mweupe."),
        ("sw", Clause("photograph", _ANNA, Thing("orange", "yellow")), "Anna Smith alipiga picha ya chungwa la njano."),
        ("ru", _WASH, "В Каире Анна Смит не стирала шляпу."),
        ("ru", replace(_WASH, negated=False), "В Каире Анна Смит постирала шляпу."),
        ("ru", _CAR, "Портной не мыл грязную машину."),
        ("ru", _SHOW, "Портной не показывал Анне Смит ключ."),
        ("ru", replace(_BRING, negated=True), "Анна Смит не привозила собаку в Гавану."),
        ("ru", Clause("find", _ANNA, Thing("clock", "blue"), negated=True), "Анна Смит не находила синие часы."),
        ("ru", Clause("carry", _ANNA, Thing("bed"), negated=True), "Анна Смит не несла кровать."),
        ("ru", Clause("meet", _ANNA, Person("omar", "petrov"), negated=True), "Анна Смит не встречала Омара Петрова."),
        ("ru", Clause("help", _ANNA, _TAILOR, negated=True), "Анна Смит не помогала портному."),
        ("es", _WASH, "Ana Smith no lavó ningún sombrero en El Cairo."),
        ("es", _SHOW, "El sastre no le mostró ninguna llave a Ana Smith."),
        ("es", replace(_LOAN, negated=True), "Ana Smith no tomó prestada ninguna lámpara azul en Lima."),
        ("es", Clause("help", _ANNA, _TAILOR, negated=True), "Ana Smith no ayudó al sastre."),
        ("es", Clause("be_role", _ANNA, Thing("engineer"), negated=True), "Ana Smith no es ingeniera."),
        ("en", _BRING, "Anna Smith brought a dog to Havana."),
        ("en", _SHOW, "The tailor did not show a key to Anna Smith."),
        ("en", Clause("study", _ANNA, _DELHI, negated=True), "Anna Smith did not study at Delhi University."),
        ("en", Clause("be_in", _DELHI, place="lima"), "Delhi University is located in Lima."),
        ("en", Clause("found", _ANNA, Organisation("nova", "bank")), "Anna Smith founded the Nova Bank."),
    ],
)
def test_statements_are_phrased_as_the_language_phrases_them(language: str, clause: Clause, text: str) -> None:
    """Negation denies that anything was done at all, and nouns, verbs and articles agree."""
    assert written(language, sentence(language, clause)) == text


@pytest.mark.parametrize(
    ("language", "clause", "asked", "text"),
    [
        ("sw", replace(_TRIP, place=""), "day", "Anna Smith alisafiri siku gani?"),
        ("sw", _TRIP, "day", "Anna Smith alisafiri kwenda Jiji la Meksiko siku gani?"),
        ("sw", _TRIP, "place", "Anna Smith alisafiri kwenda wapi siku ya Jumatatu?"),
        ("ru", replace(_TRIP, place=""), "day", "В какой день ездила Анна Смит?"),
        ("es", _LOAN, "place", "¿Dónde tomó prestada Ana Smith una lámpara azul?"),
        ("es", replace(_LOAN, subject=_TAILOR), "object", "¿Qué tomó prestado el sastre en Lima?"),
        ("es", replace(_TRIP, place=""), "day", "¿Qué día viajó Ana Smith?"),
        ("en", _BRING, "subject", "Who brought a dog to Havana?"),
        ("en", _BRING, "place", "Where did Anna Smith bring a dog?"),
    ],
)
def test_questions_leave_nothing_dangling(language: str, clause: Clause, asked: str, text: str) -> None:
    """Words that belong to an omitted part are omitted too, and participles stay with their verb."""
    assert written(language, question(language, clause, asked)) == text


def test_quotation_marks_are_tokens_of_their_own() -> None:
    """A Russian name in quotation marks is tagged without them where they are not part of it."""
    for kind, text in (("company", "компанию « Нова »"), ("bank", "банк « Нова »")):
        tagged_words = rows.named("ru", sentence("ru", Clause("found", _ANNA, Organisation("nova", kind))))
        assert " ".join(token for token, _ in tagged_words) == f"Анна Смит основала {text} ."
        assert [tag for token, tag in tagged_words if token == "Нова"] == ["B-ORG" if kind == "company" else "I-ORG"]


def test_nobody_meets_a_namesake() -> None:
    """Two people of a clause never have one first name."""
    for naming in meanings.namings(True):
        for clause in naming.clauses:
            people = [part for part in (clause.subject, clause.object, clause.recipient) if isinstance(part, Person)]
            assert len({part.first for part in people}) == len(people), naming.template
