"""How near the drop under `ocr_noise` is to that under `ocr_channel`, at equal rates of edited characters.

    python -m tools.yardstick.ocr_noise MODEL DATA OUT [LANGUAGE ...]

evaluates a head of PAN-X on 300 sentences of each language, under the channel at degree 1 and under `ocr_noise` by the
counts of what was read and by the look-alikes alone, each at the strength that edits as many characters of the same
sentences (within a tenth). A line of a language has the rates, the F1 of clean and read text, and for both noises the
drop under the noise minus that under the channel, in points, with a 90 % interval by 2,000 resamples of the sentences.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from robust_xtreme.core import packs, resources
from robust_xtreme.core.examples import Span, Text
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.noise.engine.noising import noise_texts
from robust_xtreme.run.run import evaluate

LANGUAGES: Final = ("en", "de", "fr", "es", "sw", "tr", "vi", "ru", "hi", "el")
LIMIT: Final = 300
RESAMPLES: Final = 2_000
_CHANNEL: Final = "ocr_channel:1"
_RANGE: Final = (5, 95)
_ROUNDS: Final = 4
_NEAR: Final = 0.1


def rate(texts: Sequence[Text], spec: str) -> float:
    """The share of the clusters of a text that a perturbation edits, on average over texts."""
    counts = noise_texts(texts, PerturbationSpec.parse(spec), 0).counts
    return float((counts.graphemes_edited / counts.graphemes).mean())


def strength_of(texts: Sequence[Text], target: float) -> str:
    """The strength of `ocr_noise` at which its rate is the target."""
    strength = target
    for _ in range(_ROUNDS):
        strength = min(1.0, strength * target / rate(texts, f"ocr_noise:{strength:.4f}"))
    return f"{strength:.4f}"


def sentences(path: Path, code: str) -> list[Text]:
    """The first sentences of a file of PAN-X, a span for each word."""
    blocks = path.read_text(encoding="utf-8").split("\n\n")[:LIMIT]
    texts = []
    for number, block in enumerate(blocks):
        words = [line.split("\t")[0] for line in block.splitlines() if line.strip()]
        stops = np.cumsum([len(word) + 1 for word in words]) - 1
        spans = [Span(int(stop) - len(word), int(stop)) for word, stop in zip(words, stops, strict=True)]
        texts.append(Text(f"{code}/{number}", code, " ".join(words), tuple(spans)))
    return texts


def evaluated(
    model: str, data: str, out: Path, code: str, spec: str, folders: tuple[str, ...] = ()
) -> tuple[float, dict[str, Any]]:
    """The rate of edits, and by condition the sums of F1 of each sentence (n, 3), in the order of their ids."""
    heads, found = (f"panx={model}",), []
    run = RunSpec(heads, data, ("panx",), (code,), limit=str(LIMIT), perturb=(spec,), packs=folders, out=str(out))
    evaluate(run, force=True)
    for what in ("stats", "predictions"):
        parts = pl.concat([pl.read_parquet(path) for path in out.glob(f"parts/*-{what}-*.parquet")])
        found.append(parts.with_columns(pl.col("condition", "model", "example").cast(pl.String)))
    stats, predictions = found
    scored = (pl.col("metric") == "span_f1") & (pl.col("scope") == "all") & ~pl.col("model").str.contains("/")
    sums = {
        str(name): np.array(rows.sort("example")["stats"].to_list())
        for (name,), rows in stats.filter(scored).group_by("condition")
    }
    edited = predictions.filter(pl.col("condition") != "clean")["grapheme_edit_rate"].to_numpy()
    return float(edited.mean()), {name.partition("@")[0]: each for name, each in sums.items()}


def f1(sums: Any) -> Any:
    """F1 in points of sums of true and false positives and false negatives (..., 3)."""
    return 200 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])


def main(model: str, data: str, out: Path, codes: Sequence[str]) -> None:
    """Print a line for each language."""
    plain = out / "lookalikes-alone"
    shutil.copytree(resources.folder("perturbations") / "lookalikes", plain / "lookalikes", dirs_exist_ok=True)
    print("language  rate  clean  read  noise  old  | noise - channel, 90 % | old - channel, 90 %", flush=True)
    for code in codes:
        texts = sentences(Path(data) / "panx" / f"dev-{code}.tsv", code)
        target, read = evaluated(model, data, out / f"{code}-channel", code, _CHANNEL)
        channel = read[_CHANNEL]
        draws = np.random.default_rng(0).multinomial(len(channel), [1 / len(channel)] * len(channel), size=RESAMPLES)
        line = [code, f"{target:.3f}", f"{f1(read['clean'].sum(0)):.1f}", f"{f1(channel.sum(0)):.1f}"]
        shown = []
        for folders in ((), (str(plain),)):
            with packs.using(*folders):
                spec = f"ocr_noise:{strength_of(texts, target)}"
            reached, sums = evaluated(model, data, out / f"{code}-{len(folders)}", code, spec, folders)
            if abs(reached - target) > _NEAR * target:  # the sentences evaluated are others than the first
                spec = f"ocr_noise:{float(spec.partition(':')[2]) * target / reached:.4f}"
                reached, sums = evaluated(model, data, out / f"{code}-{len(folders)}", code, spec, folders)
            noisy = sums[str(PerturbationSpec.parse(spec))]
            low, high = np.percentile(f1(draws @ channel) - f1(draws @ noisy), _RANGE)
            line.append(f"{reached:.3f}")
            shown.append(f"{f1(channel.sum(0)) - f1(noisy.sum(0)):+.1f} [{low:+.1f}, {high:+.1f}]")
        print("  ".join((*line, *shown)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:] or LANGUAGES)
