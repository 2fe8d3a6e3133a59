"""Mutation testing of the numbers: `python -m tools.mutants cover`, then `run --many 600`, then `page`.

`cover` runs tests once, to know which run which line. `run` makes each change of a seeded sample in a copy of the
project and runs tests that reach its line, fast ones first; it goes on where it was stopped, and several processes
share the work (`--part 0/2`, `--part 1/2`): after a change of the source, begin again. Tests are written for what
survives, so that another sample (`run --many 120 --seed 1`) says what they find of changes that nobody has seen. `page`
writes both to reports/benchmarks, as mutants.md, .csv and -1.csv; what was read of survivors is in read.toml.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.progress import track
from scipy import stats
from tools.faults.copies import ROOT, Copy, copied
from tools.mutants import covering
from tools.mutants.covering import Cover
from tools.mutants.sites import PACKAGE, Mutant, mutants, sample

from robust_xtreme.report.blocks import Prose, ReportPage, grid
from robust_xtreme.report.renderers import markdown

OUT: Final = ROOT / "reports" / "benchmarks" / "mutants.md"
READ: Final = Path(__file__).with_name("read.toml")
FAST, SLOW, SURVIVED, UNREACHED = "fast", "slow", "survived", "not reached"
"""What found a change: fast tests, or only slow ones; or no test that reaches it, or none reaches it."""

_LONGEST: Final = {FAST: 30.0, SLOW: 20.0}
"""Seconds of the tests that one change is shown to, the quickest first."""

_MOST: Final = 400
_PASSED: Final = 0


def run(cover: Cover, chosen: Sequence[Mutant], state: Path) -> None:
    """Show each change to its tests, and append what found it to the state."""
    done = {row["name"] for row in _rows(state)}
    left = [mutant for mutant in chosen if mutant.name not in done]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, copied(Path(folder)) as copy:
        broken = _broken(copy, cover, left)
        for mutant in track(left, "mutants"):
            verdict = _verdict(copy, cover, mutant, broken)
            with state.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow([mutant.name, verdict])


def _rows(state: Path) -> Iterator[dict[str, str]]:
    """The changes that were tried, and what found each."""
    if state.is_file():
        with state.open(newline="", encoding="utf-8") as file:
            yield from csv.DictReader(file, ["name", "verdict"])


def _broken(copy: Copy, cover: Cover, chosen: Sequence[Mutant]) -> set[str]:
    """The tests that do not pass in an unchanged copy: those of a file are left out together."""
    asked = {name for mutant in chosen for kind in _LONGEST for name in _asked(cover, mutant, kind, set())}
    files: dict[str, list[str]] = {}
    for name in sorted(asked):
        files.setdefault(name.split("::")[0], []).append(name)
    failed = (
        names
        for names in track([*files.values()], "unchanged")
        if copy.test(tuple(names), 900.0, cached=True)[0] != _PASSED
    )
    return {name for names in failed for name in names}


def _verdict(copy: Copy, cover: Cover, mutant: Mutant, broken: set[str]) -> str:
    reached = False
    with copy.planted(mutant):
        for kind in _LONGEST:
            tests = _asked(cover, mutant, kind, broken)
            reached |= bool(tests)
            took = sum(cover.seconds[name] for name in tests)
            if tests and copy.test(tests, 120 + 10 * took)[0] != _PASSED:
                return kind
    return SURVIVED if reached else UNREACHED


def _asked(cover: Cover, mutant: Mutant, kind: str, broken: set[str]) -> tuple[str, ...]:
    """The tests of a kind that a change is shown to, within their limit of seconds."""
    total, names = 0.0, list[str]()
    for name in cover.of(mutant):
        if (name in cover.slow) == (kind == SLOW) and name not in broken:
            total += cover.seconds[name]
            if (names and total > _LONGEST[kind]) or len(names) >= _MOST:
                break
            names.append(name)
    return tuple(names)


def page(
    chosen: Sequence[Mutant],
    verdicts: Mapping[str, str],
    read: Mapping[str, str],
    unseen: Sequence[Mutant] = (),
) -> str:
    """The shares by part with their intervals, and what survived; `unseen` are changes of another sample."""
    tried = [mutant for mutant in chosen if mutant.name in verdicts]
    found = [name for name in read if verdicts.get(name) in (FAST, SLOW)]
    assert not found, f"a test finds {found}: read.toml is of what no test found"
    parts = {part: [mutant for mutant in tried if _part(mutant) == part] for part in sorted(set(map(_part, tried)))}
    table = grid(_HEADS, (_row(part, of, verdicts, read) for part, of in [*parts.items(), ("all", tried)]))
    left = [mutant for mutant in tried if verdicts[mutant.name] in (SURVIVED, UNREACHED)]
    rows = (
        (f"{it.file.removeprefix(f'{PACKAGE}/')}:{it.line}", it.old, it.new, verdicts[it.name], read.get(it.name, ""))
        for it in sorted(left, key=_place)
    )
    survivors = grid(("line", "code", "became", "", "read"), rows, left=5)
    text = _TEXT.format(
        tried=len(tried),
        every=sum(1 for _ in mutants()),
        fast=_LONGEST[FAST],
        slow=_LONGEST[SLOW],
        folders=", ".join(covering.TESTS),
    )
    fresh = (Prose(_UNSEEN), grid(_HEADS, [_row("all", unseen, verdicts, {})])) if unseen else ()
    blocks = (Prose(text), *fresh, Prose(_SEEN), table, survivors)
    return markdown.render(ReportPage("Mutants of the numbers", blocks))


_HEADS: Final = ("part", "changes", "fast tests", "95 % interval", "all tests", "95 % interval", "equivalent", "left")
_TEXT: Final = """\
`python -m tools.mutants`: {tried} changes of one expression, drawn by a hash from the {every} of `stats`, `gating`,
`noise/engine` and the metrics: comparisons, arithmetic, `and` and `or`, signs, conditions, constants, calls such as
`min` and `max`. Each is made in a copy, and tests that reach its line are run, those of its package first and of each
the quickest first, up to {fast:.0f} seconds of fast ones (those without a mark) and, where these pass, {slow:.0f} of
those marked slow; what longer tests alone would find counts as left. *fast tests*, *all tests*: per cent of the changes
that a test fails on, equivalent ones left out, with Clopper-Pearson intervals. *equivalent*: read, and no result can
differ. The tests that were asked are those in {folders}; tests elsewhere, such as end-to-end ones, were not.
"""
_UNSEEN: Final = """\
Changes of another sample (`--many 120 --seed 1`) without those of the first, for which no test had been written when
they were tried; equivalent changes count as left. Of the 31 that survived, 18 are found by tests that were written
afterwards, and one by a test that was there and was not asked; nine change no result, and three a tolerance, a hash or
how many draws:
"""
_SEEN: Final = """\
Changes of the first sample. Tests were written for what had survived, some were no longer marked slow, and survivors
were run again, so that these shares are higher than those of changes that nobody has seen:
"""


def _place(mutant: Mutant) -> tuple[str, int, int, str]:
    return mutant.file, mutant.line, mutant.start, mutant.new


def _part(mutant: Mutant) -> str:
    return Path(mutant.file).parent.relative_to(PACKAGE).as_posix()


def _row(part: str, of: Sequence[Mutant], verdicts: Mapping[str, str], read: Mapping[str, str]) -> tuple[str, ...]:
    alike = {mutant.name for mutant in of if read.get(mutant.name, "").startswith("equivalent")}
    counts = Counter(verdicts[mutant.name] for mutant in of if mutant.name not in alike)
    total = counts.total()
    found = [_share(counts[FAST], total), _share(counts[FAST] + counts[SLOW], total)]
    left = counts[SURVIVED] + counts[UNREACHED]
    return (part, str(len(of)), *found[0], *found[1], str(len(alike)), str(left))


def _share(found: int, total: int) -> tuple[str, str]:
    if not total:
        return "-", "-"
    bounds = stats.binomtest(found, total).proportion_ci(method="exact")
    return f"{100 * found / total:.1f}", f"[{100 * bounds.low:.1f}, {100 * bounds.high:.1f}]"


def _written(path: Path, chosen: Sequence[Mutant], verdicts: Mapping[str, str]) -> None:
    """Each change with what found it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["name", "file", "line", "kind", "code", "became", "found"])
        for it in sorted(chosen, key=_place):
            if it.name in verdicts:
                writer.writerow([it.name, it.file, it.line, it.kind, it.old, it.new, verdicts[it.name]])


def _known(read: Path) -> dict[str, str]:
    return dict(tomllib.loads(read.read_text(encoding="utf-8"))) if read.is_file() else {}


def main(words: Iterable[str] | None = None) -> None:
    """Cover, run or write the page."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    parser.add_argument("what", choices=("cover", "run", "page"))
    parser.add_argument("--many", type=int, default=600, help="changes (600)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", default="0/1", help="0/2: every second change from the first on (0/1)")
    parser.add_argument("--state", type=Path, default=ROOT / "runs" / "mutants", help="folder of what is known so far")
    asked = parser.parse_args(None if words is None else [*words])
    cover, state = asked.state / "cover.json", asked.state / f"tried-{asked.seed}.csv"
    chosen = sample([*mutants()], asked.many, asked.seed)
    match asked.what:
        case "cover":
            covering.covered(cover)
        case "run":
            part, parts = map(int, asked.part.split("/"))
            run(covering.read(cover), chosen[part::parts], state)
        case _:
            states = asked.state / "tried-0.csv", asked.state / "tried-1.csv"
            tried = [{row["name"]: row["verdict"] for row in _rows(each)} for each in states]
            unseen = [it for it in sample([*mutants()], asked.many, 1) if it.name in tried[1].keys() - tried[0].keys()]
            _written(OUT.with_suffix(".csv"), chosen, tried[0])
            _written(OUT.with_name("mutants-1.csv"), unseen, tried[1])
            OUT.write_text(page(chosen, tried[1] | tried[0], _known(READ), unseen), encoding="utf-8")


if __name__ == "__main__":
    main()
