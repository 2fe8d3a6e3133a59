"""The stages of a run before training: their data, identities and folders, and which are complete."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from robust_xtreme.core import packs
from robust_xtreme.core.contamination import check
from robust_xtreme.core.errors import DataError, ModelError, SpecError
from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.run_paths import check_start, like_hub, name_of
from robust_xtreme.core.run_spec import parse_limits
from robust_xtreme.core.specs import OWN, SUITE, PerturbationSpec
from robust_xtreme.models.config import check_config, known_type
from robust_xtreme.models.folder import check_files, encoder_identity
from robust_xtreme.models.stages import CLAIM, check_encoder, check_hashes, unverified
from robust_xtreme.noise.suites import keeping_names, suite
from robust_xtreme.stats.stages import read_stages
from robust_xtreme.tasks.sources import rows
from robust_xtreme.tasks.sources.hub import fetched, on_hub
from robust_xtreme.training import record
from robust_xtreme.training.images.pairs import Pairs, exchanged, read_pairs
from robust_xtreme.training.images.towers import vision_folder
from robust_xtreme.training.lessons import SHUFFLED, Lesson, lessons, texts
from robust_xtreme.training.objective import check_attacks, selection
from robust_xtreme.training.resume import config_of, encoder_folder
from robust_xtreme.training.spec import SCRATCH, StageSpec, Tell, TrainSpec, defaults
from robust_xtreme.training.text import languages_in, read_lines, text_identity


@dataclass(frozen=True, slots=True)
class Start:
    """A folder that training starts from, and its commit where it came from the hub.

    `folder` is a run, whose stages are inherited, or the transformers folder itself; `encoder` is the transformers
    folder.
    """

    folder: Path
    encoder: Path
    revision: str = ""


def find_start(
    name: str, revision: str = "", *, offline: bool = False, tell: Tell, notice: Tell | None = None
) -> Start:
    """The start that a name means: an existing path is a folder; OWNER/NAME without such a path is on the hub.

    Only safetensors are read, and no code is run. Raises SpecError for a revision of a folder, ModelError where
    there is no such encoder, UserError or RobustXtremeError where the hub refuses or fails.
    """
    if on_hub(name):
        checkpoint = fetched(name, revision, offline=offline)
        if checkpoint.revision != revision:
            tell(f"{name} is commit {checkpoint.revision} of the hub; to name it: --revision {checkpoint.revision}")
        _check(checkpoint.folder, name, here=False)
        return Start(checkpoint.folder, checkpoint.folder, checkpoint.revision)
    if revision:
        raise SpecError(f"The revision {revision[:80]} is of a model on the hub, but {name} is a folder. Leave it out.")
    check_start(name)
    if like_hub(name) and not (Path(name) / CLAIM).is_file():
        tell(f"{name} is a folder here, so the hub was not asked for a model of that name.")
    folder = Path(name)
    encoder = encoder_folder(folder)
    check_hashes(folder)
    check_encoder(folder)
    _check(encoder, str(encoder), here=True)
    if encoder != folder and unverified(folder):
        (notice or tell)(unverified(folder))
    try:
        read_stages(folder)
    except DataError as error:
        raise ModelError(str(error)) from error
    check(folder, ())
    return Start(folder, encoder)


def _check(folder: Path, called: str, here: bool) -> None:
    """Raise ModelError, one line, where a folder's weights cannot be read, or its architecture needs its own code."""
    config = config_of(folder, called)
    check_config(config, called)
    check_files(folder, called, here)
    if config.get("auto_map") and not known_type(config):
        kind = str(config.get("model_type"))[:80]
        raise ModelError(
            f"{called} brings code of its own ({kind}), which train never runs. Take an encoder that this version of "
            "transformers knows."
        )


KINDS: Final = {"mlm": "masked_lm", "images": "images", "intermediate": "intermediate", "target": "target"}
_NOT_IDENTITY: Final = ("text", "translated", "text_languages", "keep_names", "pairs", "contrast", "vision")
"""Locations: the identity depends on contents, not names. `text_languages` counts only where it is chosen,
`keep_names` is in the perturbations, and `contrast` is of stages with pairs."""

_SHOWN: Final = ("limit", "total", "overlap")
"""Keys that select examples: the identity depends on the examples instead."""


@dataclass(frozen=True, slots=True)
class ChainStage:
    """One stage of a run: its kind, its lessons, and its folder.

    `identity` is the hash of the model that the run starts from, of all stages before, and of this one; `facts` are
    the settings that a user can choose; `position` is the number of stages before it in its folder. `selected` are
    the examples that its weights are selected by, `pairs` its images with captions. With `again` the stage is not
    complete, whatever its folder contains.
    """

    kind: str
    stage: StageSpec
    lessons: tuple[Lesson, ...]
    identity: str
    facts: Mapping[str, Any]
    folder: Path
    position: int
    selected: tuple[Example, ...] = ()
    again: bool = False
    pairs: Pairs | None = None

    @property
    def record(self) -> Path:
        """The record file: it exists once the stage is complete."""
        return self.folder / record.STAGES / f"{self.position:02d}-{self.kind}.json"

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of its tasks' examples, or of its text."""
        if self.lessons:
            return tuple(dict.fromkeys(code for lesson in self.lessons for code in lesson.languages))
        if self.pairs is not None:
            return self.pairs.languages
        return languages_in(Path(self.stage.text), self.stage.languages)

    @property
    def examples(self) -> tuple[Example, ...]:
        """The examples of all its tasks."""
        return tuple(example for lesson in self.lessons for example in lesson.examples)

    def lines(self) -> list[str]:
        """The text for masked LM, alone or beside tasks; none where the stage has none. Raises DataError."""
        beside = self.stage.masked_lm or not (self.lessons or self.pairs)
        return read_lines(Path(self.stage.text), self.stage.of_text) if beside else []

    def texts(self) -> list[str]:
        """The texts of its tasks, or its captions: the text of the control `masked_lm`."""
        return self.pairs.texts() if self.pairs else texts(self.examples)

    @property
    def complete(self) -> bool:
        """Whether the stage is complete, in a folder with its identity."""
        return not self.again and self.record.is_file() and record.claimed(self.folder) == self.identity


@dataclass(frozen=True, slots=True)
class Chain:
    """A run's stages in order; `start` is the folder they start from, None for a run from scratch."""

    spec: TrainSpec
    links: tuple[ChainStage, ...]
    start: Path | None
    base: Mapping[str, str] = field(default_factory=dict)

    def check_folder(self, link: ChainStage, *, force: bool) -> None:
        """Raise Mismatch where a stage's folder contains anything else; with `force` the last stage replaces a run."""
        if link is self.links[-1]:
            record.check_claim(link.folder, link.identity, link.facts, force=force)
        else:
            record.check_shared(link.folder, link.identity, link.facts)


def chain_of(spec: TrainSpec, tell: Tell, notice: Tell | None = None) -> Chain:
    """Read everything that the identities of a resolved spec's stages depend on.

    `notice` gets that a start is not verified, `tell` where there is no `notice`.

    Raises SpecError, MissingData, DataError, ModelError, Contamination.
    """
    check_attacks(spec)
    taught = {name: lessons(stage, spec, tell) if stage.tasks else () for name, stage in spec.stages}
    links: list[ChainStage] = []
    start, position = None, 0
    if spec.start == SCRATCH:
        links.append(_scratch(spec))
        before, base = links[0].identity, {"name": f"{SCRATCH} {spec.size}"}
    else:
        located = find_start(spec.start, spec.revision, offline=spec.offline, tell=tell, notice=notice)
        folder, out = located.folder.resolve(), spec.folder.resolve()
        if out == folder or out in folder.parents:
            raise SpecError(f"The run would overwrite the model that it starts from, {folder}. Name another --out.")
        start, before = located.folder, encoder_identity(located.encoder)
        base = {"name": spec.start if located.revision else name_of(spec.start), "revision": located.revision}
        position = len(list((start / record.STAGES).glob("*.json")))
    for name, stage in spec.stages:
        links.append(_link(spec, KINDS[name], stage, taught[name], before, position + len(links)))
        before = links[-1].identity
    if spec.out or spec.target:
        links[-1] = dataclasses.replace(links[-1], folder=spec.folder)
        if own := [link for link in links[:-1] if link.folder.resolve() == spec.folder.resolve()]:
            what = f"{own[0].kind.replace('_', ' ')}, {own[0].folder}"
            raise SpecError(f"The run would overwrite its own stage {what}. Name another --out.")
    return Chain(spec, tuple(links), start, base)


def _scratch(spec: TrainSpec) -> ChainStage:
    """The encoder that a run from scratch starts from: its tokenizer, and weights drawn with its first stage's seed."""
    seed = spec.stages[0][1].seed
    facts = {"size": spec.size, "seed": seed, "text": text_identity(Path(spec.text))}
    identity = digest(SCRATCH, *_flat(facts))
    folder = spec.folder.parent / f"{SCRATCH}-{spec.size}-{identity[:8]}"
    return ChainStage(SCRATCH, StageSpec(seed=seed), (), identity, facts, folder, 0)


def pairs_of(stage: StageSpec) -> Pairs | None:
    """The images with captions of a stage; None for any other stage. Raises MissingData, DataError, UserError."""
    if not stage.pairs:
        return None
    pairs = read_pairs(stage.pairs, stage.languages, parse_limits(stage.limit).get("", 0))
    return exchanged(pairs, stage.seed) if stage.control == SHUFFLED else pairs


def _of_images(stage: StageSpec, pairs: Pairs | None, spec: TrainSpec) -> dict[str, Any]:
    """What a stage of images depends on: their content, the loss, and a named image tower; empty for other stages."""
    if pairs is None:
        return {}
    vision = encoder_identity(vision_folder(stage.vision, offline=spec.offline)) if stage.vision else ""
    return {"pairs": pairs.identity, "contrast": stage.contrast, "vision": vision}


def _link(
    spec: TrainSpec, kind: str, stage: StageSpec, taught: tuple[Lesson, ...], before: str, position: int
) -> ChainStage:
    pairs = pairs_of(stage)
    selected = selection(taught, spec) if stage.select == "dev" else ()
    of_recipe = ("warmup", "warmup_share", "weight_decay")  # which no key of a stage sets
    of_run = ("precision", "clip", "schedule", "optimizer", "lora", "overlap")
    facts = {
        **{name: value for name, value in dataclasses.asdict(stage).items() if name not in _NOT_IDENTITY},
        **({"text_languages": stage.text_languages} if stage.text_languages else {}),
        **_noise(stage),
        **_of_images(stage, pairs, spec),
        **{name: getattr(defaults(stage, spec.recipe), name) for name in of_recipe},
        **{name: getattr(spec, name) for name in of_run},
        **({"layers": spec.layers} if spec.layers else {}),
        "recipe": Path(spec.recipe).stem,
        "before": before,
        "contents": [_content(lesson) for lesson in taught],
        "text": text_identity(Path(stage.text), stage.of_text) if stage.text else "",
        "selected_by": rows.data_identity(selected) if selected else "",
    }
    identity = digest(kind, *_flat({name: fact for name, fact in facts.items() if name not in _SHOWN}))
    start = spec.size if spec.start == SCRATCH else name_of(spec.start)
    name = "-".join(filter(None, (kind.replace("masked_lm", "mlm"), "+".join(stage.tasks[:4]))))
    folder = spec.folder.parent / f"{name}-{start}-{identity[:8]}"
    return ChainStage(kind, stage, taught, identity, facts, folder, position, selected, pairs=pairs)


def _noise(stage: StageSpec) -> dict[str, Any]:
    """What noise depends on: the perturbations of suites, and users' packs; empty without noise."""
    members = [suite(word).specs if word.startswith(SUITE) else [word] for word in stage.perturb]
    specs = [str(spec) for specs in members for spec in specs]
    if stage.keep_names:
        specs = [str(keeping_names(PerturbationSpec.parse(spec))) for spec in specs]
    noise = {"perturb": tuple(specs)}
    identity = packs.identity() if stage.perturb else ""
    return {**noise, "packs": identity} if identity else noise


def _content(lesson: Lesson) -> str:
    """The hash of a lesson: its examples in their order, labels, length, and the contamination that was allowed.

    Of a task that the data describe also the fields, whose order is not part of an example's fingerprint.
    """
    task = lesson.task
    order = digest(*(example.id for example in lesson.examples))
    fields = [repr(task.fields)] if OWN in task.groups else []
    allowed = repr(sorted(lesson.screened.allowed))
    return digest(lesson.identity, order, repr(task.labels), str(task.max_length), allowed, *fields)


def _flat(facts: Mapping[str, Any]) -> list[str]:
    return [f"{key}={facts[key]!r}" for key in sorted(facts)]
