"""Types of what the package exports. Made by `make generated`: change the keys of the specs instead."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robust_xtreme.api import Asked as Asked
from robust_xtreme.api import Folders as Folders
from robust_xtreme.api import Item as Item
from robust_xtreme.api import Model as Model
from robust_xtreme.api import Run as Run
from robust_xtreme.api import Side as Side
from robust_xtreme.core.run_spec import RunSpec as RunSpec
from robust_xtreme.gating.baselines import Baseline as Baseline
from robust_xtreme.gating.comparing import Comparison as Comparison
from robust_xtreme.gating.document import Gate as Gate
from robust_xtreme.gating.policy import Policy as Policy
from robust_xtreme.report.evaluation import Evaluation as Evaluation
from robust_xtreme.run.run import Observer as Observer
from robust_xtreme.studies.folder import Outcome as Outcome
from robust_xtreme.training.loop import Options as Options
from robust_xtreme.training.spec import TrainSpec as TrainSpec

__all__ = [
    "Baseline",
    "RunSpec",
    "__version__",
    "compare",
    "evaluate",
    "from_frame",
    "gate",
    "load",
    "perturb",
    "study",
    "train",
]
__version__: str

def compare(
    baseline: Side,
    candidate: Side,
    *,
    equivalent: float | None = None,
) -> Comparison:
    """The differences of two runs, candidate minus baseline, by cell, task and language, paired by item.

    Each is the folder of a finished run, what `evaluate` returned, or a saved baseline or its name. `frame` has the
    columns of COMPARISONS, whose `verdict` is about a margin of `equivalent` points; `note` says what the baseline is,
    and whether its items are not known, so that nothing is paired. Raises Mismatch where they were not measured on the
    same data, noise and seeds; the settings of their models may differ.
    """

def evaluate(
    spec: RunSpec | None = None,
    *,
    model: Model | Sequence[Model] | Mapping[str, Model] = ("mini",),
    data: str | Path = "auto",
    tasks: str | Sequence[str] = (),
    languages: str | Sequence[str] = (),
    split: str = "auto",
    perturb: str | Sequence[str] = (),
    keep_names: bool = False,
    seeds: int = 1,
    limit: str | int = "",
    max_length: str | Sequence[str] | Mapping[str, int] = (),
    scores: bool = False,
    precision: str = "fp32",
    compile: bool = False,
    allow_overlap: bool = False,
    labels: str | Sequence[str] | Mapping[str, Sequence[str]] = (),
    trained_on: str | Sequence[str] | Mapping[str, str | Sequence[str]] = (),
    revision: str | Sequence[str] | Mapping[str, str] = (),
    trust_remote_code: bool = False,
    representation: str = "",
    prompts: str | Sequence[str] | Mapping[str, str] = (),
    dims: str | int | Sequence[int] = "",
    index: str = "exact",
    packs: str | Path | Sequence[str | Path] = (),
    external: str | Sequence[str] | Mapping[str, str | Path] = (),
    external_partial: bool = False,
    frozen: str | Sequence[str] = (),
    match: str | Sequence[str] = (),
    offline: bool = False,
    device: str = "auto",
    batch_tokens: int = 0,
    workers: str | int = "auto",
    out: str | Path = "",
    encode: Asked | None = None,
    search: Asked | None = None,
    rerank: Asked | None = None,
    classify: Asked | None = None,
    tag: Asked | None = None,
    answer: Asked | None = None,
    choose: Asked | None = None,
    tokenizer: Any = None,
    deduplicate: bool = True,
    force: bool = False,
    cache: bool = True,
    keep_going: bool = False,
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    observer: Observer | None = None,
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

    Arguments:
        model: `mini` (the default), a run of `train`, a transformers checkpoint (a folder or a hub name), or a
            function: python:MODULE:FUNCTION, imported only where it is named here
        data: the tasks' release files. Default: mini for the model mini, else ROBUST_XTREME_DATA, else the hub
        tasks: tasks, families, or xtreme-r, xtreme, low-resource. Default: every task that a model has a head for
        languages: codes. Default: every language found. MLQA also takes de@en, German questions on English texts
        split: `auto` (test where it has labels), test, validation or train
        perturb: such as char_noise:0.05,0.1 or ocr_noise:0.1@fields=context, or a suite, such as @surface
        keep_names: words tagged as names stay: @names=keep in each of these perturbations
        seeds: draws of the noise for each cell
        limit: rows of each language, whole clusters: 300,xquad=150
        max_length: tokens of a task's longest inputs, for a model that reads fewer
        scores: keep how sure the model is of each label and choice, and report calibration
        precision: the numbers that are computed with: fp32, bf16 or int8
        compile: compile the encoder with torch.compile: a slower start, other last digits
        allow_overlap: evaluate on what the model was trained on, and stamp those cells
        labels: a checkpoint's classes in its order
        trained_on: languages of a checkpoint's training data, or none: en,de
        revision: of models from the hub
        trust_remote_code: run the code that a checkpoint brings along. Off by default; a file alone cannot turn it on
        representation: a text in retrieval without a head: mean:1/1, cls:12, last:28; mean:14/24 for masked LMs and
            runs of train
        prompts: what stands before texts in retrieval: 'query=query: ,document=passage: '. An empty one turns a model's
            off
        dims: numbers that are kept of the vectors of texts, each a setting of its own: 768,256
        index: how candidates are searched
        packs: your own keyboards, alphabets, suites and others, KIND/NAME.toml, before the bundled ones
        external: noisy examples that others made, a folder or a file, paired with the clean ones and reported beside
            them
        external_partial: leave out what has no partner: rows of a set, or many clean items
        frozen: texts that attacks in another run left, of this attack or of all: how far they fool this model
        match: noise with as many edits in each text as each external set has, such as natural_typing, beside it
        offline: open no connection: what is not on this machine is missing
        device: `auto`, cpu or cuda
        batch_tokens: tokens of a batch, padding included
        workers: processes that prepare and score; 0: none. Default: by cores, none for a small run
        out: the folder of the run. Default: runs/eval-HASH, by what is computed
        encode: a function from texts to vectors (n, d), which are compared by cosine
        search: from queries and a corpus, a dict of texts by id, to a list of ids for each query, the best first
        rerank: from pairs of a query and a candidate that another model found to a score of each
        classify: from texts, or pairs of texts, to labels or scores of each label
        tag: from lists of words to lists of tags
        answer: from (question, context) to parts of the context, or their (start, stop), or None
        choose: from (premise, choices) to indices of choices, or scores of each
    """

def from_frame(
    frame: Any,
    out: str | Path,
    *,
    task: str = "",
    language: str = "",
    condition: str = "",
    split: str = "",
    noise_seed: int | str = "",
    model: str = "",
    inference: str = "",
    columns: Mapping[str, str] | None = None,
    only_model: str = "",
    data: str | Path = "",
    family: str = "",
    metric: str = "",
    rescored: bool = False,
    force: bool = False,
) -> Evaluation:
    """A finished run, in the folder `out`, of predictions or scores that another program made, as `import` makes it.

    `frame` of polars or pandas has a row for each example under one condition: `id`, and `prediction` with `gold`, or
    `score` from 0 to 1, or several as a struct `scores`; `task`, `language`, `condition` and `noise_seed` where the
    arguments do not name them for all rows; `cluster` where examples belong together. `columns` maps these keys to the
    columns that have them. With `data`, the data of `evaluate`, gold and clusters are those of the examples with these
    ids. `family` says how answers of a task that is not ours are scored, `metric` which metric claims are made on;
    `rescored` continues where a score is not that of its prediction.
    Raises DataError and Mismatch naming an example, and Mismatch where `out` is there, unless `force` replaces it.
    """

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

def load(
    run: str | Path,
) -> Evaluation:
    """A finished run in a folder, as `evaluate` returned it.

    Raises MissingData where there is none, DataError where a file is not the one that the run wrote.
    """

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

def study(
    name: str | Path,
    *,
    out: str | Path = "",
    seeds: int | None = None,
    data: str | Path | None = None,
    start: str | Path | None = None,
    scale: str | None = None,
    devices: str | Sequence[str] | None = None,
    on: str | None = None,
    offline: bool = False,
) -> Outcome:
    """Run a study, or continue it, and return what it found.

    `name` is that of a study that ships with the program (`robust-xtreme study list`), or a file. `seeds`, `data` and
    `start`, the encoder, replace the file's keys; `scale` is one of its scales; `devices` and `on` are those of
    `evaluate`, by default every GPU, or a process for each core. `.values` is a frame with a row for each run and cell,
    `.contrasts` with the differences between arms, their intervals over training seeds and what is claimed,
    `.sentences` says that in words; the folder `out`, by default `runs/study-NAME_SCALE`, has them with the page.
    Raises what `train` and `evaluate` raise.
    """

def train(
    spec: TrainSpec | str | Path | None = None,
    options: Options | None = None,
    *,
    task: str | Sequence[str] = "",
    encoder: str | Path = "",
    scratch: str = "",
    mlm_steps: int | None = None,
    allow_overlap: bool = False,
    mlm: Mapping[str, Any] | None = None,
    images: Mapping[str, Any] | None = None,
    intermediate: str | Sequence[str] | Mapping[str, Any] | None = None,
    target: str | Sequence[str] | Mapping[str, Any] | None = None,
    data: str | Path = "",
    out: str | Path = "",
    size: str = "",
    text: str | Path = "",
    revision: str = "",
    recipe: str | Path = "",
    seed: int = 0,
    reported: str | Sequence[str] = (),
    overlap: str = "refuse",
    offline: bool = False,
    device: str = "auto",
    devices: int = 1,
    strategy: str = "auto",
    precision: str = "fp32",
    accumulate: int = 1,
    clip: float = 0.0,
    schedule: str = "linear",
    optimizer: str = "adamw_fused",
    log: str | Sequence[str] = ("csv",),
    lora: int = 0,
    layers: int = 0,
    packs: str | Path | Sequence[str | Path] = (),
    pairs: str | Path = "",
    contrast: str = "clip",
    vision: str | Path = "",
    languages: str | Sequence[str] = (),
    epochs: int = 0,
    steps: int = 0,
    batch_size: int = 0,
    lr: float = 0.0,
    limit: str | int = "",
    total: int = 0,
    sampling: str = "proportional",
    mixing: str = "steps",
    perturb: str | Sequence[str] = (),
    keep_names: bool = False,
    translated: str | Path = "",
    control: str = "",
    masked_lm: float = 0.0,
    text_languages: str | Sequence[str] = (),
    select: str = "none",
    force: bool = False,
) -> Path:
    """Train a model and return the folder of its last stage, which `evaluate` takes as a model.

    Either a TrainSpec, or its values by name: `train(task="panx", data="DIR", encoder="DIR/xlm-roberta-base")`, or
    `scratch="small", text="TEXT"` instead of `encoder`; several tasks are learned together: `task="xnli,panx"`.
    `intermediate="squad,mnli"`, or a mapping of a stage's keys, comes before the task, `mlm={"text": "TEXT"}` before
    both. `train("small_ci")` trains a run's file, by its path or, where it ships with the program, by its name; values
    replace the file's keys as on the command line. The same call continues where it was stopped, and a complete run is
    not changed; `force` starts the last stage over. `options` are progress callbacks and `force`.

    Raises SpecError, UnknownName, MissingData, DataError, ModelError, Contamination, Mismatch, Locked, DiskError.

    Arguments:
        task: the target, as in `list tasks`; several are learned together: `xnli,panx`
        encoder: where to start: a transformers folder, a run of `train`, or `OWNER/NAME` on the hub
        scratch: start from a new encoder: one of the sizes of the key `size`
        mlm_steps: steps of masked LM on `text` before all other stages; none is 1200 from scratch, else 0
        allow_overlap: the same as `overlap="allow"`: results are stamped
        mlm: the stage of masked LM by its keys: `{"text": "TEXT", "steps": 100}`
        images: the stage of images with captions by its keys: `{"pairs": DIR, "steps": 100}`
        intermediate: the tasks learned together before the target, or a stage by its keys
        target: the last stage by its keys, instead of `task`
        data: a folder of release files or a suite, `mini`, or `hub`
        out: the folder of the last stage. Default: `runs/TASK-FROM-sSEED`
        size: from scratch: `small` (3 layers of 192) or `tiny` (1 of 32), with `text`
        text: a file or folder of plain text, for masked LM, and for the tokenizer of `small` and `tiny`
        revision: the commit of an encoder from the hub. Default: the newest, which is said
        recipe: `xtreme`, `x-stilts`, `scratch`, or your own file. Default: `xtreme`, and from scratch `scratch`
        seed: of new weights, order, dropout, masks and noise
        reported: the tasks whose evaluated splits are checked for contamination. Default: every task with data under
            `data`
        overlap: training data that evaluated splits contain: `refuse`, `drop` or `allow`
        offline: open no connection
        device: `cpu`, `cuda`, or `auto`: cuda where there is one
        devices: how many share each step's batch
        strategy: `ddp` for a process a device, which several devices always have
        precision: `bf16` or `fp16` for mixed precision
        accumulate: in how many passes a step's batch is read
        clip: the largest norm of gradients. Default: 1
        schedule: the rate after the warm-up: `linear` and `cosine` end at 0, `constant` stays
        optimizer: `adamw` rounds otherwise, and is slower; fp16 always has it
        log: `tensorboard` beside `metrics.csv`, which is always written
        lora: the rank of low-rank changes that are trained instead of the encoder; 0 trains all of it
        layers: the first layers of the encoder, without those above; 0 is all of it
        packs: folders of your own packs for the noise, before the bundled ones
        pairs: the images and captions of `[images]`: a folder or file
        contrast: the loss of `[images]`: `clip`, a softmax over the batch both ways, or `siglip`, a sigmoid for each
            pair
        vision: the image tower of `[images]`: a folder or `OWNER/NAME` of CLIP or SigLIP; none is a small new one
        languages: of the text, the captions or the training data. Default: all, of tasks their own, English
        epochs: passes over the data. Default: the recipe's
        steps: steps in all, instead of `epochs`
        batch_size: inputs a step. Default: the recipe's
        lr: the highest learning rate. Default: the recipe's
        limit: at most so many examples a task, whole clusters: `5000` or `mnli=5000,squad=2000`
        total: so many examples of all tasks together, shared out as `sampling` says
        sampling: how often a task is drawn: `proportional`, `temperature:T`, `capped:N`, or these two with a comma
        mixing: `steps`: a step is of one task; `batches`: its batch is of several
        perturb: noise on training texts, drawn again in each pass: `char_noise:0.1`, or a suite, `@surface`
        keep_names: words tagged as names stay: `@names=keep` in each of these perturbations
        translated: translated training data: a folder, `hub`, or `seq2seq:MODEL`
        control: `masked_lm` on the texts of the tasks or captions, or `shuffled_labels`
        masked_lm: the share of steps that are masked LM on `text`, among those of the tasks
        text_languages: the languages of that `text`; none is all of it
        select: `dev` keeps the weights of the epoch with the best validation score
    """
