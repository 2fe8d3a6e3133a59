"""nlpaug's augmenters as perturbations: what they change, what they leave, and which languages they are refused in."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import nlpaug
import pytest
import regex
from safetensors.torch import load_file, save_file
from tests.conformance.texts import SENTENCES
from tests.some import some
from tests.tiny import tiny_masked_folder
from transformers import BertConfig, BertModel

import robust_xtreme
from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UserError
from robust_xtreme.core.examples import Choice, Example, Span, Text
from robust_xtreme.core.languages import LANGUAGES, language
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noised import Noised
from robust_xtreme.noise.engine.noising import bound, noise_texts
from robust_xtreme.noise.members.nlpaug._aug import TABLES

MANGLED = "It cost $3.50, didn't it?  Yes\nno"
ACTIONS = ("substitute", "insert", "swap", "delete")
RANDOM = [f"nlpaug.random:{{}}@action={action}" for action in ACTIONS]
LETTERS = ["nlpaug.keyboard:{}", "nlpaug.ocr:{}", *RANDOM]
_ABUGIDAS = ("bn", "gu", "hi", "ml", "mr", "my", "pa", "ta", "te", "th")


def _noise(spec: str, *values: str, code: str = "en", seed: int = 0) -> list[Noised]:
    texts = [Text(f"t/{number}/{value}", code, value) for number, value in enumerate(values)]
    return list(noise_texts(texts, PerturbationSpec.parse(spec), seed))


def _kept(noised: Noised) -> bool:
    """Whether all that no edit names is byte for byte what it was."""
    clean, noisy, old, new = noised.clean.value, noised.text.value, 0, 0
    for start, stop, low, high in [*noised.traces[0].moves, (len(clean), len(clean), len(noisy), len(noisy))]:
        if clean[old:start] != noisy[new:low]:
            return False
        old, new = stop, high
    return True


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a masked language model of BERT's kind, tiny and random, that knows no capitals."""
    words = [f"w{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"]
    words += MANGLED.lower().replace("\n", " ").split() + SENTENCES["en"].lower().split() + list(".,'$?")
    return tiny_masked_folder(tmp_path_factory.mktemp("masked"), words)


@pytest.mark.parametrize("spec", LETTERS)
@pytest.mark.parametrize("strength", ["0", "0.3", "1"])
def test_nothing_outside_of_the_edits_is_touched(spec: str, strength: str) -> None:
    """White space, signs and digits stay as they are, where nlpaug by itself rewrites them."""
    noised = _noise(spec.format(strength), MANGLED, f"  {MANGLED}\n\n", " \t")
    assert all(map(_kept, noised))
    gaps = [regex.findall(r"\P{L}+", value) for value in (noised[0].clean.value, noised[0].text.value)]
    assert gaps[0] == gaps[1] or "ocr" in spec
    assert (noised[0].text.value == MANGLED) == (strength == "0")


def test_nlpaug_by_itself_mangles_the_same_text() -> None:
    """The reason for words of our own: with nothing to change nlpaug gives back another text."""
    from nlpaug.augmenter.char import KeyboardAug

    alone = KeyboardAug(aug_word_p=0.0, aug_word_min=0, aug_word_max=None).augment(MANGLED)
    assert alone == ["It cost $ 3. 50, didn ' t it? Yes no"]


@pytest.mark.parametrize("name", ["keyboard", "ocr", "random"])
@pytest.mark.parametrize("code", [*_ABUGIDAS, "yo"])
def test_scripts_of_combining_marks_are_refused_with_the_reason(name: str, code: str) -> None:
    """nlpaug changes code points: where letters carry signs it would leave orphan marks."""
    member = registry.load("perturbation", f"nlpaug.{name}")
    assert "combining marks" in member.lacks(code)
    with pytest.raises(UserError, match=f"{code}"):
        robust_xtreme.perturb(
            [Example("e", {"p": Text("p", code, SENTENCES[code])}, Choice(0), "c")], f"{member.name}:0.5"
        )


def test_keyboards_are_those_that_nlpaug_has() -> None:
    """The list that is there without importing nlpaug is that of its files; Thai's is refused."""
    files = (Path(nlpaug.__file__).parent / "res/char/keyboard").glob("*.json")
    assert sorted(path.stem for path in files) == sorted(TABLES)
    served = [code for code in LANGUAGES if registry.load("perturbation", "nlpaug.keyboard").serves(code)]
    assert served == ["de", "en", "es", "fr", "he", "it", "nl", "pl", "tr", "uk"]


def test_random_serves_languages_with_spaces_and_plain_letters() -> None:
    """All but the abugidas, Yoruba, and the languages written without spaces."""
    member = registry.load("perturbation", "nlpaug.random")
    assert {code for code in LANGUAGES if not member.serves(code)} == {*_ABUGIDAS, "yo", "ja", "zh"}
    assert "without spaces" in member.lacks("zh")
    assert "English" in registry.load("perturbation", "nlpaug.ocr").lacks("de")
    assert "no keyboard" in registry.load("perturbation", "nlpaug.keyboard").lacks("sw")


def test_pointed_hebrew_keeps_its_points() -> None:
    """In a pointed word only letters without points change, so that none loses its mark."""
    for strength in ("0.3", "1"):
        (noised,) = _noise(f"nlpaug.keyboard:{strength}", "הילדים שָׁלוֹם בְּרֵאשִׁית", code="he")
        assert regex.findall(r"\X", noised.text.value).count("שָׁ") == 1
        assert regex.findall(r"\p{M}+", noised.text.value) == regex.findall(r"\p{M}+", noised.clean.value)


def test_turkish_and_german_capitals_survive_a_swap() -> None:
    """nlpaug would make of İ an i with a dot above it, and of ß two letters."""
    values = ["İlk İYİ Irmak ISI", "Ißa Straße ẞx"]
    for code, value in zip(("tr", "de"), values, strict=True):
        (noised,) = _noise("nlpaug.random:1@action=swap", value, code=code)
        assert sorted(noised.text.value) == sorted(value)
        assert noised.text.value != value


@pytest.mark.parametrize("spec", ["nlpaug.keyboard:{}", *RANDOM])
@pytest.mark.parametrize(
    "strength",
    some(["0.05", "0.1", "0.3"], ("0.1",)),
)
@pytest.mark.parametrize(("longest", "total"), [(500, 2000), pytest.param(2000, 4000, marks=pytest.mark.long)])
def test_realised_strength_is_the_nominal_one_whatever_the_length(
    spec: str, strength: str, longest: int, total: int
) -> None:
    """nlpaug's cap of 10 words is lifted: the share of words edited stays; the least is one word, seen in 5 words."""
    words = SENTENCES["en"].replace(" it's 3 o'clock", " everyone sings").rstrip(".").split()
    for size in [size for size in (5, 50, 500, 2000) if size <= longest]:
        value = " ".join((words * (size // len(words) + 1))[:size])
        noised = _noise(spec.format(strength), *[value] * (total // size))
        share = sum(text.words_edited for text in noised) / sum(text.words for text in noised)
        least = max(float(strength), 1 / size)
        assert 0.85 * least <= share <= 1.15 * least + 1 / size, f"{size} words: {share}"


def test_misread_words_are_a_share_of_those_that_can_be() -> None:
    """Letters that the table does not have are left; those that it has become what it says, digits included."""
    (noised,) = _noise("nlpaug.ocr:1", "look at 10 bells")
    assert noised.text.value.split()[1:3] == ["at", "10"]
    assert noised.words_edited == 2
    assert regex.search(r"\d", "".join(text.text.value for text in _noise("nlpaug.ocr:1", *["lls sgl"] * 8)))


def test_texts_with_spans_are_refused_in_one_line() -> None:
    """Answers and tags would be lost, so nothing is noised."""
    with pytest.raises(UserError, match=r"nlpaug\.keyboard"):
        noise_texts([Text("t", "en", "The river", (Span(4, 9),))], PerturbationSpec.parse("nlpaug.keyboard:0.1"), 0)


@pytest.mark.parametrize("spec", ["nlpaug.keyboard:0.1", "nlpaug.random:0.1"])
def test_a_missing_nlpaug_is_one_line_and_harms_no_strength_of_nought(
    spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without nlpaug the line says what to install; strength 0 needs none, and neither do lists (test_imports.py)."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "nlpaug"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nlpaug", None)
    assert robust_xtreme.perturb(["a b"], spec.replace("0.1", "0"), language="en") == ["a b"]
    with pytest.raises(UserError, match=r'pip install "robust-xtreme\[nlpaug\]"$'):
        robust_xtreme.perturb(["a b"], spec, language="en")


def test_an_unknown_action_is_named() -> None:
    """A choice has known values."""
    with pytest.raises(SpecError, match="double"):
        bound(PerturbationSpec.parse("nlpaug.random:0.1@action=double"))


@pytest.mark.parametrize("action", ["substitute", "insert"])
def test_a_masked_model_changes_words_and_nothing_else(masked: Path, action: str) -> None:
    """Case, white space and signs stay, though the model knows no capitals; no connection is opened."""
    spec = f"nlpaug.contextual:{{}}@action={action}@model={masked}"
    values = (MANGLED, f"\n{SENTENCES['en']} ", "", "  ", "Ünïcode ЖЖ ✈ 中文")
    for strength in ("0.3", "1"):
        noised = _noise(spec.format(strength), *values)
        assert all(map(_kept, noised))
        assert noised[0].text.value != MANGLED
        assert not regex.search(r"\[[A-Z]+\]", "".join(text.text.value for text in noised))
    assert [text.text.value for text in _noise(spec.format("0"), *values)] == list(values)
    clean, noisy = MANGLED.split(), _noise(spec.format("0.3"), MANGLED)[0].text.value.split()
    assert len(noisy) > len(clean) if action == "insert" else len(noisy) == len(clean)


def test_a_masked_model_changes_its_share_of_long_texts(masked: Path) -> None:
    """A text longer than the model reads is given to it in parts: its end is changed like its beginning."""
    words = ["The", "children", "play", "near", "the", "river", "every", "morning"]
    value = " ".join((words * 40)[:300])
    (noised,) = _noise(f"nlpaug.contextual:0.2@model={masked}", value)
    assert 0.16 <= noised.words_edited / noised.words <= 0.26
    assert max(move[0] for move in noised.traces[0].moves) > 0.9 * len(value)


def test_where_the_model_is_changes_no_draw(masked: Path, tmp_path: Path) -> None:
    """A folder's name is not a part of what is drawn, and two folders of one name are two models."""
    other = tmp_path / "elsewhere" / masked.name
    other.parent.mkdir()
    other.symlink_to(masked)
    specs = [f"nlpaug.contextual:0.5@model={folder}" for folder in (masked, other)]
    first, second = (_noise(spec, SENTENCES["en"])[0].text.value for spec in specs)
    assert first == second != SENTENCES["en"]


def test_languages_without_spaces_have_no_contextual_words() -> None:
    """nlpaug would put spaces between what the tokenizer makes of Chinese, Japanese, Thai and Burmese."""
    member = registry.load("perturbation", "nlpaug.contextual")
    assert [code for code in LANGUAGES if not member.serves(code)] == ["ja", "my", "th", "zh"]
    assert all(language(code).spaces == member.serves(code) for code in LANGUAGES)


def _without_head(folder: Path) -> None:
    BertModel(BertConfig(hidden_size=4, num_hidden_layers=1, num_attention_heads=1)).save_pretrained(folder)


def _configured(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "config.json").write_text(text)

    return write


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_without_head, "head"),
        (_configured(json.dumps({"model_type": "xlm-roberta"})), "xlm-roberta"),
        (_configured("[]"), "configuration"),
        (_configured("{"), "configuration"),
        (_configured('{"model_type": "bert", "architectures": ["BertForMaskedLM"]}'), "safetensors"),
    ],
)
def test_a_folder_that_nlpaug_cannot_use_is_one_line(make: Callable[[Path], None], words: str, tmp_path: Path) -> None:
    """Another kind, no head, pickled weights: named before anything is loaded."""
    make(tmp_path)
    with pytest.raises(UserError, match=words) as caught:
        _noise(f"nlpaug.contextual:0.5@model={tmp_path}", "a b")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lost", ["the end of the file", "the weights of the head"])
def test_damaged_weights_are_one_line(lost: str, masked: Path, tmp_path: Path) -> None:
    """A file that is cut short; and weights that are not there, which transformers would draw at random."""
    folder = Path(shutil.copytree(masked, tmp_path / "model"))
    weights = folder / "model.safetensors"
    if lost == "the end of the file":
        weights.write_bytes(weights.read_bytes()[:-9])
    else:
        save_file({name: of for name, of in load_file(weights).items() if "transform" not in name}, weights)
    named = "cannot be read" if lost == "the end of the file" else r"has no weights of cls\.predictions\.transform"
    with pytest.raises(UserError, match=named) as caught:
        _noise(f"nlpaug.contextual:0.5@model={folder}", "a b")
    assert "\n" not in str(caught.value)


def test_a_hub_id_is_refused_and_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is a folder here; a name of the hub opens no connection."""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("a connection was opened"))
    with pytest.raises(UserError, match="bert-base-uncased"):
        _noise("nlpaug.contextual:0.5@model=bert-base-uncased", "a b")
    with pytest.raises(SpecError, match="'model'"):
        _noise("nlpaug.contextual:0.5", "a b")
