"""Every task, from its data to its drop: at strength 0 nothing is lost, to the last digit, in any cell."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.e2e.test_eval_retrieval import bitext, write
from tests.sample_files import sample
from tests.tiny import tiny_run
from tests.two_languages import two_languages

from robust_xtreme.core import registry
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.run import evaluate

pytestmark = pytest.mark.usefixtures("unpaged")

XTREME_R = ("xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli_x", "lareqa")
EMBEDDED = (*XTREME_R, "tatoeba@to=en")
OTHERS = ("pawsx", "bucc", "americasnli", "masakhaner", "multichecklist")
TAGS = ("O", "O", "B-LOC", "I-LOC", "O")
KEPT = ("test-en", "test-sw", "test-en@sw", "train-en", "pool")
WORDS = "mto unapita kando ya nyumba za mawe watu hukutana na kuzungumza juu ya mvua soko mashua na mkate"


def lines(count: int) -> list[str]:
    """Sentences of five words, no two alike."""
    words = WORDS.split()
    return [" ".join(words[(number * step + step) % len(words)] for step in (1, 2, 3, 5, 7)) for number in range(count)]


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files in miniature of the tasks that are not embedded."""
    folder = tmp_path_factory.mktemp("data")
    texts = lines(48)
    pairs = [f"{index + 1}\t{text}\t{text} {index}\t{index % 2}\n" for index, text in enumerate(texts)]
    write(folder / "pawsx/test-de.tsv", "id\tsentence1\tsentence2\tlabel\n" + "".join(pairs))
    for part in ("training", "sample"):
        bitext(folder, part)
    tags = ["".join(f"{word} {tag}\n" for word, tag in zip(text.split(), TAGS, strict=True)) for text in texts]
    write(folder / "masakhaner2/swa/test.txt", "\n".join(tags))
    labels = ("entailment", "neutral", "contradiction")
    rows = [f"{25051 + n}\tqu\t{texts[n // 3]}\t{text}\t{labels[n % 3]}\n" for n, text in enumerate(texts)]
    write(folder / "americasnli/test/quy.tsv", "id\tlanguage\tpremise\thypothesis\tlabel\n" + "".join(rows))
    write(folder / "multichecklist/checklist_templates.tsv", sample("checklist_templates"))
    return folder


def test_the_tasks_are_all_here() -> None:
    """A new task is tried too."""
    missing = set(registry.names("task")) - {*EMBEDDED, *OTHERS}
    assert not missing, f"Add {missing} to OTHERS, and a miniature of its release file to the fixture `others`."


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded suite, in English and Swahili alone: pools of retrieval contain every language of a suite."""
    return two_languages(tmp_path_factory.mktemp("mini") / "suite", KEPT)


def test_nothing_is_lost_at_strength_nothing_in_an_embedded_task(embedded: Path, tmp_path: Path) -> None:
    """All formats of XTREME-R, and Tatoeba as people type, with the embedded model, on every group of fields."""
    spec = RunSpec(
        data=str(embedded),
        tasks=EMBEDDED,
        languages=("sw",),
        limit="12",
        perturb=("char_noise:0",),
        device="cpu",
        out=str(tmp_path),
    )
    unchanged(evaluate(spec, cache=False).deltas, set(EMBEDDED))


def test_nothing_is_lost_at_strength_nothing_in_the_other_tasks(others: Path, tmp_path: Path) -> None:
    """The tasks of XTREME, the low-resource ones and the diagnostic, on files in miniature with a random model."""
    model = tiny_run(tmp_path / "model", ("pawsx", "xnli", "panx", "xquad"))
    spec = RunSpec(
        (str(model),),
        str(others),
        tasks=OTHERS,
        languages=("de", "sw", "qu", "en"),
        limit="24",
        perturb=("char_noise:0",),
        device="cpu",
        out=str(tmp_path / "out"),
    )
    unchanged(evaluate(spec, cache=False).deltas, set(OTHERS))


def unchanged(deltas: pl.DataFrame, tasks: set[str]) -> None:
    """Every drop is 0, and so is every edit."""
    assert set(deltas["task"]) == tasks
    assert set(deltas["drop"]) == {0.0}
    assert set(deltas["grapheme_edit_rate"]) == {0.0}
    assert (deltas["value"] == deltas["clean"]).all()
