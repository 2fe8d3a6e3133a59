"""How fast texts are perturbed: characters per second on one core, beside a plain loop, nlpaug and TextAttack.

    python -m benchmarks.perturb --data DIR [--runs 5] [--textattack PYTHON] [--strings | --mixtures] [--out DIR]

Strings, their ids and columns of spans in; noisy strings, moved spans and edit counts out; each perturbation at a tenth
on the texts of xnli, panx and xquad, by script. Nothing is remembered from one run to the next (tables are loaded
once); samples below 60,000 characters of a language are repeated under other ids, larger ones cut. Figures are of
processor time, for the best of the runs. The bars: letter level at least 15 million characters/s, and 10 times the
fastest nlpaug; word level at least 3 million; time linear in length; and `perturb` of a list of strings at least 0.7
of the engine's rate and 10 times nlpaug; natural members, which edit letters and words, at least 3 million, with
keyboard_typo and their parts one after another beside them; code_switch at least a million, once aligned. Without
nlpaug (`pip install nlpaug`), or the Python of an environment that has TextAttack 0.3.11, only the others run.
`--strings` measures `perturb` of strings alone, `--mixtures` natural members and code_switch; the other figures remain.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from benchmarks import _perturb_mixtures, _perturb_strings
from benchmarks import _perturb_peers as beside
from benchmarks._perturb_page import NAMES, Figure, missed, page

from robust_xtreme.core import registry
from robust_xtreme.core.edits import SpanTable, span_table
from robust_xtreme.core.examples import Text
from robust_xtreme.core.languages import language
from robust_xtreme.core.randomness import mix
from robust_xtreme.core.specs import PerturbationSpec, TaskSpec
from robust_xtreme.noise.engine.noising import bound, noise_values
from robust_xtreme.noise.engine.perturbation import Bound
from robust_xtreme.tasks.sources.source import available, load

TASKS: Final = ("xnli", "panx", "xquad")
ENOUGH: Final = 60_000
MOST: Final = 240_000
CURVED: Final = ("keyboard_typo", "natural_typo")
CURVE: Final = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
CURVE_WORDS: Final = 100_000
DRAWS: Final = 1 << 14
DRAWN: Final = 500
PEER: Final = "nlpaug"
REPORTS: Final = Path(__file__).parents[1] / "reports" / "benchmarks"

Ready = dict[str, tuple[list[str], list[str], SpanTable]]
"""By language: texts, ids, spans."""


def texts_of(task: TaskSpec, folder: Path) -> dict[str, dict[str, list[Text]]]:
    """The task's texts by script and language, each text once; small samples again under other ids."""
    groups: dict[str, dict[str, list[Text]]] = defaultdict(dict)
    split = "validation" if "validation" in task.files else "test"
    for code in available(task, folder, split):
        examples = load(task, folder, code, split).examples
        unique = {text.id: text for example in examples for text in example.texts.values()}
        groups[language(code).script][code] = enough(list(unique.values()))
    return groups


def enough(texts: list[Text]) -> list[Text]:
    """The texts, repeated under other ids until they have a measurable number of characters, or cut where many."""
    total = sum(len(text.value) for text in texts)
    if total > MOST:
        return texts[:: -(-total // MOST)]
    times = -(-ENOUGH // max(1, total))
    return [replace(text, id=f"{text.id}/{number}") for number in range(times) for text in texts]


def ready(groups: dict[str, list[Text]]) -> Ready:
    """The columns of each language."""
    return {
        code: ([text.value for text in texts], [text.id for text in texts], span_table([text.spans for text in texts]))
        for code, texts in groups.items()
    }


def ours(groups: Ready, link: Bound, runs: int) -> float:
    """Millions of characters/s over all languages of a group."""
    characters = sum(len(value) for values, *_ in groups.values() for value in values)

    def work() -> None:
        for code, (values, ids, spans) in groups.items():
            noise_values(values, ids, spans, code, link, 0)

    work()
    return characters / beside.seconds(work, runs) / 1e6


def figures(task: TaskSpec, script: str, groups: dict[str, list[Text]], runs: int) -> Iterator[Figure]:
    """Each perturbation that serves some language of a group and has a meaning in the task."""
    columns = ready(groups)
    for name in NAMES:
        link = bound(PerturbationSpec.parse(f"{name}:0.1"))[0]
        served = {code: texts for code, texts in columns.items() if link.perturbation.serves(code)}
        if not served or task.family in link.perturbation.refuses:
            continue
        values = {code: texts[0] for code, texts in served.items()}
        yield Figure(
            perturbation=name,
            level=link.perturbation.kind,
            task=task.name,
            script=script,
            languages=len(served),
            texts=sum(map(len, values.values())),
            characters=sum(map(len, chain.from_iterable(values.values()))),
            spans=sum(len(spans) for _, _, spans in served.values()),
            ours=ours(served, link, runs),
            plain=beside.plain(name, dict(islice(values.items(), 3)), min(runs, 2)),
            nlpaug=beside.nlpaug(name, script, values, min(runs, 3)),
        )


def english(folder: Path) -> list[str]:
    """The words of the English texts of xquad."""
    return " ".join(text.value for text in texts_of(registry.load("task", "xquad"), folder)["Latn"]["en"]).split()


def curve(words: Sequence[str], name: str, runs: int) -> list[tuple[int, float]]:
    """Nanoseconds per character for texts of so many words, the same words in all."""
    link = bound(PerturbationSpec.parse(f"{name}:0.1"))[0]
    words = (list(words) * (CURVE_WORDS // len(words) + 1))[:CURVE_WORDS]
    points = []
    for size in CURVE:
        values = [" ".join(words[start : start + size]) for start in range(0, CURVE_WORDS, size)]
        ids = [f"curve/{size}/{number}" for number in range(len(values))]
        columns = {"en": (values, ids, span_table([()] * len(values)))}
        points.append((size, 1e3 / ours(columns, link, runs)))
    return points


def loading() -> float:
    """Milliseconds that a fresh process needs for tables and one alphabet, imports aside."""
    program = (
        "import time; from robust_xtreme.core import graphemes, registry; "
        "from robust_xtreme.noise.engine import alphabet; registry.load('perturbation', 'char_noise'); "
        "t = time.perf_counter(); graphemes.table(); alphabet.alphabet('en'); print(time.perf_counter() - t)"
    )
    return 1e3 * float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def draws() -> float:
    """Nanoseconds of one draw (SplitMix64 in numpy, an array in the cache): how fast the machine is just now."""
    drawn = np.arange(DRAWS, dtype=np.uint64)
    return 1e9 * beside.seconds(lambda: mix(drawn), DRAWN) / DRAWS


def of_strings(folder: Path, runs: int) -> dict[str, Any]:
    """The figures of `perturb` of lists of strings, on the sentences of xnli."""
    groups = texts_of(registry.load("task", "xnli"), folder)
    texts = {code: group[code] for group in groups.values() for code in group}
    sentences = {code: [text.value for text in texts[code]] for code in _perturb_strings.CODES}
    return _perturb_strings.measure(sentences, machine(), runs)


def of_mixtures(folder: Path, runs: int) -> dict[str, Any]:
    """The figures of natural members and code_switch, on the texts of xnli and panx."""
    texts = {}
    for name in TASKS[:2]:
        groups = texts_of(registry.load("task", name), folder)
        texts[name] = {code: group[code] for group in groups.values() for code in group}
    return _perturb_mixtures.measure(texts, folder, machine(), runs)


def machine() -> dict[str, str]:
    """What the figures were taken on."""
    try:
        peer = version(PEER)
    except PackageNotFoundError:
        peer = "not installed"
    return {
        "device": "CPU, one core",
        "processor": f"{platform.machine()}, {os.cpu_count()} cores",
        "a draw of SplitMix64": f"{draws():.1f} ns",
        "other load": f"{max(0.0, os.getloadavg()[0] - 1):.1f} processes",
        "python": platform.python_version(),
        "numpy": np.__version__,
        PEER: peer,
    }


def measure(folder: Path, runs: int, textattack: str) -> dict[str, Any]:
    """All figures, the curves, and what they were taken on."""
    all_figures: list[Figure] = []
    for name in TASKS:
        task = registry.load("task", name)
        for script, groups in sorted(texts_of(task, folder).items()):
            all_figures += figures(task, script, groups, runs)
    words = english(folder)
    return {
        "about": machine(),
        "load_ms": loading(),
        "figures": [asdict(figure) for figure in all_figures],
        "curves": {name: curve(words, name, runs) for name in CURVED},
        "textattack": beside.textattack(textattack, words, min(runs, 2)),
        "mixtures": of_mixtures(folder, runs),
        "strings": of_strings(folder, runs),
    }


def write(folder: Path, record: dict[str, Any]) -> None:
    """The page and its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "perturb.md").write_text(page(record), encoding="utf-8")
    (folder / "perturb.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Print the page; with --out write it there beside its figures; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("ROBUST_XTREME_DATA"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--textattack", metavar="PYTHON", default="", help="the Python of an environment that has it")
    parser.add_argument("--strings", action="store_true", help="only strings; other figures are those of --out")
    parser.add_argument("--mixtures", action="store_true", help="only mixtures; other figures are those of --out")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.data is None:
        raise SystemExit("Name the folder of release files: --data DIR, or ROBUST_XTREME_DATA.")
    if arguments.strings or arguments.mixtures:
        former = (arguments.out or REPORTS) / "perturb.json"
        name, measured = ("strings", of_strings) if arguments.strings else ("mixtures", of_mixtures)
        record = json.loads(former.read_text()) | {name: measured(Path(arguments.data), arguments.runs)}
    else:
        record = measure(Path(arguments.data), arguments.runs, arguments.textattack)
    print(page(record))
    if arguments.out:
        write(arguments.out, record)
    raise SystemExit(int(bool(missed(record))))


if __name__ == "__main__":
    main()
