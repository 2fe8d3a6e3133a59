"""Suites: perturbations under one name, `@surface`, each a pack `suites/NAME.toml`."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from robust_xtreme.core import packs, registry
from robust_xtreme.core.errors import DataError, SpecError, UnknownName, UserError
from robust_xtreme.core.specs import SUITE, PerturbationSpec, TaskSpec, check_keys
from robust_xtreme.noise.engine.noising import bound, lacks
from robust_xtreme.noise.engine.perturbation import KEEP, NAMES

_KIND: Final = "suites"
_SEE: Final = "robust-xtreme list suites"
_KEYS: Final = ("summary", "specs", "standing", "source", "licence")


class NoiseSuite(NamedTuple):
    """A suite: its name, a sentence about it, and its perturbations, each with its strengths."""

    name: str
    summary: str
    specs: tuple[PerturbationSpec, ...]
    standing: str


class SuiteCell(NamedTuple):
    """A perturbation at one strength, and the suite that contains it; "" if it was named itself."""

    cell: PerturbationSpec
    suite: str = ""


def names() -> tuple[str, ...]:
    """The suites' names, sorted, with their prefix: `@smoke`."""
    return tuple(f"{SUITE}{name}" for name in packs.names(_KIND))


@packs.cached
def suite(name: str) -> NoiseSuite:
    """The suite of that name, as `@smoke`. Raises UnknownName, and DataError or SpecError of its file."""
    path = packs.find(_KIND, name.removeprefix(SUITE))
    if path is None:
        raise UnknownName("suite", name, names(), _SEE)
    pack = packs.read(_KIND, path.stem)
    check_keys(pack, _KEYS, _KEYS[:2], str(path))
    summary, specs = pack["summary"], pack["specs"]
    if not isinstance(summary, str) or not summary.strip():
        raise DataError(path, "the key 'summary' is not a sentence")
    if not isinstance(specs, list) or not specs or not all(isinstance(spec, str) for spec in specs):
        raise DataError(path, "the key 'specs' is not a list of perturbations, as in specs = [\"char_noise:0.1\"]")
    return NoiseSuite(f"{SUITE}{path.stem}", summary, tuple(_spec(path, spec) for spec in specs), str(pack["standing"]))


def _spec(path: Path, text: Any) -> PerturbationSpec:
    """A spec whose perturbations, parameters and fields exist, and which names no address instead of a folder."""
    try:
        spec = PerturbationSpec.parse(text)
        for key, value in (param for link in spec.links for param in link.params):
            if "://" in value:
                raise SpecError(f"{str(spec)!r}: @{key}= takes a folder, and nothing is downloaded: {value:.60}")
        if spec.fields:
            tasks = (registry.load("task", name) for name in registry.names("task"))
            known = dict.fromkeys(field for task in tasks for field in task.fields)
            check_keys(spec.fields, known, (), repr(str(spec)))
        for cell in spec.cells():
            bound(cell)
    except (SpecError, UnknownName) as error:
        raise DataError(path, str(error)) from error
    return spec


def keeping_names(spec: PerturbationSpec) -> PerturbationSpec:
    """The chain with `@names=keep` in each link that does not name it itself."""
    links = (replace(link, params=tuple(sorted({NAMES: KEEP, **dict(link.params)}.items()))) for link in spec.links)
    return replace(spec, links=tuple(links))


def asked(perturb: Iterable[str], keep_names: bool = False) -> tuple[SuiteCell, ...]:
    """One cell per strength of specs and suites, in the order written, each once.

    A cell of several suites has the first, and one that is also named itself none. With `keep_names` each link keeps
    names. Raises SpecError, UnknownName, DataError.
    """
    order: list[SuiteCell] = []
    for word in perturb:
        if word.startswith(SUITE):
            order += [SuiteCell(cell, word) for spec in suite(word).specs for cell in spec.cells()]
        else:
            order += map(SuiteCell, PerturbationSpec.parse(word).cells())
    if keep_names:
        order = [SuiteCell(keeping_names(cell.cell), cell.suite) for cell in order]
    known = {cell.cell for cell in order if not cell.suite}
    first: dict[PerturbationSpec, SuiteCell] = {}
    for cell in order:
        first.setdefault(cell.cell, SuiteCell(cell.cell) if cell.cell in known else cell)
    return tuple(first.values())


def single(text: str, keep_names: bool = False) -> PerturbationSpec:
    """The only perturbation at one strength of a spec or suite, for one file. Raises SpecError if there are several."""
    word = text.strip()
    first, *more = (cell.cell for cell in asked([word], keep_names))
    if more:
        what, things = ("contains", "perturbations") if word.startswith(SUITE) else ("lists", "strengths")
        raise SpecError(
            f"{word!r} {what} {1 + len(more)} {things}, and one file is written. "
            f"Write one for each, as in --perturb {first}"
        )
    return first


def refusing(cell: PerturbationSpec, family: str, task: str = "") -> str:
    """The first perturbation of a chain that has no meaning in a task or its family; "" if all have a meaning."""
    links = (link.name for link in cell.links)
    return next((name for name in links if {family, task} & {*registry.load("perturbation", name).refuses}), "")


def unsupported(cell: PerturbationSpec, code: str, in_suite: bool = False) -> tuple[str, str] | None:
    """The first perturbation of a chain that does not serve a language, and the reason; None if all serve it.

    A suite leaves out languages for which a perturbation is thin, too.
    """
    members = [(link.perturbation, lacks(link, code)) for link in bound(cell)]
    pairs = ((member.name, why or (member.thin(code) if in_suite else "")) for member, why in members)
    return next(((name, why) for name, why in pairs if why), None)


def check_families(asked: SuiteCell, places: Iterable[tuple[str, str]]) -> None:
    """Raise UserError where a perturbation that was named itself has no meaning in tasks (family, name)."""
    named = {} if asked.suite else {place: refusing(asked.cell, *place) for place in places}
    if refused := [place for place, name in named.items() if name]:
        where = ", ".join(f"{family} ({location})" for family, location in refused)
        tasks = ", ".join(location for _, location in refused)
        raise UserError(f"{named[refused[0]]} has no meaning in {where}: leave {tasks} or {asked.cell} out.")


def check_perturb(perturb: Iterable[str], tasks: Sequence[TaskSpec], location: str) -> None:
    """Check the perturbations of a stage of training: each has one strength, known fields, and a meaning.

    Raises SpecError and UserError, which name `location`, and UnknownName.
    """
    words = tuple(perturb)
    known = tuple(dict.fromkeys(field for task in tasks for field in task.fields))
    for word in (word for word in words if not word.startswith(SUITE)):
        spec = PerturbationSpec.parse(word)
        check_keys(spec.fields, known, (), f"{location} perturb {word!r}")
        if spec.nominal:
            bound(spec)
    for cell in asked(words):
        check_families(cell, [(task.family, task.name) for task in tasks])
