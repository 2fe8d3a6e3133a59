"""Says what was run: the spec and the models of a run, what is missing, and what the tests of its cells show.

The legend has each shown column, metric and perturbation, with the first line of its docstring.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

import polars as pl

from robust_xtreme.core import registry
from robust_xtreme.core.errors import SpecError, UserError, counted
from robust_xtreme.core.metric import GIVEN
from robust_xtreme.core.metric import named as metric_of
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.files.schema import FAILED, UNREADABLE
from robust_xtreme.report import blocks as doc
from robust_xtreme.report.cells import cell_name, few_clusters, headline, perturbed, with_addresses
from robust_xtreme.report.columns import interval, points, signed
from robust_xtreme.report.view import Results
from robust_xtreme.stats import chance
from robust_xtreme.stats.claims import NO_EDITS, NOT_APPLICABLE, SELECTED
from robust_xtreme.stats.intervals import FEWEST_JOINT
from robust_xtreme.stats.shallow import predictor as shallow

ALPHA: Final = 0.05
"""The level of the tests, of p corrected within the family."""

MARKED, UNDECIDED = "\u2020", "\u00b0"
"""What is beside the change of a cell with a mark, and of one without a verdict."""

_NAMED: Final = 2
"""The names of models and of tasks that a title has; it counts more."""

GLOSSARY: Final = {
    "cell": "One model, task, language and noise: the level on clean text, the level under the noise, and the change.",
    "headline": "Of a task's metrics the first, for each group of fields that is noised: what is tested.",
    "tested": "Whether a cell is in the family: all headline cells at each perturbation's highest strength whose "
    "clusters suffice for an interval. A drop is shown where p, corrected for all of them, is below 0.05.",
    "family": "The tests whose p are corrected together, so that the chance of even one false drop is at most 5 %.",
    "clusters": "Items that belong together, as the questions on one passage, count as one draw: an interval comes "
    "from leaving out one cluster at a time. With fewer than 20 of them there is none.",
    "few clusters": "Fewer than 20: no interval and no test.",
    "not applicable": "A noise that does not serve the language or the task: there is no level.",
    "above chance": "A clean level whose lower bound exceeds that of a constant answer; elsewhere nothing can fall.",
    "cannot be measured": "The clean level is not shown above chance: what noise takes away is not seen there.",
    "cannot reject": "No drop is found, and so few items change that no test of the family could find one.",
    "no room": "The clean level exceeds chance by less than the smallest drop that is detected.",
    "highest strength": "Of the strengths of one perturbation the highest: tables show it, curves the others.",
    "joint interval": "An interval that is widened until, with 95 % probability, those of all tests of the run contain "
    "the truth at once, so that the worst cell may be picked afterwards. With fewer than "
    f"{FEWEST_JOINT} clusters there is none, and that of the cell alone is shown.",
    "mde": "The minimum detectable effect: the smallest drop that these items show with 80 % power.",
}
"""The words of sentences that a page explains where they stand."""

_ELSEWHERE: Final = "at another strength"
_PARTIAL: Final = {UNREADABLE: "files of {} cannot be read", FAILED: "cells of {} failed"}


def title(results: Results) -> str:
    """What a page is called: the models, what they were asked, and how many of the tested cells of one run drop."""
    models, tasks = (results.scores.get_column(name).unique(maintain_order=True) for name in ("model", "task"))
    asked = f"{_few(models, 'model')} on {_few(tasks, 'task')}"
    tests = headline_cells(results).filter(pl.col("p_adjusted").is_not_null())
    if results.manifest.get("runs") or tests.is_empty():
        return asked
    of = counted(tests.height, "tested cell")
    drops = tests.filter(pl.col("p_adjusted") < ALPHA, pl.col("change") < 0).height
    told = f"{asked}: no drop is shown in {of}{_blind(tests)}"
    blind = pl.col("near_chance") | pl.col("marks").fill_null("").str.contains("no room")
    if tests.select((blind & (pl.col("p_adjusted") >= ALPHA)).all()).item():
        told = f"{asked}: nothing can be concluded, as no drop could be shown in any of {of}"
    return f"{asked}: {drops} of {of} drop" if drops else told


def told(sentence: doc.Phrase) -> doc.Phrase:
    """A sentence in which the first of each word of the glossary is explained, in each of its plain parts."""
    if not isinstance(sentence, str):
        every = doc.inlines(sentence)
        return tuple(part for each in every for part in (doc.inlines(told(each)) if isinstance(each, str) else (each,)))
    words = sorted(GLOSSARY, key=len, reverse=True)
    parts = re.split(rf"\b({'|'.join(words)})(?=\b|s\b)", sentence)
    first = {word: at for at, word in reversed([*enumerate(parts)]) if at % 2}
    return tuple(doc.explained(part) if first.get(part) == at else part for at, part in enumerate(parts) if part)


def _few(names: pl.Series, what: str) -> str:
    """Up to two names, or their number."""
    return " and ".join(names) if len(names) <= _NAMED else counted(len(names), what)


def what_was_run(results: Results) -> Iterator[doc.Block]:
    """The blocks under the heading of the same name."""
    manifest = results.manifest
    version, spec_hash = (str(manifest.get(name, "unknown")) for name in ("version", "spec_hash"))
    summary = f"robust-xtreme {version}, spec {spec_hash}. Points from 0 to 100; every change is perturbed minus clean."
    yield doc.Paragraph(summary)
    yield from partial(manifest)
    yield from counts(results)
    if spec := manifest.get("spec"):
        lines = (f"{name} = {json.dumps(spec[name], ensure_ascii=False, sort_keys=True)}" for name in sorted(spec))
        yield doc.Code(tuple(lines))
    if manifest.get("commands"):
        yield doc.Paragraph("Commands:")
        yield doc.Code(tuple(manifest["commands"]))
    if notes := _notes(results):
        yield doc.Bullets(notes)


def verdicts(results: Results, some: pl.DataFrame | None = None) -> Iterator[doc.Phrase]:
    """The verdict on the headline cells of each run, or on `some` of them, after its name where there are several."""
    for name, cells in by_run(results, some):
        if some is None or cells.height:
            first, *more = verdict_on(cells)
            yield (*((f"{name}: ",) if name else ()), *doc.inlines(first))
            yield from more


def verdict_on(cells: pl.DataFrame) -> list[doc.Phrase]:
    """What some headline cells show: how many cannot be measured and what the tests show; then what can be missed."""
    if is_untouched(cells):
        return [(doc.Strong("Nothing was perturbed."), f" There are clean levels alone.{_left_out(cells)}")]
    parts = (*_missed(cells), f"{_served(cells)}{_left_out(cells)}", *_attacked(cells))
    told = [part for part in parts if part]
    unmeasured, shown = cells.filter("near_chance"), _tests_of(cells)
    if unmeasured.height:
        of, changed = counted(cells.height, "cell"), unmeasured.filter(pl.col("p_adjusted") < ALPHA).height
        whose = "its" if unmeasured.height == 1 else "their"
        claim = f"Cannot be measured in {unmeasured.height} of {of}: {whose} clean level is not shown above chance."
        others = f" The level of {changed} of them changes all the same." if changed else ""
        shown = (doc.Strong(claim, "unmeasured"), f"{others} {_advice(unmeasured)} ", *shown)
    return [shown, *([(str(told[0]).lstrip(), *told[1:])] if told else [])]


def _nothing_shown(cells: pl.DataFrame) -> pl.DataFrame:
    """The tested cells with neither a drop nor a gain."""
    return cells.filter(pl.col("p_adjusted") >= ALPHA)


def _served(cells: pl.DataFrame) -> str:
    """Which perturbations are in fewer languages than the run; "" where all are in all."""
    tried = cells.filter(pl.col("no_claim").ne_missing(SELECTED))
    served = tried.filter(pl.col("no_claim").ne_missing(NOT_APPLICABLE)).group_by("perturbation", maintain_order=True)
    of = tried.get_column("language").n_unique()
    few = [(name, count) for name, count in served.agg(pl.col("language").n_unique()).iter_rows() if count < of]
    named = ", ".join(f"{name} in {count} of {counted(of, 'language')}" for name, count in few)
    return f" Not in every language: {named}." if few else ""


def _left_out(cells: pl.DataFrame) -> str:
    """How many cells are not tested though they have the strength of the family, and why; "" where all are."""
    reasons = [reason for reason in _not_tested(cells) if reason not in {_ELSEWHERE, SELECTED}]
    return f" Not tested: {counted(len(reasons), 'cell')} ({', '.join(sorted({*reasons}))})." if reasons else ""


def _attacked(cells: pl.DataFrame) -> tuple[doc.Inline, ...]:
    """How many cells are of attacks and what they are compared with, and the lowest level that an attack left."""
    attacks = cells.filter(pl.col("no_claim") == SELECTED)
    if attacks.is_empty():
        return ()
    control = pl.col("condition").str.contains(r"@(search=random|like=)")
    lowest = attacks.sort(control, "value", "address").row(0, named=True)
    what = f" Not tested: {counted(attacks.height, 'cell')} of attacks and what they are compared with"
    linked = doc.Hyperlink(cell_name(lowest), f"#{lowest['address']}")
    levels = f", {points(lowest['clean'])} to {points(lowest['value'])}."
    return (f"{what} ({SELECTED}). The lowest level: ", linked, levels)


def is_untouched(cells: pl.DataFrame) -> bool:
    """Whether noise edits a text in none of some headline cells."""
    unreached = pl.col("no_claim").fill_null("").is_in([NO_EDITS, NOT_APPLICABLE])
    return cells.filter(~unreached & (pl.col("unchanged").fill_null(0.0) < 1)).is_empty()


def _advice(unmeasured: pl.DataFrame) -> str:
    """What to do about cells near chance; more items where four times as many could show a level above it."""
    few = unmeasured.filter(pl.col("clean") - pl.col("chance") + pl.col("above_chance") > 0).height
    model = "Check the model's answers, head and label map"
    several = f"{model}, train it further, or evaluate more items." if few else f"{model}, or train it further."
    return "Evaluate more items." if few == unmeasured.height else several


def _tests_of(cells: pl.DataFrame) -> tuple[doc.Inline, ...]:
    """How many tests show a drop or could not, and the cell that lost most; of no drop, how many rose."""
    tests = cells.filter(pl.col("p_adjusted").is_not_null())
    if tests.is_empty():
        return (doc.Strong("No change was tested."),)
    rose = pl.col("change") >= 0  # at both ends are cells that can be measured
    shown = tests.filter(pl.col("p_adjusted") < ALPHA).sort(rose, pl.col("near_chance") != rose, "change")
    of, lost = counted(tests.height, "test"), shown.filter(pl.col("change") < 0).height
    if shown.is_empty():
        missed = f"there is none: drops below {points(tests.select(pl.max('mde')).item())} points can be missed (mde)"
        if tests.get_column("joint_change_low").null_count() == 0:
            most = points(-tests.select(pl.min("joint_change_low")).item())
            missed += f", and no joint interval reaches a drop above {most}"
        caution = f" That does not show {'robustness' if _blind(tests) else f'that {missed}'}."
        return (doc.Strong(f"None of {of} shows a drop."), caution)
    cell, count = shown.row(0 if lost else -1, named=True), lost or shown.height
    before, what = ("", "drop") if lost else (f"None of {of} shows a drop: ", "rise")
    text = f"{before}{count} of {of} show{'s' if count == 1 else ''} a {what}."
    largest = doc.Hyperlink(cell_name(cell), f"#{cell['address']}")
    return (doc.Strong(text, "lost" if lost else "won"), " The largest: ", largest, *_changed(cell), ".")


def _missed(cells: pl.DataFrame) -> tuple[doc.Inline, ...]:
    """How large a drop could be missed where others are shown; () without such tests."""
    others = _nothing_shown(cells).filter(~pl.col("near_chance")).get_column("mde").drop_nulls()
    if others.is_empty() or cells.select((pl.col("p_adjusted") < ALPHA).sum()).item() == 0:
        return ()
    middle, most = (points(others.sort()[at]) for at in (others.len() // 2, -1))
    wide = f" in the median, {most} in the worst cell that can be measured" if middle != most else ""
    sizes = f") is {middle} points{wide}."
    return ("Where no drop is shown, the smallest drop that these items detect (", doc.explained("mde"), sizes)


def _blind(tests: pl.DataFrame) -> str:
    """How many tests show nothing since their cells cannot be measured."""
    blind = _nothing_shown(tests).filter("near_chance").height
    return f", of which {blind} cannot be measured" if blind else ""


def _changed(cell: Mapping[str, Any]) -> tuple[doc.Inline, ...]:
    """The levels of a tested cell and its change, with the interval that is valid for all tests at once, if any."""
    levels = f", {points(cell['clean'])} to {points(cell['value'])}, a change of {signed(cell['change'])} ("
    name = doc.explained("joint interval")
    if cell["joint_change_low"] is None:
        alone = interval(cell["change_low"], cell["change_high"])
        return f"{levels}interval of this cell alone {alone}; too few clusters for a ", name, ")"
    joint = interval(cell["joint_change_low"], cell["joint_change_high"])
    return levels, name, f" {joint}, valid for all tests at once)"


def partial(manifest: Mapping[str, Any]) -> Iterator[doc.Block]:
    """Languages of tasks whose files cannot be read, and those with cells that failed."""
    for reason, line in _PARTIAL.items():
        left_out = [cell for cell in manifest.get("not_run", ()) if cell["reason"] == reason]
        if named := dict.fromkeys(f"{cell['task']} {cell['language']}" for cell in left_out):
            yield doc.Paragraph((doc.Strong(f"Partial: {line.format(', '.join(named))}."),))


def by_run(results: Results, some: pl.DataFrame | None = None) -> Iterator[tuple[str, pl.DataFrame]]:
    """The headline cells of each run, or `some` of them, with its name where several are beside each other."""
    cells = headline_cells(results) if some is None else some
    for number, name in enumerate(results.manifest.get("runs", ("",))):
        yield name, cells.filter(run_rank=number)


def counts(results: Results) -> Iterator[doc.Paragraph]:
    """The counts of each run, after its name where several are beside each other."""
    for name, cells in by_run(results):
        yield doc.Paragraph(f"{name}: {claims(cells)}" if name else claims(cells))


def claims(cells: pl.DataFrame) -> str:
    """How many cells are tested and what the tests show, why the others are not tested, and how many have marks."""
    marks = cells.select(pl.col("marks").str.split(", ").explode()).to_series().drop_nulls()
    marked = _counted(f"Marked, of all {cells.height}", marks)
    parts = (_tested(cells), _counted("Not tested", _not_tested(cells)), marked)
    return " ".join([f"{cells.height} perturbed cells of headline metrics.", *filter(None, parts)])


def mark(cell: Mapping[str, Any]) -> str:
    """What is beside the change of a cell, if anything."""
    if cell["marks"]:
        return MARKED
    return UNDECIDED if undecided(cell) else ""


def undecided(cell: Mapping[str, Any]) -> bool:
    """Whether a cell has a change without a verdict: one that is not tested, or neither a drop nor a gain."""
    return cell["change"] is not None and not (cell["p_adjusted"] is not None and cell["p_adjusted"] < ALPHA)


@lru_cache(maxsize=4)  # of the same results for every view
def headline_cells(results: Results) -> pl.DataFrame:
    """The perturbed cells of headline metrics over all items, with their addresses."""
    return with_addresses(headline(perturbed(results).filter(pl.col("scope") == "all"), results))


def _tested(cells: pl.DataFrame) -> str:
    """How many cells the declared family tests, and how many of them have a significant drop or gain."""
    tests = cells.filter(pl.col("p_adjusted").is_not_null())
    if tests.is_empty():
        return ""
    families = "; ".join(tests.get_column("family").unique().sort())
    significant = tests.filter(pl.col("p_adjusted") < ALPHA)
    drops, gains = (significant.filter(sign).height for sign in (pl.col("change") < 0, pl.col("change") > 0))
    shown = f"{drops} show a drop, {gains} a gain and {tests.height - drops - gains} neither{_blind(tests)}"
    return f"{tests.height} are tested, as one family ({families}), at p adjusted below {ALPHA}: {shown}."


def _not_tested(cells: pl.DataFrame) -> pl.Series:
    """The reason of each cell that is not tested."""
    reason = pl.coalesce("no_claim", few_clusters(), pl.lit(_ELSEWHERE))
    return cells.filter(pl.col("p_adjusted").is_null()).select(reason).to_series()


def _counted(title: str, values: pl.Series) -> str:
    """How often each value occurs, as a sentence; "" without any value."""
    several = values.to_list()
    counts = [f"{several.count(value)} {value}" for value in sorted(set(several))]
    return f"{title}: {', '.join(counts)}." if counts else ""


def _notes(results: Results) -> tuple[doc.Phrase, ...]:
    manifest = results.manifest
    margin = "pairs count from a margin of {} on, tuned on clean validation data"
    tuned = [f"{name}: {margin.format(value)}" for name, value in manifest.get("tuned", {}).items()]
    notes = [*_models(manifest), *manifest.get("overlap", ()), *manifest.get("notes", ())]
    retrieval = results.scores.filter(pl.col("inference").str.contains("representation=", literal=True))
    searches = retrieval.select("task", "inference").unique().sort(pl.all()).rows()
    return (*notes, *(f"{task}: {inference}" for task, inference in searches), *tuned)


def _models(manifest: Mapping[str, Any]) -> list[str]:
    """Which model answered which tasks, one line per model."""
    tasks: dict[str, list[str]] = {}
    for model in manifest.get("models", ()):
        size = f", {model['params']:,} parameters" if isinstance(model.get("params"), int) else ""
        identity = f"identity {model['identity']}" if model.get("identity") else "imported"
        label = f"model {model.get('model')}, {identity}{size}"
        tasks.setdefault(label, []).append(str(model.get("task", "every task")))
    return [f"{', '.join(names)}: {label}" for label, names in tasks.items()]


_SETTING: Final = "setting"
_IDENTITY: Final = (
    "Of a model: a hash of its weights, configuration and tokenizer, and of the heads and labels that the tasks of "
    "this run use. A run of other tasks can give the same model another identity."
)


def legend(columns: Iterable[doc.TableColumn], results: Results) -> list[tuple[str, doc.Phrase]]:
    """Term and sentence: shown columns, identity, constants, shallow predictors, metrics, perturbations of the run."""
    terms: dict[str, doc.Phrase] = {column.heading: doc.named(column.legend) for column in columns if column.legend}
    if _SETTING in terms:
        terms[_SETTING] = (*doc.inlines(terms[_SETTING]), *(f" {line}" for line in _trained_on(results)))
    if results.manifest.get("models"):
        terms["identity"] = _IDENTITY
    members: dict[str, doc.Phrase] = {}
    for name in sorted(set(results.scores.get_column("metric"))):  # the sentence of a given metric has its name
        members[name] = metric_of(name).summary if name.startswith(GIVEN) else doc.named(_summary("metric", name))
    used = {name for condition in set(results.deltas.get_column("condition")) for name in _members(condition)}
    for name in sorted(used):
        notes = results.manifest.get("noise_sources", {}).get(name, {})
        data = (f" Its data are {note} in {', '.join(codes)}." for note, codes in notes.items())
        members[name] = (*doc.named(_summary("perturbation", name)), *data)
    known = [(name, line) for name, line in members.items() if line]
    return [*terms.items(), *_levels(results), *known]


def _trained_on(results: Results) -> list[str]:
    """A sentence for each task whose model does not record its training languages: who names them, if anyone."""
    lines = []
    for model in results.manifest.get("models", ()):
        codes = ", ".join(map(str, model.get("trained_on", ())))
        match model.get("trained_on_by"):
            case "--trained-on":
                lines.append(f"{model['task']}: by --trained-on ({codes}).")
            case "model card":
                lines.append(f"{model['task']}: by the model card ({codes}), which can name languages of pretraining.")
    tasks = results.scores.filter(pl.col(_SETTING) == "unknown").get_column("task").unique().sort()
    unknown = f"{', '.join(tasks)}: unknown, since the checkpoint does not say; --trained-on names the languages."
    return [*lines, unknown] if len(tasks) else lines


def _levels(results: Results) -> list[tuple[str, doc.Phrase]]:
    """Every constant that is the chance of a cell, and every shallow predictor, with what it learned from."""
    constants = results.scores.get_column("chance_name").drop_nulls().unique().sort()
    levels = results.scores.select("shallow_name", "shallow_source").drop_nulls().unique().sort(pl.all()).rows()
    learned: dict[str, list[str]] = {}
    for name, source in levels:
        learned.setdefault(name, []).append(source)
    lines = [
        (name, (*doc.named(shallow.summary(name)), f" Learned from {', '.join(each)}."))
        for name, each in learned.items()
    ]
    return [*((name, doc.named(chance.summary(name))) for name in constants), *lines]


def _members(condition: str) -> list[str]:
    try:
        return [link.name for link in PerturbationSpec.parse(condition).links]
    except SpecError:
        return []


def described(condition: str) -> str:
    """What its perturbations do, the first line of each; "" for one that is not installed here, and frozen texts."""
    return " ".join(_summary("perturbation", name) for name in _members(condition))


def _summary(kind: str, name: str) -> str:
    """The first line of a member's docstring; "" for a member that is not installed here."""
    try:
        member: Any = registry.load(kind, name)
    except UserError:
        return ""
    return str(member.summary)
