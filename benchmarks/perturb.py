"""How fast texts are perturbed: characters per second on one core, beside nlpaug 1.1.11 in the same run.

    python benchmarks/perturb.py --data DIR [--runs 5] [--out reports/benchmarks]

Strings, their ids and columns of spans in; noisy strings, moved spans and the books out; char_noise:0.1 on the texts of
xnli, panx and xquad, by script. Nothing is remembered from one run to the next (tables and alphabets are loaded once;
the load is printed); samples below 60,000 characters are repeated under other ids. Figures are of processor
time, for the best of the runs. nlpaug has no spans; its KeyboardAug and RandomCharAug stand beside
ours on Latin and Cyrillic texts (English and Ukrainian keyboards), caps off, a tenth of the characters: of every word,
and of every tenth word, which is the least it can be asked for. The bar: at least 15 million characters/s,
and 10 times the faster nlpaug. Without nlpaug (`pip install nlpaug`) only ours runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from robust_xtreme import registry
from robust_xtreme.edits import span_table
from robust_xtreme.examples import Text
from robust_xtreme.languages import language
from robust_xtreme.noise._engine import Bound, bound, noise_values
from robust_xtreme.sources._load import available, load
from robust_xtreme.specs import PerturbationSpec, TaskSpec

SPEC: Final = "char_noise:0.1"
TASKS: Final = ("xnli", "panx", "xquad")
LEAST: Final = 15.0
TIMES: Final = 10.0
KEYBOARDS: Final = {"Latn": "en", "Cyrl": "uk"}
PEER_TEXTS: Final = 200
ENOUGH: Final = 60_000
CURVE: Final = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
CURVE_WORDS: Final = 100_000
PEER: Final = "nlpaug"


@dataclass(frozen=True, slots=True)
class Figure:
    """One task in one script: millions of characters/s of ours and of each way to run nlpaug."""

    task: str
    script: str
    languages: int
    texts: int
    characters: int
    spans: int
    ours: float
    peers: dict[str, float]

    @property
    def ratio(self) -> float | None:
        """Ours over the fastest nlpaug."""
        return self.ours / max(self.peers.values()) if self.peers else None


def seconds(work: Callable[[], object], runs: int) -> float:
    """The least processor time that some work took, so that what else the machine does counts less."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def texts_of(task: TaskSpec, folder: Path) -> dict[str, dict[str, list[Text]]]:
    """The task's texts by script and language, each text once; small samples again under other ids."""
    found: dict[str, dict[str, list[Text]]] = defaultdict(dict)
    split = "validation" if "validation" in task.files else "test"
    for code in available(task, folder, split):
        examples = load(task, folder, code, split).examples
        unique = {text.id: text for example in examples for text in example.texts.values()}
        found[language(code).script][code] = enough(list(unique.values()))
    return found


def enough(texts: list[Text]) -> list[Text]:
    """The texts, repeated under other ids until they have a measurable number of characters."""
    times = -(-ENOUGH // max(1, sum(len(text.value) for text in texts)))
    return [replace(text, id=f"{text.id}/{number}") for number in range(times) for text in texts]


def ours(groups: dict[str, list[Text]], link: Bound, runs: int) -> tuple[float, int, int]:
    """Millions of characters/s over all languages of a group; characters and spans."""
    ready = [
        ([text.value for text in texts], [text.id for text in texts], span_table([text.spans for text in texts]), code)
        for code, texts in groups.items()
    ]
    characters = sum(len(value) for values, *_ in ready for value in values)

    def work() -> None:
        for values, ids, spans, code in ready:
            noise_values(values, ids, spans, code, link, 0)

    return characters / seconds(work, runs) / 1e6, characters, sum(len(spans) for _, _, spans, _ in ready)


def peers(script: str, groups: dict[str, list[Text]], runs: int) -> dict[str, float]:
    """Millions of characters/s of nlpaug on texts spread over a group; empty where it does not stand beside us."""
    if script not in KEYBOARDS:
        return {}
    values = [text.value for texts in groups.values() for text in texts if text.value.strip()]
    values = values[:: max(1, len(values) // PEER_TEXTS)][:PEER_TEXTS]
    characters = sum(map(len, values))

    def speed(augment: Callable[[str], object]) -> float:
        return characters / seconds(lambda: [augment(value) for value in values], runs) / 1e6

    return {name: speed(augmenter.augment) for name, augmenter in augmenters(script)}


def augmenters(script: str) -> Iterator[tuple[str, Any]]:
    """The ways to run nlpaug; none where it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from nlpaug.augmenter import char
    except ImportError:
        return
    for words, share in (("every word", 1.0), ("a tenth of words", 0.1)):
        free: dict[str, Any] = {"aug_char_p": 0.1, "aug_word_p": share, "aug_char_max": None, "aug_word_max": None}
        yield f"KeyboardAug, {words}", char.KeyboardAug(lang=KEYBOARDS[script], **free)
        for action in ("substitute", "swap", "delete"):
            yield f"RandomCharAug {action}, {words}", char.RandomCharAug(action=action, **free)


def curve(folder: Path, link: Bound, runs: int) -> list[tuple[int, float]]:
    """Nanoseconds per character for texts of so many words, the same words in all."""
    task = registry.load("task", "xquad")
    words = " ".join(text.value for text in texts_of(task, folder)["Latn"]["en"]).split()
    words = (words * (CURVE_WORDS // len(words) + 1))[:CURVE_WORDS]
    found = []
    for size in CURVE:
        values = [" ".join(words[start : start + size]) for start in range(0, CURVE_WORDS, size)]
        ids = [f"curve/{size}/{number}" for number in range(len(values))]
        spans = span_table([()] * len(values))
        taken = seconds(lambda v=values, i=ids, s=spans: noise_values(v, i, s, "en", link, 0), runs)  # type: ignore[misc]  # the arguments are bound on purpose
        found.append((size, 1e9 * taken / sum(map(len, values))))
    return found


def loading() -> float:
    """Milliseconds that a fresh process needs for tables and one alphabet, imports aside."""
    program = (
        "import time; from robust_xtreme import graphemes; from robust_xtreme.noise import _alphabet, char_noise; "
        "t = time.perf_counter(); graphemes.table(); _alphabet.alphabet('en'); print(time.perf_counter() - t)"
    )
    return 1e3 * float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    try:
        peer = version(PEER)
    except PackageNotFoundError:
        peer = "not installed"
    return {
        "device": "CPU, one core",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "other load": f"{max(0.0, os.getloadavg()[0] - 1):.1f} processes",
        "python": platform.python_version(),
        "numpy": np.__version__,
        PEER: peer,
    }


def measure(folder: Path, runs: int) -> tuple[list[Figure], list[tuple[int, float]]]:
    """All figures, and the curve."""
    link = bound(PerturbationSpec.parse(SPEC))[0]
    figures = []
    for name in TASKS:
        for script, groups in sorted(texts_of(registry.load("task", name), folder).items()):
            ours(groups, link, 1)
            speed, characters, spans = ours(groups, link, runs)
            texts = sum(map(len, groups.values()))
            beside = peers(script, groups, min(runs, 3))
            figures.append(Figure(name, script, len(groups), texts, characters, spans, speed, beside))
    return figures, curve(folder, link, runs)


def page(record: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    figures = [Figure(**one) for one in record["figures"]]
    about = "; ".join(f"{key}: {value}" for key, value in record["about"].items())
    yield "# Perturbing: characters per second"
    yield ""
    yield f"`python benchmarks/perturb.py --data DIR`, {SPEC}; millions of characters/s of processor time, best runs."
    yield f"{about}; tables and an alphabet: {record['load_ms']:.0f} ms."
    yield ""
    yield "| task | script | languages | texts | characters | spans | ours | fastest nlpaug | slowest nlpaug | ratio |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    yield from map(_row, figures)
    yield ""
    yield "| words per text | " + " | ".join(str(words) for words, _ in record["curve"]) + " |"
    yield "|---|" + "--:|" * len(record["curve"])
    yield "| ns per character | " + " | ".join(f"{value:.0f}" for _, value in record["curve"]) + " |"
    yield ""
    yield verdict(figures)


def _row(one: Figure) -> str:
    beside = (f"{max(one.peers.values()):.2f}", f"{min(one.peers.values()):.2f}") if one.peers else ("", "")
    ratio = f"{one.ratio:.0f}" if one.ratio else ""
    cells = (
        one.task,
        one.script,
        one.languages,
        one.texts,
        one.characters,
        one.spans,
        f"{one.ours:.1f}",
        *beside,
        ratio,
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def verdict(figures: Sequence[Figure]) -> str:
    """Whether the bars are kept."""
    slowest = min(figures, key=lambda one: one.ours)
    ratios = [one.ratio for one in figures if one.ratio]
    beside = f"; at least {min(ratios):.0f} times nlpaug (bar {TIMES:.0f})" if ratios else "; nlpaug is not installed"
    return f"Slowest: {slowest.ours:.1f} (bar {LEAST:.0f}), {slowest.task} in {slowest.script}{beside}."


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "perturb.md").write_text(page(record), encoding="utf-8")
    (folder / "perturb.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Print the page; with --out write it there beside its figures; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.data is None:
        raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
    figures, slope = measure(Path(arguments.data), arguments.runs)
    record = {"about": machine(), "load_ms": loading(), "figures": [asdict(one) for one in figures], "curve": slope}
    print(page(record))
    if arguments.out:
        write(arguments.out, record)
    missed = any(one.ours < LEAST or (one.ratio or TIMES) < TIMES for one in figures)
    raise SystemExit(int(missed))


if __name__ == "__main__":
    main()
