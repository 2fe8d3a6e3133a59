"""Mini's sentences in Chinese, Japanese, Korean and German, as readers of these languages want them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause, Organisation, Person, Thing

_ELENA: Final = Person("elena")
_MARTIN: Final = Person("martin")
_STUDENT: Final = Thing("student", definite=True)
_BOTTLE: Final = Clause("bring", _ELENA, Thing("bottle", "cheap"), place="cairo", day="monday")
_COW: Final = Clause("bring", _STUDENT, Thing("cow"), place="london")
_TRIP: Final = Clause("travel", _ELENA, place="seoul", day="friday")
_BORN: Final = Clause("be_born", _ELENA, place="lima", year=1984)
_HAT: Final = Clause("lend", _ELENA, Thing("hat", "white"), _MARTIN)
_CALL: Final = Clause("call", _ELENA, _MARTIN)
_HOUSE: Final = Clause("be_adjective", Thing("house", definite=True), quality="new")
_WORK: Final = Clause("work", _STUDENT, Organisation("oslo", "bank"), place="vienna")
_FOUND: Final = Clause("found", _ELENA, Organisation("nova", "company"), year=1950)


def _not(clause: Clause) -> Clause:
    return replace(clause, negated=True)


_SAID: Final = [
    ("zh", _BOTTLE, "埃琳娜星期一带了一个便宜的瓶子去开罗。"),
    ("zh", _not(_BOTTLE), "埃琳娜星期一没有带便宜的瓶子去开罗。"),
    ("zh", replace(_BOTTLE, place=""), "埃琳娜星期一带了一个便宜的瓶子。"),
    ("zh", _COW, "学生带了一头牛去伦敦。"),
    ("zh", _TRIP, "埃琳娜星期五去首尔旅行了。"),
    ("zh", _not(_TRIP), "埃琳娜星期五没有去首尔旅行。"),
    ("zh", _BORN, "埃琳娜1984年出生在利马。"),
    ("zh", _not(_WORK), "学生不在维也纳为奥斯陆银行工作。"),
    ("zh", _not(_HAT), "埃琳娜没有借白色的帽子给马丁。"),
    ("ja", _BOTTLE, "エレナは月曜日にカイロへ安い瓶を持ってきました。"),
    ("ja", _not(_BOTTLE), "エレナは月曜日にカイロへ安い瓶を持ってきませんでした。"),
    ("ja", replace(_BOTTLE, place=""), "エレナは月曜日に安い瓶を持ってきました。"),
    ("ja", _COW, "学生はロンドンへ牛を連れてきました。"),
    ("ja", _not(_TRIP), "エレナは金曜日にソウルへ旅行しませんでした。"),
    ("ja", _BORN, "エレナは1984年にリマで生まれました。"),
    ("ja", _not(_WORK), "学生はウィーンでオスロ銀行に勤めていません。"),
    ("ja", _not(_HOUSE), "その家は新しくありません。"),
    ("ja", _not(_HAT), "エレナはマーティンに白い帽子を貸しませんでした。"),
    ("ko", _BOTTLE, "엘레나는 월요일에 카이로로 저렴한 물병을 가져왔습니다."),
    ("ko", _not(_BOTTLE), "엘레나는 월요일에 카이로로 저렴한 물병을 가져오지 않았습니다."),
    ("ko", _COW, "학생은 런던으로 소를 데려왔습니다."),
    ("ko", _not(_COW), "학생은 런던으로 소를 데려오지 않았습니다."),
    ("ko", _HOUSE, "그 집은 새집입니다."),
    ("ko", _not(_HOUSE), "그 집은 새집이 아닙니다."),
    ("ko", _not(replace(_HOUSE, subject=Thing("bed", definite=True))), "그 침대는 새것이 아닙니다."),
    ("ko", _not(_WORK), "학생은 비엔나에서 오슬로 은행에 근무하지 않습니다."),
    ("ko", _FOUND, "엘레나는 1950년에 노바사를 설립했습니다."),
    ("de", _not(_BOTTLE), "Elena hat am Montag keine billige Flasche nach Kairo mitgebracht."),
    ("de", _not(_HAT), "Elena hat Martin keinen weißen Hut geliehen."),
    ("de", _not(_WORK), "Der Student arbeitet in Wien nicht für die Bank Oslo."),
    ("de", _not(_FOUND), "Elena hat die Firma Nova nicht 1950 gegründet."),
]

_ASKED: Final = [
    ("zh", _BOTTLE, "place", "埃琳娜星期一带了一个便宜的瓶子去哪里？"),
    ("zh", _TRIP, "place", "埃琳娜星期五去哪里旅行了？"),
    ("zh", replace(_TRIP, place=""), "day", "埃琳娜星期几去旅行了？"),
    ("zh", replace(_BORN, place=""), "year", "埃琳娜哪一年出生？"),
    ("zh", _BORN, "place", "埃琳娜1984年出生在哪里？"),
    ("ja", _BOTTLE, "place", "エレナは月曜日にどこへ安い瓶を持ってきましたか。"),
    ("ja", _COW, "subject", "誰がロンドンへ牛を連れてきましたか。"),
    ("ja", replace(_BORN, place=""), "year", "エレナは何年に生まれましたか。"),
    ("ko", _BOTTLE, "place", "엘레나는 월요일에 어디로 저렴한 물병을 가져왔습니까?"),
    ("ko", _COW, "subject", "누가 런던으로 소를 데려왔습니까?"),
    ("ko", replace(_TRIP, place=""), "day", "엘레나는 무슨 요일에 여행을 갔습니까?"),
    ("de", _HAT, "object", "Was wurde Martin von Elena geliehen?"),
    ("de", replace(_HAT, place="lima"), "place", "Wo wurde Martin von Elena ein weißer Hut geliehen?"),
    ("de", replace(_HAT, place="lima"), "object", "Was hat Elena in Lima Martin geliehen?"),
    ("de", replace(_HAT, subject=_STUDENT), "object", "Was wurde Martin vom Studenten geliehen?"),
    ("de", replace(_HAT, subject=_STUDENT, place="lima"), "object", "Was hat der Student in Lima Martin geliehen?"),
    ("de", replace(_HAT, recipient=_STUDENT), "object", "Was hat Elena dem Studenten geliehen?"),
    ("de", _HAT, "recipient", "Wem hat Elena einen weißen Hut geliehen?"),
    ("de", replace(_CALL, day="sunday"), "day", "An welchem Tag wurde Martin von Elena angerufen?"),
    ("de", replace(_CALL, verb="help", place="rome"), "place", "Wo wurde Martin von Elena geholfen?"),
    ("de", replace(_CALL, verb="meet", place="rome"), "place", "Wo hat sich Elena mit Martin getroffen?"),
    ("de", _CALL, "subject", "Wer hat Martin angerufen?"),
]


@pytest.mark.parametrize(("language", "clause", "text"), _SAID)
def test_a_statement_is_phrased_as_it_is_written_here(language: str, clause: Clause, text: str) -> None:
    """Goals are goals, also under negation, and predicates are those of the noun."""
    assert written(language, sentence(language, clause)) == text


@pytest.mark.parametrize(("language", "clause", "asked", "text"), _ASKED)
def test_a_question_is_asked_as_it_is_written_here(language: str, clause: Clause, asked: str, text: str) -> None:
    """An omitted place omits its preposition too, and no name runs together with the subject before it."""
    assert written(language, question(language, clause, asked)) == text
