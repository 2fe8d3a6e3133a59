"""The stages of `make real`: the commands, what each needs, and what each takes on two idle cores.

Steps, predictions and tokens are those that `train --plan` and `eval --plan` give for the recipes of `configs/real` and
the release files that docs/how-to/real.md names. Their time is by rates measured with multilingual-e5-small on two
cores: a training of PAN-X with 250 steps took 75 seconds; an evaluation of PAN-X (452,292 tokens) took 165 seconds of
processor time, one of UD-POS (456,730) 176.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from tools import real_data

from robust_xtreme.core import resources
from robust_xtreme.core.packs import PARALLEL
from robust_xtreme.files import store

ROOT: Final = Path(__file__).parents[2]
CONFIGS: Final = ROOT / "configs" / "real"
ENCODER: Final = Path("runs/encoders/multilingual-e5-small")
OUT: Final = Path("runs/real")

FINISHED: Final = "stages.json"
"""The file in the folder of all runs with the digest, the command and the needs of each finished stage."""

DATA, TRAIN, ALIGN, EVAL, FIGURES, KEEP = "data", "train", "align", "eval", "figures", "keep"
PROGRAM: Final = (TRAIN, ALIGN, EVAL)
"""The stages that are commands of robust-xtreme."""

MODULES: Final = {DATA: "tools.real_data", KEEP: "tools.real.keep"}
"""The modules of other stages; FIGURES name theirs in their first word."""

SEEDS: Final = range(8)
"""Training seeds of PAN-X: all of them for the gate, the first ones on everything."""

MEASURED: Final = range(3)

NOISE: Final = "noise"
"""The grid of the noises of reports/noise-real."""

PAIRS: Final = (
    *((code, "en") for code in ("de", "es", "fr", "sw", "hi", "ru")),
    *(("en", code) for code in ("de", "es", "ru", "sw", "hi")),
)
"""The language of the texts that are switched, and that of the words that are put in."""

_STEP, _TRAINED = 0.1, 1200.0
"""Seconds of a step without its tokens, and tokens of training a second."""

READ: Final = 3500.0
"""Tokens a second that are read in evaluations, noise and reports included."""

_START: Final = 25.0
"""Seconds in which a command starts, reads data and model, and writes its report."""


@final
@dataclass(frozen=True, slots=True)
class Size:
    """What a stage takes: steps of training or predictions, and the tokens that are read."""

    tokens: int
    steps: int = 0
    predictions: int = 0

    def seconds(self) -> float:
        """On two idle cores."""
        work = self.steps * _STEP + self.tokens / _TRAINED if self.steps else self.tokens / READ
        return _START + work


TRAINED: Final[Mapping[str, Size]] = {
    "panx": Size(89_626, 400),
    "panx_noise": Size(104_000, 400),
    "udpos": Size(158_761, 400),
    "xnli": Size(527_403, 700),
    "qa": Size(543_687, 260),
    "xcopa": Size(659_300, 425),
    "masakhaner_yo": Size(473_743, 400),
    "qa_squad": Size(2_438_565, 1_040),
    "xcopa_siqa": Size(1_183_655, 725),
    "pawsx": Size(386_076, 375),
}
"""By recipe, of one seed."""

EVALUATED: Final[Mapping[str, Mapping[str, Size]]] = {
    "eval": {
        "panx": Size(452_292, predictions=27_200),
        "udpos": Size(456_730, predictions=12_660),
        "xnli": Size(1_985_768, predictions=47_700),
        "qa": Size(1_601_268, predictions=10_236),
        "tydiqa_sw": Size(111_330, predictions=1_190),
        "xcopa": Size(663_310, predictions=12_900),
        "masakhaner": Size(723_931, predictions=13_800),
        "masakhaner_yo": Size(143_268, predictions=2_400),
        "tatoeba": Size(1_115_297, predictions=97_883),
        "lareqa": Size(2_957_906, predictions=32_130),
        "gate": Size(46_704, predictions=3_600),
        "attacks_xnli": Size(1_979_432, predictions=30_888),
        "attacks_panx": Size(480_376, predictions=28_600),
        "attacks_lareqa": Size(560_000, predictions=20_176),
        "attacks_qa": Size(1_000_000, predictions=6_180),
    },
    "full": {
        "panx": Size(4_354_492, predictions=295_800),
        "udpos": Size(1_199_133, predictions=45_227),
        "xnli": Size(24_299_622, predictions=545_250),
        "xcopa": Size(1_786_716, predictions=35_000),
        "xcopa_siqa": Size(1_786_716, predictions=35_000),
        "masakhaner": Size(4_625_403, predictions=81_591),
        "masakhaner_yo": Size(943_584, predictions=15_712),
        "tatoeba": Size(3_163_452, predictions=295_516),
        "lareqa": Size(3_937_887, predictions=97_580),
        "qa": Size(67_181_740, predictions=177_648),
        "qa_squad": Size(12_811_181, predictions=48_297),
        "tydiqa_sw": Size(3_617_453, predictions=27_550),
        "pawsx": Size(1_938_727, predictions=36_000),
    },
    NOISE: {
        "panx": Size(240_900, predictions=24_000),
        "panx_channel": Size(263_412, predictions=24_000),
        "qa": Size(745_897, predictions=5_103),
        "xnli": Size(1_988_000, predictions=50_400),
        "xnli_into": Size(457_450, predictions=9_900),
        "xnli_mixed": Size(1_901_340, predictions=43_200),
    },
}
"""By grid and recipe, of one model; queries of attacks are predictions, as many as there are at most."""


@final
@dataclass(frozen=True, slots=True)
class Stage:
    """A command of the plan: `words` after the program, the folder that it writes, and the stages that it needs."""

    name: str
    kind: str
    words: tuple[str, ...]
    folder: Path
    needs: tuple[str, ...] = ()
    config: Path | None = None
    size: Size = Size(0)

    @property
    def seconds(self) -> float:
        """The estimate, on two idle cores."""
        return self.size.seconds() if self.kind in PROGRAM else _START

    def digest(self) -> str:
        """A hash of what the stage is: its command, and the recipe that it names."""
        recipe = self.config.read_bytes() if self.config else b""
        return hashlib.sha256("\0".join(self.words).encode() + recipe).hexdigest()

    def written(self) -> bool:
        """Whether the folder is complete, as the product says."""
        if self.kind == EVAL:
            path = self.folder / "manifest.json"
            return path.is_file() and bool(store.read_json(path)["complete"])
        if self.kind == TRAIN:
            record = self.folder / "train.json"
            return record.is_file() and (self.folder / "heads").is_dir() and not (self.folder / "resume").exists()
        if self.kind == ALIGN:
            return self.folder.is_file()
        return self.kind == DATA and (self.folder / real_data.RECORD).is_file()


@final
@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a plan: release files, encoder, the folder of all runs, a masked LM, and the grid.

    `noise` is the plan of reports/noise-real, whose heads are those of reports/real.
    """

    data: Path
    encoder: str = str(ENCODER)
    out: Path = OUT
    lm: str = ""
    full: bool = False
    noise: bool = False

    @property
    def grid(self) -> str:
        """The folder of recipes of evaluation."""
        return NOISE if self.noise else "full" if self.full else "eval"


def stages(asked: Asked) -> tuple[Stage, ...]:
    """All stages in their order."""
    data = Stage("data", DATA, (str(asked.data), str(asked.out / "data")), asked.out / "data")
    if asked.noise:
        return (data, *_of_noise(asked))
    made = [data, *_trainings(asked), *_evaluations(asked), *_figures(asked)]
    names = tuple(stage.name for stage in made if stage.kind in (EVAL, FIGURES))
    return (*made, Stage("keep", KEEP, (str(asked.out), "reports/real"), asked.out, names))


def _of_noise(asked: Asked) -> Iterator[Stage]:
    """Noise as it happens: natural errors of two kinds, texts in two languages, and print that is read."""
    heads = {"panx": "panx-s0", "panx_channel": "panx-s0", "qa": "qa"}
    evaluations = [
        _evaluation(asked, path.stem, head=heads.get(path.stem, "xnli"))
        for path in sorted((CONFIGS / NOISE).glob("*.toml"))
    ]
    needed = {need for stage in evaluations for need in stage.needs}
    yield from (stage for stage in _trainings(asked) if stage.name in needed)
    packs = asked.out / "packs"
    for code, partner in PAIRS:
        words = ("align", "--data", str(asked.data), "--languages", code, "--with", partner, "-o", str(packs))
        yield Stage(f"align-{code}-{partner}", ALIGN, words, packs / PARALLEL / f"{code}-{partner}.tsv", ("data",))
    yield from evaluations
    yield Stage("keep", FIGURES, ("tools.real.noises", str(asked.out), "reports/noise-real"), asked.out)


def _trainings(asked: Asked) -> Iterator[Stage]:
    for seed in SEEDS:
        yield _training(asked, "panx", f"panx-s{seed}", "--seed", str(seed))
    for name in ("udpos", "xnli", "qa", "xcopa", "masakhaner_yo"):
        yield _training(asked, name, name)
    yield _training(asked, "panx_noise", "panx-noise")
    for name in ("qa_squad", "xcopa_siqa", "pawsx") if asked.full else ():
        yield _training(asked, name, name)


def _training(asked: Asked, recipe: str, name: str, *more: str) -> Stage:
    config, folder = CONFIGS / "train" / f"{recipe}.toml", asked.out / name
    given = () if asked.encoder == str(ENCODER) else ("--from", asked.encoder)
    there = ("--data", str(asked.out / "data"), "--out", str(folder))
    words = ("train", _shown(config), *given, *there, *more, "--quiet")
    return Stage(name, TRAIN, words, folder, ("data",), config, TRAINED[recipe])


def _evaluations(asked: Asked) -> Iterator[Stage]:
    for seed in MEASURED:
        yield _evaluation(asked, "panx", head=f"panx-s{seed}", name=f"panx-s{seed}")
    for recipe, task, head in (
        ("udpos", "", "udpos"),
        ("xnli", "", "xnli"),
        ("qa", "", "qa"),
        ("tydiqa_sw", "", "qa"),
        ("xcopa", "", "xcopa"),
        ("masakhaner", "masakhaner", "panx-s0"),
        ("masakhaner_yo", "", "masakhaner_yo"),
        ("tatoeba", "tatoeba", ""),
        ("lareqa", "lareqa", ""),
    ):
        yield _evaluation(asked, recipe, task, head)
    if any((asked.data / "bucc2018").glob("*.gold")):
        yield _evaluation(asked, "bucc", "bucc")
    for recipe in ("qa_squad", "xcopa_siqa", "pawsx") if asked.full else ():
        yield _evaluation(asked, recipe, head=recipe)
    small = replace(asked, full=False)
    for seed in SEEDS:
        yield _evaluation(small, "gate", head=f"panx-s{seed}", name=f"gate-s{seed}")
    yield _evaluation(asked, "panx", head="panx-noise", name="panx-noise")
    for recipe, task, head in (
        ("xnli", "", "xnli"),
        ("panx", "", "panx-s0"),
        ("qa", "", "qa"),
        ("lareqa", "lareqa", ""),
    ):
        yield _evaluation(small, f"attacks_{recipe}", task, head)


def _figures(asked: Asked) -> Iterator[Stage]:
    """How often the gate alarms between training seeds, and how often intervals contain the drops of real answers."""
    runs = {
        "gate": [f"eval-gate-s{seed}" for seed in SEEDS],
        "coverage": [f"{asked.grid}-{name}" for name in ("panx-s0", "udpos", "xnli", "qa", "tatoeba", "masakhaner")],
    }
    modules = {"gate": "benchmarks.simulations.gate_splits", "coverage": "benchmarks.simulations.coverage_cells"}
    for name, needs in runs.items():
        words = [word for run in needs for word in ("--run", str(asked.out / run))]
        folder = asked.out / name
        yield Stage(name, FIGURES, (modules[name], *words, "--out", str(folder)), folder, tuple(needs))


def _evaluation(asked: Asked, recipe: str, task: str = "", head: str = "", name: str = "") -> Stage:
    """A run of eval; without a head the encoder itself is evaluated."""
    config = CONFIGS / asked.grid / f"{recipe}.toml"
    named = f"{asked.grid}-{name or recipe}"
    model = str(asked.out / head) if head else asked.encoder
    words = ["eval", "--config", _shown(config), "--model", f"{task}={model}" if task else model]
    words += ["--data", str(asked.out / "data"), "--out", str(asked.out / named)]
    needs: tuple[str, ...] = ("data", head) if head else ("data",)
    if "packs" in resources.toml(config):
        needs += tuple(f"align-{code}-{partner}" for code, partner in PAIRS)
    if recipe == "attacks_panx" and asked.lm:
        noise = [*resources.toml(config)["perturb"], f"attack_words:0.2@lm={asked.lm}@queries=50"]
        words += [word for spec in noise for word in ("--perturb", spec)]
    size = EVALUATED[asked.grid].get(recipe, Size(0))
    return Stage(named, EVAL, (*words, "--quiet"), asked.out / named, needs, config, size)


def _shown(config: Path) -> str:
    return str(config.relative_to(ROOT)) if Path.cwd() == ROOT else str(config)


def is_done(stage: Stage, finished: Mapping[str, Any]) -> bool:
    """Whether the stage is complete, by the command and recipe that it has now."""
    return stage.written() and finished.get(stage.name, {}).get("digest") == stage.digest()
