"""Mini's sentences in Chinese, Korean and Japanese, whose particles, measure words and verbs agree with the noun."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tools.mini.grammar import question, sentence, written
from tools.mini.meaning import Clause, Organisation, Person, Thing

_ANNA = Person("anna", "smith")
_DOG = Clause("wash", _ANNA, Thing("dog", "old"), day="monday")
_GIFT = Clause("give", _ANNA, Thing("piano", "new"), Person("emma"), place="seoul")
_BORN = Clause("be_born", Person("karim"), place="london", year=1984)


@pytest.mark.parametrize(
    ("language", "clause", "text"),
    [
        ("zh", _DOG, "安娜·史密斯星期一给一只很老的狗洗了澡。"),
        ("ko", _DOG, "안나 스미스는 월요일에 늙은 개를 씻겼습니다."),
        ("ja", _DOG, "アンナ・スミスは月曜日に年老いた犬を洗いました。"),
        ("zh", _GIFT, "安娜·史密斯在首尔送给了艾玛一架新钢琴。"),
        ("ko", _GIFT, "안나 스미스는 서울에서 에마에게 새 피아노를 주었습니다."),
        ("ja", _GIFT, "アンナ・スミスはソウルでエマに新しいピアノをあげました。"),
        ("zh", replace(_GIFT, negated=True), "安娜·史密斯没有在首尔送新钢琴给艾玛。"),
        ("ko", replace(_GIFT, negated=True), "안나 스미스는 서울에서 에마에게 새 피아노를 주지 않았습니다."),
        ("zh", replace(_BORN, negated=True), "卡里姆不是1984年在伦敦出生的。"),
        ("ko", _BORN, "카림은 1984년에 런던에서 태어났습니다."),
        ("ja", replace(_BORN, negated=True), "カリムは1984年にロンドンで生まれたのではありません。"),
    ],
)
def test_forms_follow_the_meaning(language: str, clause: Clause, text: str) -> None:
    """Measure words, particles and verbs are those of the noun, and negation is that of the verb."""
    assert written(language, sentence(language, clause)) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "卡里姆哪一年出生在伦敦？"),
        ("ko", "카림은 몇 년에 런던에서 태어났습니까?"),
        ("ja", "カリムは何年にロンドンで生まれましたか。"),
    ],
)
def test_what_is_asked_for_stays_in_its_place(language: str, text: str) -> None:
    """The question word is at the position of the answer."""
    assert written(language, question(language, _BORN, "year")) == text


@pytest.mark.parametrize(("city", "text"), [("lima", "리마로"), ("london", "런던으로"), ("seoul", "서울로")])
def test_the_korean_particle_of_direction_follows_the_last_sound(city: str, text: str) -> None:
    """It is 로 after a vowel and after ㄹ."""
    assert text in written("ko", sentence("ko", Clause("travel", _ANNA, place=city)))


def test_the_kind_of_an_organisation_is_part_of_its_name() -> None:
    """Every word of the name is marked, also in the name of a firm."""
    for language, name in (("zh", "田中公司"), ("ko", "다나카사"), ("ja", "タナカ社")):
        spoken = sentence(language, Clause("found", _ANNA, Organisation("tanaka", "company")))
        assert "".join(word.text for word in spoken if word.part == "object" and word.name == "ORG") == name
