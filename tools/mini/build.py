"""Makes mini's model: a tokenizer, word vectors from parallel clauses, and one encoder trained on English labels.

`python -m tools.mini.build OUT`: a run folder as `train` writes it. What it takes is counted in steps, not in time.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar, final

import torch
from tools.mini import encoder, meaning, meanings, parallel, rows, suite
from tools.mini.causes import QUESTIONS
from tools.mini.lexicon import words
from tools.mini.rows import Row
from tools.mini.tokenizer import new_tokenizer

from robust_xtreme import api
from robust_xtreme.core.examples import digest
from robust_xtreme.core.languages import language
from robust_xtreme.files import store
from robust_xtreme.files.journal import JOURNAL, Journal
from robust_xtreme.files.manifest import read_manifest, write_manifest
from robust_xtreme.models.stages import CLAIM, FILES, hashes
from robust_xtreme.training.chain import KINDS
from robust_xtreme.training.loop import Options
from robust_xtreme.training.record import STAGES, StageRecord, write_stage
from robust_xtreme.training.resume import write_model

Shape = TypeVar("Shape")

KIND: Final = "parallel_svd"
KEPT: Final = ("model", "heads", "stages", CLAIM)
"""What of a run is bundled."""

_READABLE: Final = 0o644
_SPELLED: Final = 100
"""Letters of a long alphabet are entries of the tokenizer only where the lexicon has them."""
_STRIDE: Final = 7
"""How far the order of a description is from that of the next."""
_KANA: Final = frozenset(("HIRAGANA", "KATAKANA"))


ROWS: Final[Mapping[str, int]] = {
    "xnli": 7000,
    "xcopa": 5000,
    "udpos": 2000,
    "panx": 5000,
    "xquad": 6000,
    "mewsli_x": 3000,
    "lareqa": 3000,
}
"""English rows of each task to learn from."""


@final
@dataclass(frozen=True, slots=True)
class Recipe:
    """Parallel texts, entries of the tokenizer, English rows of each task, and how they are learned together."""

    texts: int = 8000
    vocabulary: int = 9000
    rows: Mapping[str, int] = field(default_factory=lambda: dict(ROWS))
    orders: int = 60
    plain: int = 3
    steps: int = 4400
    batch_size: int = 32
    lr: float = 2e-3
    languages: Sequence[str] = meaning.LANGUAGES


def start(folder: Path, recipe: Recipe, seed: int) -> Path:
    """Write tokenizer, word vectors and untrained layers as the first stage of a run."""
    texts = parallel.translations(seed + 1, recipe.languages, recipe.texts)
    letters = {letter for code in recipe.languages for letter in _letters(code)}
    tokenizer = new_tokenizer([*parallel.words_of(texts), *QUESTIONS], sorted(letters), recipe.vocabulary)
    model = encoder.new_encoder(encoder.vectors(texts, tokenizer, seed), tokenizer, seed)
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder)
    write_model(folder / "model", model, tokenizer, journal)
    write_stage(folder / STAGES / f"00-{KIND}.json", _record(texts, recipe, seed), journal)
    (folder / JOURNAL).unlink()  # a folder with a journal, but without a train.json, is a damaged run
    return folder


def _letters(code: str) -> Iterator[str]:
    """The alphabet, where it is short, the kana of a long one, and what the lexicon is written in."""
    alphabet = language(code).alphabet
    yield from (
        letter
        for letter in alphabet
        if len(alphabet) <= _SPELLED or _KANA.intersection(unicodedata.name(letter[0]).split())
    )
    yield from "".join(_written(words(code)))


def _written(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping() | list():
            for item in value.values() if isinstance(value, Mapping) else value:
                yield from _written(item)


def _record(texts: Sequence[Mapping[str, parallel.Said]], recipe: Recipe, seed: int) -> StageRecord:
    return StageRecord(
        kind=KIND,
        recipe="mini",
        task="",
        languages=tuple(recipe.languages),
        examples=len(texts),
        seen=len(texts),
        steps=0,
        epochs=1.0,
        batch_size=0,
        lr=0.0,
        seed=seed,
        data=digest(*(phrase.text for each in texts for phrase in each.values())),
        parent="",
    )


def write_training_suite(folder: Path, recipe: Recipe, seed: int) -> Path:
    """The suite, with as many training rows of each task as the recipe says: English, some of it in other orders."""
    suite.write(folder, 0, recipe.languages, seed)
    several = _training(recipe, seed)
    for task in set(recipe.rows) - {"mewsli_x"}:
        suite.put(folder / task / "train-en.jsonl.gz", islice(several[task], recipe.rows[task]))
    rows = list(islice(_mentions(recipe, seed), recipe.rows["mewsli_x"]))
    suite.put(folder / "mewsli_x" / "train-en.jsonl.gz", (row for row, _ in rows))
    suite.put(folder / "mewsli_x" / "pool.jsonl.gz", (entity for _, entity in rows), "ab")
    return folder


def _training(recipe: Recipe, seed: int) -> dict[str, Iterator[Row]]:
    """Rows of each task without end."""
    return {
        "xnli": _rows(rows.nli_rows, meanings.triples(False, seed), recipe),
        "xcopa": _rows(rows.cause_rows, meanings.stories(False, seed), recipe),
        "udpos": _rows(rows.tagged_rows, meanings.tagged(False, seed), recipe),
        "panx": _rows(rows.entity_rows, meanings.namings(False, seed), recipe),
        "xquad": _rows(rows.passage_rows, meanings.read(False, seed), recipe),
        "lareqa": _rows(rows.answer_rows, meanings.drilled(seed), recipe),
    }


def _rows(
    made: Callable[[str, Iterable[Shape]], Iterator[Row]], shapes: Iterable[Shape], recipe: Recipe
) -> Iterator[Row]:
    """The rows of each shape, a part of them in English as it is, the others in all orders in turn."""
    for index, shape in enumerate(shapes):
        for row in made(_language(index, recipe), [shape]):
            yield {**row, "id": f"{index:05d}-{row['id']}"}


def _language(index: int, recipe: Recipe) -> str:
    """English for one of every `plain`, an order of it for the others."""
    turn, other = divmod(index, recipe.plain)
    return f"en/{turn % recipe.orders}" if other else "en"


def _mentions(recipe: Recipe, seed: int) -> Iterator[tuple[Row, Row]]:
    """Mentions, each with an entity of its own that is described in another order."""
    for index, (mention, entity) in enumerate(meanings.mentioned_anew(seed)):
        (row,) = rows.mention_rows(_language(index, recipe), [mention])
        yield {**row, "id": f"{index:05d}"}, rows.entity_row(entity, _language(index * _STRIDE + 1, recipe))


def build(out: Path, recipe: Recipe, seed: int = 0, options: Options | None = None) -> Path:
    """Make the model and put it in the place of an older one."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        data = write_training_suite(work / "suite", recipe, seed)
        run = api.train(
            task=",".join(recipe.rows),
            data=str(data),
            encoder=str(start(work / "mini", recipe, seed)),
            out=str(work / "run"),
            steps=recipe.steps,
            batch_size=recipe.batch_size,
            lr=recipe.lr,
            seed=seed,
            device="cpu",
            optimizer="adamw",
            options=options,
        )
        _keep(run, out, recipe)
    return out


def _tell_orders(path: Path, recipe: Recipe) -> None:
    """Say in the record what was done to the English texts, and nothing of where the work was done."""
    facts = store.read_json(path)
    facts["base"]["name"] = Path(facts["base"]["name"]).name
    facts["perturb"] = (
        f"{1 - 1 / recipe.plain:.0%} of the English texts are in {recipe.orders} other orders, "
        "some with particles, linking words or the word for a firm of other languages"
    )
    store.write_json(path, facts)


def _keep(run: Path, out: Path, recipe: Recipe) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    tmp = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    tmp.mkdir()
    for name in KEPT:
        source = run / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, tmp / name)
    _tell_orders(tmp / "stages" / f"01-{KINDS['target']}.json", recipe)
    write_manifest(tmp / CLAIM, {**read_manifest(tmp / CLAIM), FILES: hashes(tmp)})
    for path in tmp.rglob("*.*"):
        path.chmod(_READABLE)
    shutil.copytree(tmp, out, dirs_exist_ok=True)
    shutil.rmtree(tmp)


def main() -> None:
    """Make the model of mini."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # sums in one order: the same weights, however many cores there are
    folder = build(arguments.folder, Recipe(steps=arguments.steps), arguments.seed, Options(tell=print, watch=_tell))
    size = sum(path.stat().st_size for path in (folder / "model").iterdir())
    print(f"{folder}: weights and tokenizer of {size / 1e6:.2f} MB")


def _tell(at: object) -> None:
    step, steps, loss = (getattr(at, name) for name in ("step", "steps", "loss"))
    if step % 100 == 0 or step == steps:
        print(f"step {step:,} of {steps:,}, loss {loss:.3f}", flush=True)


if __name__ == "__main__":
    main()
