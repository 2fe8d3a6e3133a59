"""The functions that the package exports. Each imports what it needs when called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from robust_xtreme.core.errors import SpecError, UserError, plain, shown
from robust_xtreme.core.keys import takes
from robust_xtreme.core.resources import Folders as Folders
from robust_xtreme.core.run_spec import RunSpec, evaluate_arguments, from_mapping
from robust_xtreme.core.specs import check_keys
from robust_xtreme.training.spec import TrainSpec
from robust_xtreme.training.values import from_values, is_default, spec_of, train_arguments

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from robust_xtreme.core.examples import Example
    from robust_xtreme.core.specs import PerturbationSpec
    from robust_xtreme.gating.baselines import Baseline
    from robust_xtreme.gating.comparing import Comparison
    from robust_xtreme.gating.document import Gate
    from robust_xtreme.gating.policy import Policy
    from robust_xtreme.noise.engine.noised import Noised, NoisedTexts
    from robust_xtreme.report.evaluation import Evaluation
    from robust_xtreme.run.run import Observer
    from robust_xtreme.training.loop import Options

Model: TypeAlias = "str | Path | PreTrainedModel"
"""A model: a folder, a name, or a model of transformers in memory."""

Asked: TypeAlias = "Callable[..., Any]"
"""A function that is evaluated in place of a model."""

Run: TypeAlias = "Evaluation | str | Path"
"""A finished run: its folder, or what `evaluate` returned."""

Side: TypeAlias = "Baseline | Evaluation | str | Path"
"""What is compared: a finished run, or a saved baseline or its name."""

Item = TypeVar("Item", str, "Example")
"""What `perturb` takes: strings or Examples."""


@plain()
def perturb(
    texts: Sequence[Item],
    spec: str,
    *,
    language: str | None = None,
    keep_names: bool = False,
    seed: int = 0,
    packs: Folders = (),
) -> list[Item]:
    """Perturb strings or Examples, in the same order, with the engine and the random draws of `evaluate`.

    `spec` names one strength, as in `"char_noise:0.1"`. Strings need their `language`; their noise depends on language
    and value, so that equal strings get equal noise. Examples are perturbed in the spec's `@fields=...`, by default in
    all fields; their spans and answers move with the text, their ids, clusters and fingerprints do not change. With
    `keep_names` words tagged as names stay, as with `@names=keep`. `packs` are folders of linguistic data that are
    searched before the bundled ones.
    Raises SpecError, UnknownName, DataError, and UserError where a language is missing or not served.
    """
    _check_call(texts, spec, language)
    _check_type("perturb", "keep_names", keep_names, (bool,), "True or False")
    from robust_xtreme.exchange.perturbing.output import cell_of, folders_of, seed_of
    from robust_xtreme.noise.user_packs import using

    drawn, folders = seed_of("perturb", seed), folders_of("perturb", packs)
    cell = cell_of("perturb", spec, keep_names)
    with using(*folders):
        strings = [issubclass(kind, str) for kind in set(map(type, texts))]
        if all(strings):
            return cast("list[Any]", _strings(cast("Sequence[Any]", texts), cell, language, drawn))
        if any(strings):
            raise UserError("perturb takes strings or Examples, not both in one list.")
        return cast("list[Any]", _examples(cast("Sequence[Any]", texts), cell, language, drawn))


def _check_call(texts: object, spec: object, language: object) -> None:
    """Raise UserError where an argument has the wrong type."""
    if isinstance(texts, str):
        raise UserError("perturb takes a list of texts; put the string into a list: perturb([text], ...)")
    is_row = getattr(texts, "ndim", 1) == 1 and (isinstance(texts, Collection) or hasattr(texts, "__array__"))
    if not is_row or isinstance(texts, (bytes, bytearray, Mapping, Set)):
        raise UserError(f"perturb takes a list of texts, not {type(texts).__name__}: {shown(texts)}")
    if not isinstance(spec, str):
        raise UserError(f"perturb takes one spec as a string, as in 'char_noise:0.1', not {shown(spec)}")
    if language is not None and not isinstance(language, str):
        raise UserError(f"perturb takes one language by its code, as in language='sw', not {shown(language)}")


def _strings(values: Sequence[str], cell: PerturbationSpec, language: str | None, seed: int) -> list[str]:
    from robust_xtreme.noise.engine.noising import bound, lacks, noise_strings

    code = _of_strings(cell, language)
    links = bound(cell)
    if len(values) and any(lacks(link, code) for link in links):
        raise _not_served(cell, code)
    try:
        whole = (replace(links[0], strength="1"),)
        if links[0].perturbation.first and len(values) and noise_strings(whole, values, code, seed) == list(values):
            raise UserError(f"{links[0].perturbation.name} knows texts of parallel data: eval, or perturb on its files")
        return noise_strings(links, values, code, seed)
    except UnicodeEncodeError:
        _check_whole(values)
        raise


def noised_strings(values: Sequence[str], cell: PerturbationSpec, language: str | None, seed: int) -> list[Noised]:
    """Perturb strings of one language; returns their edit counts too. Raises UserError for an unsupported language."""
    from robust_xtreme.core.examples import Text
    from robust_xtreme.core.randomness import bare_ids
    from robust_xtreme.noise.engine.noising import noise_texts

    code = _of_strings(cell, language)
    _check_whole(values)
    texts = [Text(text_id, code, value) for text_id, value in zip(bare_ids(code, values), values, strict=True)]
    return _served(noise_texts(texts, cell, seed), cell)


def _of_strings(cell: PerturbationSpec, language: str | None) -> str:
    """The language of strings. Raises UserError, UnknownName, and SpecError where the spec names fields."""
    if language is None:
        raise UserError("Strings need their language, as in perturb(texts, ..., language='sw').")
    from robust_xtreme.core import languages

    languages.language(language)
    if cell.fields:
        raise SpecError(f"{str(cell)!r} names fields, and strings have none. Leave out @fields=.")
    return language


def _examples(examples: Sequence[Example], cell: PerturbationSpec, language: str | None, seed: int) -> list[Example]:
    from robust_xtreme.core.examples import Example
    from robust_xtreme.noise.engine.noised import noise_example
    from robust_xtreme.noise.engine.noising import noise_texts

    for item in examples:
        if not isinstance(item, Example):
            raise UserError(f"perturb takes strings or Examples, not {type(item).__name__}: {shown(item)}")
    if language is not None:
        raise UserError("Examples have their languages; leave out language=.")
    fields = _fields(examples, cell)
    texts = [example.texts[name] for example in examples for name in fields if name in example.texts]
    _check_whole([text.value for text in texts])
    noised = {noised_text.clean.id: noised_text for noised_text in _served(noise_texts(texts, cell, seed), cell)}
    return [noise_example(example, noised, fields) for example in examples]


def _check_whole(values: Sequence[str]) -> None:
    """Raise UserError at the first text with half of a surrogate pair, which is not a character."""
    try:
        "".join(values).encode("utf-8")
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        number, value = next((at, value) for at, value in enumerate(values, 1) if half in value)
        what = f"text {number} of {len(values)}, {value[:40]!a}, contains {half!a}, half of a surrogate pair."
        raise UserError(f"{what} Read the text as UTF-8, or leave that code point out.") from None


def _fields(examples: Iterable[Example], cell: PerturbationSpec) -> tuple[str, ...]:
    known = tuple(dict.fromkeys(name for example in examples for name in example.texts))
    for name in cell.fields:
        if name not in known:
            raise SpecError(f"The examples have no field {name!r} ({str(cell)!r}); they have: {', '.join(known)}")
    return cell.fields or known


def _served(noised: NoisedTexts, cell: PerturbationSpec) -> list[Noised]:
    views = list(noised)
    for noised_text in views:
        if noised_text.status == "not_applicable":
            raise _not_served(cell, noised_text.clean.language)
    return views


def _not_served(cell: PerturbationSpec, code: str) -> UserError:
    from robust_xtreme.noise.suites import unsupported

    name, why = unsupported(cell, code) or (cell.name, "unknown language")
    see = f"robust-xtreme list perturbations --languages {code}"
    return UserError(f"{name!r} does not serve the language {code!r}: {why}. See: {see}")


@takes(train_arguments())
@plain()
def train(
    spec: TrainSpec | str | Path | None = None, options: Options | None = None, *, force: bool = False, **values: Any
) -> Path:
    """Train a model and return the folder of its last stage, which `evaluate` takes as a model.

    Either a TrainSpec, or its values by name: `train(task="panx", data="DIR", encoder="DIR/xlm-roberta-base")`, or
    `scratch="small", text="TEXT"` instead of `encoder`; several tasks are learned together: `task="xnli,panx"`.
    `intermediate="squad,mnli"`, or a mapping of a stage's keys, comes before the task, `mlm={"text": "TEXT"}` before
    both. `train("small_ci")` trains a run's file, by its path or, where it ships with the program, by its name; values
    replace the file's keys as on the command line. The same call continues where it was stopped, and a complete run is
    not changed; `force` starts the last stage over. `options` are progress callbacks and `force`.

    Raises SpecError, UnknownName, MissingData, DataError, ModelError, Contamination, Mismatch, Locked, DiskError.
    """
    from robust_xtreme.training.loop import Options, notebook_options
    from robust_xtreme.training.stage import train as train_

    _check_type("train", "options", options, (Options, type(None)), "Options(...) of robust_xtreme.training.loop")
    _check_type("train", "force", force, (bool,), "True or False")
    trained = _train_spec(spec, values)
    if options is None:
        options = notebook_options() or Options()
    return train_(trained, replace(options, force=options.force or force))


def _train_spec(spec: TrainSpec | str | Path | None, values: dict[str, Any]) -> TrainSpec:
    """The run that the arguments of `train` describe."""
    _check_type("train", "spec", spec, (TrainSpec, str, Path, type(None)), "a TrainSpec, or the name of a run's file")
    if isinstance(spec, TrainSpec):
        _check_alone("train", "TrainSpec", values)
        return spec
    if spec is None:
        return from_values(values)
    check_keys(values, train_arguments(), (), "train")
    return spec_of(str(spec), {name: value for name, value in values.items() if not is_default(name, value)})


@takes(evaluate_arguments())
@plain()
def evaluate(
    spec: RunSpec | None = None,
    *,
    tokenizer: Any = None,
    deduplicate: bool = True,
    force: bool = False,
    cache: bool = True,
    keep_going: bool = False,
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    observer: Observer | None = None,
    **values: Any,
) -> Evaluation:
    """Evaluate a model on clean and perturbed tasks in one run; returns scores, drops and predictions as frames.

    Either a RunSpec, or its values by name: `evaluate(model="runs/panx", data="DIR", perturb="char_noise:0.1")`.
    `model={"xnli": "runs/xnli", "panx": "OWNER/NAME"}` names a model for each task. `evaluate(model=my_model,
    tokenizer=my_tokenizer, labels=["entailment", "neutral", "contradiction"])` evaluates a transformers model in
    memory, which is not changed; labels are the classes in its order, and not needed where its `config.id2label` has
    the task's names. Its run cannot be replayed from run.toml.

    A function (`encode=` and others) gets a list and returns a result for each item. Its answers are cached if it has
    the attributes `name` and `version`; without them its finished run is computed again.

    The same call continues where it was stopped, and reads a complete run again; `force` starts over. With
    `deduplicate=False` equal inputs are computed again and each condition has its own batches. Predictions of earlier
    runs are read from the cache (see `robust-xtreme cache info`) unless `cache` is False. A notebook shows a bar;
    `observer` replaces it. `.failed` names the cells whose scores are not finite. Where files cannot be
    read, UnreadableFiles names all of them before anything is computed; with `keep_going` the others are evaluated, and
    `.unread` names what is missing, which the same call adds once the files are mended. `devices="0,1"`, `["0", "1"]`,
    `"all"` or `"cpu,cpu"` computes in a process for each, `on="ray"` on the devices of a cluster, with the same
    results. Raises UserError, Locked and DiskError as the command does.
    """
    switches = {"deduplicate": deduplicate, "force": force, "cache": cache, "keep_going": keep_going}
    for name, value in switches.items():
        _check_type("evaluate", name, value, (bool,), "True or False")
    _check_type("evaluate", "on", on, (str, type(None)), "a string, as the command does")
    _check_type("evaluate", "spec", spec, (RunSpec, type(None)), "a RunSpec; name a model with model=")
    if spec is not None:
        _check_alone("evaluate", "RunSpec", {**values, **({} if tokenizer is None else {"tokenizer": tokenizer})})
    check_keys(values, inspect.signature(evaluate).parameters, (), "evaluate")
    from robust_xtreme.models.functions import of_arguments
    from robust_xtreme.models.in_memory import named
    from robust_xtreme.run.fleets import fleet_of, joined
    from robust_xtreme.run.run import Observer, notebook_observer
    from robust_xtreme.run.run import evaluate as evaluate_

    what = "an Observer of robust_xtreme.run.run"
    _check_type("evaluate", "observer", observer, (Observer, type(None)), what)
    observer = observer or notebook_observer()
    values, functions = of_arguments(values)
    with named(values, tokenizer) as (written, folders):
        if functions:
            written = {**written, "model": [*written.get("model", ()), *functions]}
        run_spec = spec if spec is not None else from_mapping(written, "evaluate")
        if folders and on is not None:
            raise SpecError("evaluate: a model in memory is on this machine alone. Save it where all machines read it.")
        with fleet_of(run_spec.device, joined(devices), on) as fleet:
            have: dict[str, Any] = {**folders, **functions}
            return evaluate_(run_spec, observer=observer, in_memory=have, fleet=fleet, **switches)


def _check_type(function: str, name: str, value: object, kinds: tuple[type, ...], what: str) -> None:
    """Raise UserError where an argument has another type."""
    if not isinstance(value, kinds):
        raise UserError(f"{function}: {name} takes {what}, not {shown(value)}.")


def _check_alone(function: str, kind: str, values: Mapping[str, Any]) -> None:
    """Raise SpecError where values are given beside a spec."""
    if values:
        raise SpecError(f"{function} takes a {kind} or its values, not both: {', '.join(sorted(values))}.")


# ----------------------------------------------------------------------------------------- finished runs, without torch


@plain()
def load(run: str | Path) -> Evaluation:
    """A finished run in a folder, as `evaluate` returned it.

    Raises MissingData where there is none, DataError where a file is not the one that the run wrote.
    """
    from robust_xtreme.report.document import finished
    from robust_xtreme.report.evaluation import Evaluation

    results = finished(Path(run))
    return Evaluation(Path(run), dict(results.manifest))


@plain()
def compare(baseline: Side, candidate: Side, *, equivalent: float | None = None) -> Comparison:
    """The differences of two runs, candidate minus baseline, by cell, task and language, paired by item.

    Each is the folder of a finished run, what `evaluate` returned, or a saved baseline or its name. `frame` has the
    columns of COMPARISONS, whose `verdict` is about a margin of `equivalent` points; `note` says what the baseline is,
    and whether its items are not known, so that nothing is paired. Raises Mismatch where they were not measured on the
    same data, noise and seeds; the settings of their models may differ.
    """
    from robust_xtreme.gating.comparing import compare as compared

    return compared(_side("compare", baseline), _side("compare", candidate), equivalent)


@plain()
def gate(
    run: Run,
    baseline: Side = "main",
    policy: Policy | str | Path | None = None,
    *,
    margin: float | None = None,
    equivalent: float | None = None,
    undecided: str | None = None,
    missing: str | None = None,
) -> Gate:
    """The verdicts on a finished run against a baseline: `passed`, `counts`, `failing`, and `verdicts` as a frame.

    `baseline` is a saved baseline or its name, or another run. `policy` is a `robust_xtreme.gating.policy.Policy`
    or the path of its file; `margin` or `equivalent` in points, `undecided` (`warn`, `fail`, `pass`) and `missing`
    (`fail`, `warn`) replace its keys. Raises Mismatch where the two cannot be compared.
    """
    from datetime import date

    from robust_xtreme.gating.baselines import of_runs
    from robust_xtreme.gating.comparing import gated, marks_of
    from robust_xtreme.gating.policy import Policy, changed

    kinds = (Policy, str, Path, type(None))
    _check_type("gate", "policy", policy, kinds, "the path of a file, or a robust_xtreme.gating.policy.Policy")
    chosen = changed(policy, {"margin": margin, "equivalent": equivalent, "undecided": undecided, "missing": missing})
    folder, before = _folder("gate", run), _side("gate", baseline)
    return gated(before, of_runs([folder]), chosen, date.today(), marks_of(folder))


def _side(function: str, given: Side) -> Baseline:
    """What is compared, read where it is a name or a folder."""
    from robust_xtreme.gating.baselines import Baseline, of_runs, side

    if isinstance(given, Baseline):
        return given
    folder = _folder(function, given)
    return side(folder) if isinstance(given, (str, Path)) else of_runs([folder])


def _folder(function: str, run: Run) -> Path:
    """The folder of a run, or the name of a baseline. Raises UserError for another value."""
    from robust_xtreme.report.evaluation import Evaluation

    if isinstance(run, Evaluation):
        return run.folder
    if not isinstance(run, (str, Path)):
        raise UserError(
            f"{function} takes the folder of a run, what evaluate returned, or a baseline, not {shown(run)}."
        )
    return Path(run)
