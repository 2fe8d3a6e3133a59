"""What the campaign of changed inputs reads: folders of files, the program on them, and independent readers."""

from __future__ import annotations

import json
import os
import pickle
import socket
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from tests.measured_reads import ReadKind, Refused

from robust_xtreme.core.errors import UserError

_TEXTS: Final = ("A man sees a dog", "x", "Nobody is asleep in the old stone house")
_PAIRS: Final = (("A man sees a dog", "He sleeps."), ("No man sees a dog", "x"), ("Every man sees a dog", "Zwei!"))
_STEM: Final = 5
"""The letters by which labels are compared: another ending is the same label, which a run says."""

_NLI: Final = ("CONTRADICTION", "entailment", "Neutral")


def _ended(*words: str) -> int:
    """The exit code of the command, 0 or 1. Raises Refused for 2, and AssertionError for another."""
    from tests.program import program

    ended = program(*words)
    if ended.code == 2:
        raise Refused(ended.err)
    assert ended.code in (None, 0, 1), ended.err
    return int(str(ended.code or 0))


# --------------------------------------------------------------------------------------------------------------- models


def _sentence(folder: Path) -> None:
    from tests.sentence_folders import sentence_folder

    sentence_folder(folder, ("mean", "cls"), dense=8)


def _vectors(folder: Path) -> Any:
    from tests.sentence_folders import vectors_of

    from robust_xtreme.core.errors import NotFinite

    try:
        return [_unit(vectors) for vectors in vectors_of(folder, _TEXTS)]
    except NotFinite as error:  # conditions that fail by it are named in a run
        raise Refused(str(error)) from error


def _unit(vectors: Any) -> Any:
    wide = np.asarray(vectors, np.float64)
    return wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)


def _json_of(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else {}


_TYPES: Final = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}


def _tensors(path: Path) -> dict[str, Any]:
    """The weights of a file of safetensors, by its head alone."""
    import torch

    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    read = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        piece = data[start + begin : start + end]
        if entry["dtype"] == "BF16":
            wide = np.frombuffer(piece, "<u2").astype(np.uint32) << 16
            values = wide.view(np.float32)
        else:
            values = np.frombuffer(piece, _TYPES[entry["dtype"]]).astype(np.float32)
        read[name] = torch.from_numpy(values.reshape(entry["shape"]).copy())
    return read


def _model(folder: Path, auto: str) -> Any:
    """The model of a configuration with the weights of the file beside it, each of which has its place."""
    import transformers

    values = _json_of(folder / "config.json")
    library: Any = transformers
    config = library.AutoConfig.for_model(**{"model_type": values["model_type"], **values})
    model = getattr(library, auto).from_config(config).eval().float()
    weights = _tensors(folder / "model.safetensors")
    missing, _ = model.load_state_dict(weights, strict=False)
    others = [name for name in missing if not name.startswith("pooler.") and "position_ids" not in name]
    assert not others, others
    return model


def _ids(folder: Path, most: int, text: str, other: str | None = None) -> list[int]:
    """The tokens of a text or of two."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    named = _json_of(folder / "tokenizer_config.json")
    special = [text for key, text in named.items() if key.endswith("_token") and isinstance(text, str)]
    tokenizer.add_special_tokens(special)
    tokenizer.no_padding()
    tokenizer.enable_truncation(most)
    ids: list[int] = tokenizer.encode(text, other).ids
    return ids


def _pooled(mode: str, states: Any) -> Any:
    import torch

    weights = torch.arange(1, len(states) + 1, dtype=states.dtype)[:, None]
    return {
        "mean": lambda: states.mean(0),
        "cls": lambda: states[0],
        "max": lambda: states.max(0).values,
        "lasttoken": lambda: states[-1],
        "weightedmean": lambda: (states * weights).sum(0) / weights.sum(),
        "mean_sqrt_len_tokens": lambda: states.sum(0) / len(states) ** 0.5,
    }[mode]()


def _modes(config: Mapping[str, Any]) -> list[str]:
    named = config.get("pooling_mode", "mean")
    return [named] if isinstance(named, str) else list(named)


def _stated_vectors(folder: Path) -> Any:
    """What sentence-transformers makes of the folder: tokens, states, pooling, layers, the first numbers of each."""
    import torch

    settings, bert = (
        _json_of(folder / f"{name}.json") for name in ("config_sentence_transformers", "sentence_bert_config")
    )
    named, prompts = _json_of(folder / "tokenizer_config.json"), settings.get("prompts") or {}
    model = _model(folder, "AutoModel")
    bounds = (
        bert.get("max_seq_length") or named.get("model_max_length"),
        256,
        model.config.max_position_embeddings - 2,
    )
    most = min(bound for bound in bounds if bound)
    default = prompts.get(settings.get("default_prompt_name")) or ""
    both = []
    for names in (("query",), ("document", "passage", "corpus")):
        prompt = next((prompts[name] for name in names if name in prompts), None) or default
        texts = [prompt + text for text in _TEXTS]
        texts = [text.lower() for text in texts] if bert.get("do_lower_case") is True else texts
        with torch.no_grad():
            rows = [_vector(folder, model, _ids(folder, most, text)) for text in texts]
        dims = settings.get("truncate_dim")
        both.append(_unit(np.stack(rows)[:, : dims or None]))
    return both


def _vector(folder: Path, model: Any, ids: list[int]) -> Any:
    import torch

    vector = model(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
    for entry in _json_of(folder / "modules.json")[1:]:
        config = _json_of(folder / entry["path"] / "config.json")
        match entry["type"].rpartition(".")[2]:
            case "Pooling":
                vector = torch.cat([_pooled(mode, vector) for mode in _modes(config)])
            case "Dense":
                weights = _tensors(folder / entry["path"] / "model.safetensors")
                vector = torch.nn.functional.linear(vector, weights["linear.weight"], weights.get("linear.bias"))
                named = config.get("activation_function", "torch.nn.Tanh") or "torch.nn.Identity"
                vector = getattr(torch.nn, named.rpartition(".")[2])()(vector)
            case "Normalize":
                vector = torch.nn.functional.normalize(vector, dim=0)
            case other:
                raise ValueError(other)
    return vector.numpy()


def _classifier(folder: Path) -> None:
    from tests.checkpoints import SEQUENCE, checkpoint

    checkpoint(folder, "xlm_roberta", SEQUENCE, _NLI)


def _classes(folder: Path) -> Any:
    """The labels that the program gives pairs of sentences."""
    from tests.tiny import pair_example

    from robust_xtreme.core import registry
    from robust_xtreme.models.config import fitted
    from robust_xtreme.models.loading import load
    from robust_xtreme.models.located import locate
    from robust_xtreme.models.predictors.predictor import Work, predictor_of
    from robust_xtreme.models.reading.reading import contents_of

    task = registry.load("task", "xnli")
    model = locate(folder, task)
    task = fitted(task, model.config)
    predictor: Any = predictor_of(model, task, lambda: load(model, task, "cpu", "fp32"))
    examples = [pair_example(str(number), *pair) for number, pair in enumerate(_PAIRS)]
    answered = predictor.answer(predictor.prepare(contents_of(examples)), Work(4096))
    if not answered.finite.all():  # a run counts them, and says so
        raise Refused("scores that are not finite")
    return [task.labels[answered.targets[number].index][:_STEM] for number in range(len(examples))]


def _stated_classes(folder: Path) -> Any:
    import torch

    model, names = _model(folder, "AutoModelForSequenceClassification"), _json_of(folder / "config.json")["id2label"]
    found = []
    for pair in _PAIRS:
        with torch.no_grad():
            scores = model(torch.tensor([_ids(folder, 512, *pair)])).logits[0]
        assert torch.isfinite(scores).all()
        found.append(names[str(int(scores.argmax()))].strip().lower()[:_STEM])
    return found


# ------------------------------------------------------------------------------------------------------ logs of others


def _harness(folder: Path) -> None:
    from tests.harness_logs import harness, pair

    harness(folder / "logs", pair(8, 5, 12))


def _harness_stated(folder: Path) -> None:
    """Its results say the levels, too."""
    from tests.harness_logs import harness, pair

    tasks = pair(8, 5, 12)
    levels = {name: {"acc,none": sum(row["acc"] for row in rows) / len(rows)} for name, rows in tasks.items()}
    harness(folder / "logs", tasks, results=levels)


def _inspect(folder: Path) -> None:
    _log(folder, {})


def _inspect_stated(folder: Path) -> None:
    """Its header says the level of all samples, too."""
    scores = [{"name": "choice", "scorer": "choice", "metrics": {"accuracy": {"name": "accuracy", "value": 13 / 24}}}]
    _log(folder, {"results": {"completed_samples": 24, "scores": scores}})


def _log(folder: Path, more: Mapping[str, Any]) -> None:
    from tests.harness_logs import NOISE, exported

    (folder / "logs").mkdir(parents=True)
    evaluation = {"model": "hf/tiny", "task": "rx", "task_version": 0, "packages": {"inspect_ai": "0.3.285"}}
    with zipfile.ZipFile(folder / "logs" / "a.eval", "w", zipfile.ZIP_DEFLATED) as packed:
        for condition, right in (("clean", 8), (NOISE, 5)):
            for number in range(12):
                sample = _sample(number, number < right, json.loads(exported(number, condition)), condition)
                packed.writestr(f"samples/{number}-{condition.partition(':')[0]}_epoch_1.json", json.dumps(sample))
        packed.writestr("header.json", json.dumps({"status": "success", "eval": evaluation, **more}))


def _sample(number: int, right: bool, known: Mapping[str, Any], condition: str) -> dict[str, Any]:
    gold, other = "ABC"[number % 3], "ABC"[(number + 1) % 3]
    score = {"value": "C" if right else "I", "answer": gold if right else other}
    named = {"id": f"{number}-{condition}", "epoch": 1, "input": "?", "choices": ["x", "y", "z"], "target": gold}
    return {**named, "scores": {"choice": score}, "metadata": {"robust_xtreme": known}}


Cell = tuple[Any, ...]


def _levels(folder: Path) -> Any:
    """The level and the number of examples of each cell of what the command makes of the logs."""
    _ended("import", str(folder / "logs"), "-o", str(folder / "run"), "-q")
    rows = pl.read_csv(folder / "run" / "scores.csv", infer_schema=False).filter(
        pl.col("metric") == "accuracy", pl.col("scope") == "all", ~pl.col("model").is_in(["chance", "majority"])
    )
    names = ("task", "language", "context_language", "condition")
    return {tuple(row[name] or "" for name in names): (int(row["n"]), float(row["value"])) for row in rows.to_dicts()}


def _means(rows: Iterable[tuple[Mapping[str, Any], float]]) -> Any:
    """The same of rows as exported, each with its score."""
    cells: defaultdict[Cell, list[float]] = defaultdict(list)
    for known, score in rows:
        where = str(known.get("language", "")), str(known.get("context_language", known.get("language", "")))
        cells[str(known["task"]), *where, str(known["condition"]).strip()].append(score)
    return {cell: (len(scores), 100 * sum(scores) / len(scores)) for cell, scores in cells.items()}


def _stated_harness(folder: Path) -> Any:
    rows: list[tuple[Mapping[str, Any], float]] = []
    for path in sorted((folder / "logs").glob("samples_*.jsonl")):
        samples = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        kept = [sample for sample in samples if sample.get("filter", "none") == samples[0].get("filter", "none")]
        rows += zip((_known(sample["doc"]["robust_xtreme"]) for sample in kept), _accuracies(kept), strict=True)
    return _means(rows)


def _known(value: Any) -> Mapping[str, Any]:
    known: Mapping[str, Any] = json.loads(value) if isinstance(value, str) else value
    return known


def _accuracies(samples: Sequence[Mapping[str, Any]]) -> list[float]:
    """The accuracies that samples state; where one states none from 0 to 1, those of the likeliest choices."""
    stated = [_share(sample) for sample in samples]
    if None not in stated:
        return [share for share in stated if share is not None]
    likely = [[float(entry[0]) for entry in sample.get("filtered_resps", ())] for sample in samples]
    pairs = zip(likely, samples, strict=True)
    return [float(bool(values) and str(values.index(max(values))) == str(row["target"])) for values, row in pairs]


def _share(sample: Mapping[str, Any]) -> float | None:
    named, value = sample.get("metrics"), sample.get("acc")
    if isinstance(named, list) and "acc" not in named:
        return None
    value = {"True": 1.0, "False": 0.0}.get(value) if isinstance(value, str) else value
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else None


def _stated_inspect(folder: Path) -> Any:
    rows = []
    with zipfile.ZipFile(folder / "logs" / "a.eval") as packed:
        for name in sorted({*packed.namelist()}):
            if name.startswith("samples/") and name.endswith(".json"):
                sample = json.loads(packed.read(name))
                value = next(iter(sample["scores"].values()))["value"]
                number = {"c": 1.0, "i": 0.0, "n": 0.0, "p": 0.5, "true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}
                score = number[value.lower()] if isinstance(value, str) else float(value)
                rows.append((_known(sample["metadata"]["robust_xtreme"]), score))
    return _means(rows)


# ----------------------------------------------------------------------------------------------------- runs, baselines


def _runs(folder: Path) -> None:
    """Two runs, the first of which is the baseline main, and a policy."""
    from tests.finished_runs import finished_run

    from robust_xtreme.gating.baselines import save

    finished_run(folder / "old", draw=1, count=60)
    finished_run(folder / "new", draw=2, count=60)
    save([folder / "old"], "main", folder / ".robust-xtreme" / "baselines")
    (folder / "gate.toml").write_text(POLICY, encoding="utf-8")


POLICY: Final = """\
margin = 1
alpha = 0.1
undecided = "fail"
missing = "warn"
correction = "by"
family = "task"
scales = ["clean", "perturbed", "change"]
[[rule]]
task = "xnli"
margin = 4
[[rule]]
task = "*"
language = "sw"
perturbation = "char_noise"
required = true
[[accepted]]
task = "xnli"
language = "sw"
condition = "clean"
scale = "clean"
reason = "smaller tokenizer"
expires = 2027-03-31
"""


def _gated(folder: Path) -> Any:
    """The rows of the gate, unrounded."""
    _ended("gate", "new", "--baseline", "main", "-o", str(folder / "gate.json"))
    gate = json.loads((folder / "gate.json").read_bytes())
    return gate["rows"], gate["passed"]


def _policy(folder: Path) -> Any:
    """The policy as it is read; the gate takes it, too."""
    from robust_xtreme.gating.policy import read

    _ended("gate", "new", "--baseline", "main", "--policy", "gate.toml", "-o", str(folder / "gate.json"))
    return asdict(read(folder / "gate.toml"))


def _stated_policy(folder: Path) -> Any:
    values = tomllib.loads((folder / "gate.toml").read_text("utf-8-sig"))
    rule = {"task": "", "language": "", "perturbation": "", "margin": None, "required": None}
    usual = {
        "margin": 2.0,
        "alpha": 0.05,
        "undecided": "warn",
        "missing": "fail",
        "correction": "holm",
        "family": "all",
    }
    listed = {"scales": tuple(values.pop("scales", ("clean", "perturbed"))), "equivalent": None}
    accepted = [{"language": "", **entry, "expires": _day(entry["expires"])} for entry in values.pop("accepted", [])]
    rules = tuple(rule | entry for entry in values.pop("rule", []))
    return {**usual, **listed, **values, "rules": rules, "accepted": tuple(accepted)}


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


_XNLI: Final[Any] = {"tasks": ("xnli",), "languages": ("sw",), "limit": "6"}


def _attacked(folder: Path) -> None:
    from robust_xtreme.core.run_spec import RunSpec
    from robust_xtreme.run.run import evaluate

    evaluate(RunSpec(perturb=("attack_keys:0.2@queries=5",), out=str(folder / "attacked"), **_XNLI), cache=False)


def _frozen(folder: Path) -> Any:
    """The answers to the frozen texts."""
    from robust_xtreme.core.run_spec import RunSpec
    from robust_xtreme.files.journal import JOURNAL
    from robust_xtreme.files.store import LOCK
    from robust_xtreme.run.run import evaluate

    out = folder.with_name(f"{folder.name}-out")
    spec = RunSpec(frozen=(str(folder / "attacked"),), out=str(out), **_XNLI)
    try:
        run = evaluate(spec, cache=False)
    except UserError:
        assert not [path.name for path in out.rglob("*") if path.name not in ("log.txt", LOCK, JOURNAL)]
        raise
    columns = ("condition", "example", "status", "prediction", "edits", "grapheme_edit_rate")
    return run.predictions.select(columns).rows()


# -------------------------------------------------------------------------------------------------------------- studies


def _study_file(folder: Path) -> None:
    from tests.studies import TEXT

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(TEXT, encoding="utf-8")


def _study(folder: Path) -> Any:
    """What a study is, as its file is read; its plan is printed, too."""
    from robust_xtreme.studies.study_file import read

    _ended("study", "tiny.toml", "--out", str(folder / "work"), "--plan")
    study = read("tiny.toml")
    power = (study.power.effect, study.power.sd) if study.power else None
    return {
        **{name: getattr(study, name) for name in ("scale", "seeds", "seed", "data", "device", "about", "scope")},
        "targets": {name: dict(table) for name, table in study.targets.items()},
        "arms": {name: {key: dict(table) for key, table in arm.stages.items()} for name, arm in study.arms.items()},
        "evaluate": dict(study.evaluate),
        "power": power,
    }


def _stated_study(folder: Path) -> Any:
    values = tomllib.loads((folder / "tiny.toml").read_text("utf-8-sig"))
    scales = values.pop("scales", {})
    scale = next(iter(scales), "")
    values = _over(values, scales[scale]) if scale else values
    usual = {"seeds": 5, "seed": 0, "data": "", "device": "auto", "about": "", "scope": ""}
    told = {name: values.get(name, default) for name, default in usual.items()}
    told |= {name: " ".join(told[name].split()) for name in ("data", "about", "scope")}
    stages = ("masked_lm", "intermediate")
    arms = {name: {stage: arm[stage] for stage in stages if stage in arm} for name, arm in values["arms"].items()}
    power = (values["power"]["effect"], values["power"]["sd"]) if "power" in values else None
    return {
        **told,
        "scale": scale,
        "targets": values["targets"],
        "arms": arms,
        "evaluate": values.get("evaluate", {}),
        "power": power,
    }


def _over(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(values)
    for key, value in more.items():
        made[key] = _over(made[key], value) if isinstance(value, dict) and isinstance(made.get(key), dict) else value
    return made


# --------------------------------------------------------------------------------------------------------------- faults


def _fine(folder: Path) -> None:
    folder.mkdir()
    (folder / "fault.txt").write_text("none", encoding="utf-8")


def _faulty(folder: Path) -> str:
    """What its file says: a reader with one of the faults that the campaign looks for."""
    fault = (folder / "fault.txt").read_text("utf-8")
    match fault:
        case "memory":
            np.ones(80_000_000).sum()
        case "connects":
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", 9), timeout=1)
        case "runs":
            (folder / "code.py").write_text("", encoding="utf-8")
            exec(compile("", str(folder / "code.py"), "exec"))
        case "unpickles":
            pickle.loads(pickle.dumps(date(2026, 1, 1)))  # noqa: S301 - what is found
        case "writes":
            (folder / "left").write_text("", encoding="utf-8")
            raise UserError("refused")
        case "lines":
            raise UserError("one\ntwo")
        case "raises":
            raise TypeError("unhashable")
        case "ends":
            os._exit(3)
    return "none" if fault == "other" else fault


def _stated_fault(folder: Path) -> str:
    return (folder / "fault.txt").read_text("utf-8")


FAULTY: Final = ReadKind(_fine, ("fault.txt",), _faulty, _stated_fault, 0)
FAULTS: Final[Mapping[str, str]] = {
    "connects": "socket",
    "runs": "code of",
    "unpickles": "pickle.find_class",
    "writes": "refused, but wrote",
    "lines": "refused in several lines",
    "raises": "TypeError",
    "other": "read otherwise",
    "ends": "the process ended with 3",
}
"""Each fault but that of memory, and what is said of it."""

# ---------------------------------------------------------------------------------------------------------------- kinds


def _of(
    make: Callable[[Path], None], read: Callable[[Path], Any], stated: Callable[[Path], Any] | None
) -> Callable[..., ReadKind]:
    return lambda cases, *changes: ReadKind(make, changes, read, stated, cases)


_vector_files = _of(_sentence, _vectors, _stated_vectors)
_class_files = _of(_classifier, _classes, _stated_classes)
_JSON_OF_MODULES: Final[Sequence[str]] = (
    *("modules.json", "1_Pooling/config.json", "2_Dense/config.json"),
    *("sentence_bert_config.json", "config_sentence_transformers.json"),
)

KINDS: Final[Mapping[str, ReadKind]] = {
    "safetensors": _vector_files(400, "model.safetensors", "2_Dense/model.safetensors"),
    "tokenizer.json": _vector_files(300, "tokenizer.json", "tokenizer_config.json"),
    "modules.json": _vector_files(300, *_JSON_OF_MODULES),
    "config.json": _vector_files(200, "config.json"),
    "classifier": _class_files(200, "config.json", "model.safetensors", "tokenizer.json"),
    "lm-eval": _of(_harness, _levels, _stated_harness)(150, "logs/*"),
    "lm-eval, levels": _of(_harness_stated, _levels, _stated_harness)(150, "logs/*"),
    "inspect": _of(_inspect, _levels, _stated_inspect)(150, "logs/*.eval"),
    "inspect, levels": _of(_inspect_stated, _levels, _stated_inspect)(150, "logs/*.eval"),
    "frozen": _of(_attacked, _frozen, None)(150, "attacked/parts/*.parquet", "attacked/manifest.json"),
    "parts of a run": _of(_runs, _gated, None)(150, "new/*.parquet", "new/manifest.json"),
    "baseline": _of(_runs, _gated, None)(200, ".robust-xtreme/baselines/main.*"),
    "policy": _of(_runs, _policy, _stated_policy)(250, "gate.toml"),
    "study": _of(_study_file, _study, _stated_study)(250, "tiny.toml"),
}
"""What is read, by the name of what is changed."""
