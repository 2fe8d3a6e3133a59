"""Sentences of mini in Arabic, Hindi, Thai and Turkish that readers of these languages corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tools.mini import meanings, rows
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause, Organisation, Person, Thing, Word

_ANNA: Final = Person("anna", "smith")
_DOCTOR: Final = Thing("doctor", definite=True)
_FISHERMAN: Final = Thing("fisherman", definite=True)
_BUY: Final = Clause("buy", _ANNA, Thing("boat"), place="paris", day="monday")
_OLD: Final = Clause("buy", _ANNA, Thing("bag", "old"), negated=True)
_FIX: Final = Clause("repair", _FISHERMAN, Thing("truck", "new"))
_WASH: Final = Clause("wash", Person("omar"), Thing("dog", "clean"), negated=True)
_RIDE: Final = Clause("steal", _DOCTOR, Thing("vehicle"), negated=True)
_DRAW: Final = Clause("draw", _ANNA, Thing("horse"), day="friday")
_BRING: Final = Clause("bring", _ANNA, Thing("key"), place="cairo")
_GIVE: Final = Clause("give", _ANNA, Thing("goat", "old"), Person("leila"))
_LEND: Final = Clause("lend", Person("omar"), Thing("map"), _FISHERMAN)
_CALL: Final = Clause("call", _DOCTOR, Person("ivan", "kumar"), place="rome")
_SHOW: Final = Clause("show", Person("omar"), Thing("piano", "heavy"), _DOCTOR)
_FIRM: Final = Organisation("hassan", "company")
_FOUND: Final = Clause("found", _ANNA, _FIRM, place="bangkok", year=1984)
_SEAT: Final = Clause("be_in", _FIRM, place="warsaw")


def no(clause: Clause) -> Clause:
    """The clause denied."""
    return replace(clause, negated=True)


@pytest.mark.parametrize(
    ("language", "clause", "text"),
    [
        ("ar", no(_BUY), "لم تشتر آنا سميث قاربا في باريس يوم الاثنين."),
        ("ar", _RIDE, "لم يسرق الطبيب وسيلة نقل."),
        ("ar", replace(_RIDE, verb="draw", negated=False), "رسم الطبيب وسيلة نقل."),
        ("ar", _BRING, "أحضرت آنا سميث مفتاحا إلى القاهرة."),
        ("ar", no(_BRING), "لم تحضر آنا سميث مفتاحا إلى القاهرة."),
        ("ar", _LEND, "أعار عمر خريطة لصياد السمك."),
        ("ar", replace(_LEND, recipient=_DOCTOR), "أعار عمر خريطة للطبيب."),
        ("ar", no(replace(_LEND, recipient=Person("leila"))), "لم يعر عمر خريطة لليلى."),
        ("ar", _SEAT, "تقع شركة حسن في وارسو."),
        ("hi", _BUY, "अन्ना स्मिथ ने सोमवार को पेरिस में एक नाव खरीदी।"),
        ("hi", no(_BUY), "अन्ना स्मिथ ने सोमवार को पेरिस में कोई नाव नहीं खरीदी।"),
        ("hi", _OLD, "अन्ना स्मिथ ने कोई पुराना बैग नहीं खरीदा।"),
        ("hi", no(_FIX), "मछुआरे ने किसी नए ट्रक की मरम्मत नहीं की।"),
        ("hi", _WASH, "उमर ने किसी साफ़ कुत्ते को नहीं नहलाया।"),
        ("hi", no(_DRAW), "अन्ना स्मिथ ने शुक्रवार को किसी घोड़े का चित्र नहीं बनाया।"),
        ("hi", Clause("sell", _ANNA, Thing("furniture"), negated=True), "अन्ना स्मिथ ने कोई फ़र्नीचर नहीं बेचा।"),
        ("hi", Clause("sell", _ANNA, Thing("furniture")), "अन्ना स्मिथ ने फ़र्नीचर बेचा।"),
        ("hi", _BRING, "अन्ना स्मिथ एक चाबी काहिरा लाई।"),
        ("hi", no(_LEND), "उमर ने मछुआरे को कोई नक्शा उधार नहीं दिया।"),
        ("hi", Clause("be_role", _ANNA, Thing("teacher"), negated=True), "अन्ना स्मिथ शिक्षिका नहीं है।"),
        ("hi", _SEAT, "हसन कंपनी वारसॉ में स्थित है।"),
        ("hi", _FOUND, "अन्ना स्मिथ ने 1984 में बैंकॉक में हसन कंपनी की स्थापना की।"),
        ("th", _BUY, "แอนนา สมิธ ซื้อเรือที่ปารีสเมื่อวันจันทร์"),
        ("th", _FIX, "ชาวประมงซ่อมรถบรรทุกคันใหม่"),
        ("th", _WASH, "โอมาร์ไม่ได้อาบน้ำให้สุนัขที่สะอาด"),
        ("th", Clause("find", Person("omar"), Thing("dog", "clean")), "โอมาร์พบสุนัขสะอาด"),
        ("th", _GIVE, "แอนนา สมิธ มอบแพะแก่ให้ไลลา"),
        ("th", no(_SHOW), "โอมาร์ไม่ได้ให้แพทย์ดูเปียโนน้ำหนักมาก"),
        ("th", Clause("be_adjective", Thing("piano", definite=True), quality="heavy"), "เปียโนหลังนั้นหนัก"),
        ("th", _CALL, "แพทย์โทรหาอีวาน กุมาร ที่โรม"),
        ("th", replace(_CALL, place=""), "แพทย์โทรหาอีวาน กุมาร"),
        ("th", Clause("be_role", Person("omar"), Thing("student")), "โอมาร์เป็นนักศึกษา"),
        ("th", _SEAT, "บริษัทฮัสซันตั้งอยู่ในวอร์ซอ"),
        ("th", _FOUND, "แอนนา สมิธ ก่อตั้งบริษัทฮัสซันที่กรุงเทพมหานครในปี 1984"),
        ("tr", _BUY, "Anna Smith pazartesi günü Paris'te bir tekne satın aldı."),
        ("tr", no(_BUY), "Anna Smith pazartesi günü Paris'te tekne satın almadı."),
        ("tr", _OLD, "Anna Smith eski bir çanta satın almadı."),
        ("tr", _DRAW, "Anna Smith cuma günü bir atın resmini çizdi."),
        ("tr", no(_DRAW), "Anna Smith cuma günü hiçbir atın resmini çizmedi."),
        ("tr", no(replace(_DRAW, verb="photograph")), "Anna Smith cuma günü hiçbir atın fotoğrafını çekmedi."),
        ("tr", _BRING, "Anna Smith, Kahire'ye bir anahtar getirdi."),
        ("tr", no(_LEND), "Omar, balıkçıya harita ödünç vermedi."),
        ("tr", _CALL, "Doktor Roma'da İvan Kumar'a telefon etti."),
        ("tr", _SEAT, "Hassan şirketi Varşova'da yer alıyor."),
        ("tr", _FOUND, "Anna Smith 1984 yılında Bangkok'ta Hassan şirketini kurdu."),
        ("tr", Clause("work", Person("omar"), _FIRM), "Omar, Hassan şirketi için çalışıyor."),
    ],
)
def test_statements_are_phrased_as_the_language_phrases_them(language: str, clause: Clause, text: str) -> None:
    """Negation denies that there was any such thing, and no word can be read for another."""
    assert written(language, sentence(language, clause)) == text


@pytest.mark.parametrize(
    ("language", "clause", "asked", "text"),
    [
        ("ar", _BRING, "place", "إلى أين أحضرت آنا سميث مفتاحا؟"),
        ("ar", _LEND, "recipient", "لمن أعار عمر خريطة؟"),
        ("hi", _BRING, "place", "अन्ना स्मिथ एक चाबी कहाँ लाई?"),
        ("hi", _FOUND, "object", "अन्ना स्मिथ ने 1984 में बैंकॉक में किस संगठन की स्थापना की?"),
        ("th", _GIVE, "recipient", "แอนนา สมิธ มอบแพะแก่ให้ใคร"),
        ("th", _FOUND, "subject", "ใครก่อตั้งบริษัทฮัสซันที่กรุงเทพมหานครในปี 1984"),
        ("tr", _BRING, "place", "Anna Smith nereye bir anahtar getirdi?"),
        ("tr", _CALL, "object", "Doktor Roma'da kime telefon etti?"),
        ("tr", _DRAW, "object", "Anna Smith cuma günü neyin resmini çizdi?"),
        (
            "tr",
            Clause("study", _ANNA, Organisation("nova", "university")),
            "subject",
            "Nova Üniversitesi'nde kim okudu?",
        ),
        ("tr", _SEAT, "subject", "Varşova'da hangi kuruluş yer alıyor?"),
    ],
)
def test_questions_are_asked_as_the_language_asks_them(language: str, clause: Clause, asked: str, text: str) -> None:
    """Question words have the case of what they ask for."""
    assert written(language, question(language, clause, asked)) == text


@pytest.mark.parametrize(
    ("language", "tagged"),
    [
        ("ar", [("شركة", "O"), ("حسن", "B-ORG")]),
        ("hi", [("हसन", "B-ORG"), ("कंपनी", "O")]),
        ("th", [("บริษัท", "O"), ("ฮัสซัน", "B-ORG")]),
        ("tr", [("Hassan", "B-ORG"), ("şirketini", "O")]),
    ],
)
def test_the_word_for_a_company_is_not_part_of_its_name(language: str, tagged: list[tuple[str, str]]) -> None:
    """It is beside the name, so that a firm is not read as a person."""
    tagged_words = rows.named(language, sentence(language, Clause("found", _ANNA, _FIRM)))
    assert [(token, tag) for token, tag in tagged_words if (token, tag) in tagged] == tagged


def test_a_thai_answer_contains_the_space_of_the_name() -> None:
    """The answer is the full name, with the space inside it and without the one after it."""
    row = next(row for row in rows.passage_rows("th", meanings.read(True)) if " " in _answer(row))
    assert _answer(row) == _answer(row).strip()
    assert _answer(row) in {written("th", words) for words in _names()}


def _answer(row: rows.Row) -> str:
    ((start, stop),) = row["answers"]
    return str(row["context"][start:stop])


def _names() -> list[list[Word]]:
    """The subjects of all clauses of the passages."""
    clauses = [clause for passage in meanings.read(True) for clause in passage.clauses]
    return [[word for word in sentence("th", clause) if word.part == "subject"] for clause in clauses]
