"""Texts for the rules: a sentence in each language, written for this purpose, and clusters that are hard to keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from robust_xtreme.core.edits import SpanTable, span_table
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.languages import ALL_LANGUAGES, language

SENTENCES: Final = {
    "af": "Die kinders speel elke môre naby die rivier en sê dankie.",
    "ar": "يلعب الأطفالُ كلَّ صباحٍ قرب النهر في مدينة القاهرة.",
    "az": "Uşaqlar hər səhər çayın yanında oynayır və İlqar onlara baxır.",
    "bg": "Децата играят всяка сутрин край реката в София.",
    "bn": "শিশুরা প্রতিদিন সকালে নদীর ধারে খেলা করে এবং গান গায়।",
    "de": "Die Kinder spielen jeden Morgen am Fluss und grüßen Frau Größe.",
    "el": "Τα παιδιά παίζουν κάθε πρωί κοντά στο ποτάμι της Αθήνας.",
    "en": "The children play near the river every morning and it's 3 o'clock.",
    "es": "Los niños juegan cada mañana junto al río de Logroño.",
    "et": "Lapsed mängivad igal hommikul jõe ääres ja laulavad õues.",
    "eu": "Haurrak goizero jolasten dira ibaiaren ondoan, Iruñean.",
    "fa": "بچه‌ها هر روز صبح کنار رودخانه بازی می‌کنند.",
    "fi": "Lapset leikkivät joka aamu joen äärellä Hämeenlinnassa.",
    "fr": "Les élèves jouent chaque matin près du fleuve, où l’été s’achève.",
    "gu": "બાળકો દરરોજ સવારે નદી કિનારે રમે છે અને ગીતો ગાય છે.",
    "he": "הילדים משחקים בכל בוקר ליד הנהר בעיר שָׁלוֹם.",
    "hi": "बच्चे हर सुबह नदी के किनारे खेलते हैं और अर्थात् हँसते हैं।",
    "ht": "Timoun yo jwe chak maten bò larivyè a nan Pòtoprens.",
    "hu": "A gyerekek minden reggel a folyó mellett játszanak, őszintén örülnek.",
    "id": "Anak-anak bermain di dekat sungai setiap pagi di Jakarta.",
    "it": "I bambini giocano ogni mattina vicino al fiume; la città è già sveglia.",
    "ja": "子どもたちは毎朝、川の近くでサッカーをして遊びます。",
    "jv": "Bocah-bocah dolanan ing cedhak kali saben ésuk.",
    "ka": "ბავშვები ყოველ დილით მდინარესთან თამაშობენ.",
    "kk": "Балалар күн сайын таңертең өзеннің жанында ойнайды.",
    "ko": "아이들은 매일 아침 강가에서 놀고 노래를 부릅니다.",
    "lt": "Vaikai kiekvieną rytą žaidžia prie upės ir džiaugiasi.",
    "ml": "കുട്ടികൾ എല്ലാ ദിവസവും രാവിലെ പുഴയുടെ അരികിൽ കളിക്കുന്നത് നല്ലതാണ്.",
    "mr": "मुले दररोज सकाळी नदीजवळ खेळतात आणि गाणी म्हणतात.",
    "ms": "Kanak-kanak bermain berhampiran sungai setiap pagi.",
    "my": "ကလေးများသည် မနက်တိုင်း မြစ်အနီးတွင် ကစားကြသည်။",
    "nl": "De kinderen spelen elke ochtend bij de rivier en eten ijs in België.",
    "pa": "ਬੱਚੇ ਹਰ ਸਵੇਰ ਨਦੀ ਦੇ ਕੰਢੇ ਖੇਡਦੇ ਹਨ ਅਤੇ ਗਾਉਂਦੇ ਹਨ।",
    "pl": "Dzieci bawią się każdego ranka nad rzeką w Łodzi i śpiewają.",
    "pt": "As crianças brincam todas as manhãs perto do rio; não há pão.",
    "qu": "Wawakuna sapa paqarin mayu patapi pukllanku, ñanpi takinku.",
    "ro": "Copiii se joacă în fiecare dimineață lângă râu și țin minte.",
    "ru": "Дети каждое утро играют у реки, и ёлка стоит в Москве.",
    "sw": "Watoto hucheza karibu na mto kila asubuhi mjini Dodoma.",
    "ta": "குழந்தைகள் தினமும் காலையில் ஆற்றின் அருகே விளையாடுகிறார்கள்.",
    "te": "పిల్లలు ప్రతి ఉదయం నది దగ్గర ఆడుకుంటారు మరియు పాడతారు.",
    "th": "เด็กๆ เล่นใกล้แม่น้ำทุกเช้าและร้องเพลงด้วยกันที่นี่",
    "tl": "Naglalaro ang mga bata malapit sa ilog tuwing umaga.",
    "tr": "Çocuklar her sabah İstanbul'da ırmağın kıyısında IŞIK oyunu oynar.",
    "uk": "Діти щоранку граються біля річки, а Їжак спить у Києві.",
    "ur": "بچے ہر صبح دریا کے کنارے کھیلتے ہیں اور گاتے ہیں۔",
    "vi": "Mỗi buổi sáng, trẻ em chơi gần sông và hát những bài hát cũ.",
    "wo": "Xale yi dañuy fo ci wetu dex gi suba su nekk, ñëw leen.",
    "yo": "Àwọn ọmọdé máa ń ṣeré nítòsí odò ní gbogbo òwúrọ̀.",
    "zh": "孩子们每天早上在河边玩耍,然后去北京的学校。",
}

HARD: Final = (
    "",
    " ",
    "क्षत्रिय क्ष्म्य र्‍य क्‍ष क्‌ष अर्थात्अक",
    "ക്ഷേത്രം ന്റെ ൎക അവന്",
    "👩‍👩‍👧‍👦 👩🏽‍🚀 🏴‍☠️ ❤️‍🔥 👍🏿 👨‍",
    "🇩🇪🇫🇷🇩 🇩a🇪",
    "각각 \u1100\u1161\u11a8 가\u11a8 \u1100 \u1161 \u1100a\uac00",
    "เกี๊ยวน้ำ ที่นี่ ก็ ํ",
    "\u0600a \u06dd123 \u110bd",
    "a\r\nb\rc\nd\r",
    "e\u0301u\u0308 n\u0303o\u0302\u0323 Z\u0351\u0343\u036a\u0302",
    "\u0301abc \u0301 \n\u0301x",
    "\u0301\u0302\u093f",
    "☃\ufe0f 1\ufe0f\u20e3 #\ufe0f\u20e3 ✈\ufe0e",
    "İıIi ẞß ŉ ﬁ ŀ ǆǅǄ ſ ΑΣας",
    "بِسْمِ ٱللَّٰهِ ك\u200cك\u200dك",
    "\u202eabc\u202c \u2067עברית\u2069",
    "\ud800x\udfff",
    "\U0001d518\U0001d51f \U00020000\U0002a6d6",
    "ᜃ᜔ᜃ ꦏ꧀ꦏ က္က ស្ត",
    "\x00a\x00",
    "\ufeffBOM \u00ad \u200b",
    "aaaa bbbb kkkk",
    "x",
    "12345 67,8 %",
)


def text(code: str, value: str, *spans: tuple[int, int], name: str = "", frozen: int = -1) -> Text:
    """A text of a language with spans; `frozen` is the number of a span that must not be touched."""
    table = tuple(Span(start, stop, None, number == frozen) for number, (start, stop) in enumerate(spans))
    return Text(name or f"t/{code}/{value}", code, value, table)


def words(value: str) -> tuple[tuple[int, int], ...]:
    """A span for each word."""
    bounds, start = [], 0
    for word in value.split(" "):
        bounds.append((start, start + len(word)))
        start += len(word) + 1
    return tuple(bounds)


def sentence(code: str) -> str:
    """A sentence of a language; of one that has none here, the letters of its alphabet in words of five."""
    if code in SENTENCES:
        return SENTENCES[code]
    letters = language(code).alphabet
    return " ".join("".join(letters[start : start + 5]) for start in range(0, len(letters), 5))


def every_language(codes: Sequence[str] = ALL_LANGUAGES) -> list[Text]:
    """A sentence in each language, as it is and with its words in reverse, with a span for each word."""
    pairs = [(code, sentence(code)) for code in codes]
    pairs += [(code, " ".join(value.split()[::-1])) for code, value in pairs if " " in value]
    return [text(code, value, *words(value)) for code, value in pairs]


def of_scripts() -> list[Text]:
    """The same in four languages of different scripts: an alphabet with case, an abjad, an abugida, syllable blocks."""
    return every_language(("sw", "ar", "hi", "ko"))


def hard(code: str = "hi") -> list[Text]:
    """The hard clusters as texts of a language, each with overlapping spans."""
    return [text(code, value, *_some(value)) for value in HARD]


def _some(value: str) -> tuple[tuple[int, int], ...]:
    """Overlapping, nested, touching and empty spans; some cut a cluster."""
    size = len(value)
    return tuple(sorted({(0, size), (size // 3, size), (size // 4, size // 2), (size // 2, size // 2)}))


def table(texts: list[Text]) -> SpanTable:
    """The spans of the texts as columns."""
    return span_table([text.spans for text in texts])


def real(folder: Path, limit: int) -> list[Text]:
    """Sentences of the release files: the first of panx in every language that is there, with a span for each word."""
    texts = []
    for path in sorted((folder / "panx").glob("dev-*.tsv")):
        blocks = path.read_text(encoding="utf-8").split("\n\n")[:limit]
        for number, block in enumerate(blocks):
            value = " ".join(line.split("\t")[0] for line in block.splitlines() if line.strip())
            code = path.stem.removeprefix("dev-")
            texts.append(text(code, value, *words(value), name=f"panx/{code}/{number}"))
    return [text for text in texts if text.value]


@st.composite
def drawn(draw: st.DrawFn) -> list[Text]:
    """A few texts of one language: its letters, marks, blanks and hard clusters, with spans at any places."""
    code = draw(st.sampled_from(ALL_LANGUAGES))
    alphabet = language(code).alphabet
    hard_pieces = [piece for value in HARD for piece in value.split(" ")]
    piece = st.one_of(
        st.sampled_from(alphabet),
        st.sampled_from(alphabet),
        st.sampled_from([letter.upper() for letter in alphabet]),
        st.sampled_from([" ", " ", "\u0301", "\u093f", "\u094d", "\u200d", "\u11a8", "\n", "7"]),
        st.sampled_from(hard_pieces),
    )
    values = draw(st.lists(st.lists(piece, max_size=14).map("".join), min_size=1, max_size=3))
    return [_spanned(draw, code, value, number) for number, value in enumerate(values)]


def _spanned(draw: st.DrawFn, code: str, value: str, number: int) -> Text:
    edge = st.integers(0, len(value))
    pairs = draw(st.lists(st.tuples(edge, edge).map(sorted), max_size=4))
    spans = tuple((start, stop) for start, stop in pairs)
    return text(code, value, *spans, name=f"{number}/{value}", frozen=draw(st.integers(-1, 3)))
