"""What a run used that others made: data, packs, noisy sets and models, with their licences and references."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from robust_xtreme.core import packs, registry, resources
from robust_xtreme.core.run_spec import MINI
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files.manifest import IMPORTED
from robust_xtreme.report.blocks import Bullets, Code, Paragraph, Section
from robust_xtreme.report.view import Results

_OURS, _UNKNOWN = "Apache-2.0", "not known"
_RESTRICTED: Final = re.compile(r"\bNC\b|not for commercial", re.IGNORECASE)
_NUMBER: Final = re.compile(r"(?:eprint = {|aclanthology.org/|key = {)([^}]+)")
_AUTHOR: Final = re.compile(r"author = {([^,]+),.*year = {(\d+)", re.DOTALL)
_PUBLISHED: Final = {
    r"xquad-(asr|keyboard|translation)": ("MIT, of the repository; of its texts ", "NoiseQA (arXiv 2102.08345)"),
    r"_typos_": ("", "Cooper Stickland et al. 2023 (arXiv 2210.04782)"),
}
"""By a part of the name of a noisy set's file, what precedes the licence of the task's data, and the reference."""


class UsedSource(NamedTuple):
    """Something that a run used, its licence, and its reference."""

    what: str
    licence: str
    cite: str = ""
    others: str = ""  # sources that `cite` only counts


def sources(results: Results) -> list[UsedSource]:
    """What a run used; what may not be used commercially comes first."""
    with packs.using():  # the bundled ones: a page is the same where others are not
        every = [*_data(results), *_models(results), *_packs(results)]
    program = UsedSource("the program robust-xtreme", _OURS, f"version {results.manifest.get('version', _UNKNOWN)}")
    return sorted([*every, program], key=lambda source: not _RESTRICTED.search(source.licence))


def lines(used: Sequence[UsedSource]) -> Iterator[str]:
    """A sentence on what may not be used commercially, and one on each of what a run used."""
    names = [source.what for source in used if _RESTRICTED.search(source.licence)]
    some = " that is known" if any(source.licence.startswith(_UNKNOWN) for source in used) else ""
    first = f"Not for commercial use: {', '.join(names)}." if names else ""
    yield first or f"No licence here{some} excludes commercial use."
    yield from (f"{source.what}: {source.licence}." + (f" {source.cite}." if source.cite else "") for source in used)


def bibtex(used: Sequence[UsedSource]) -> str:
    """Entries of what is cited by a number, by author and year, or by an address."""
    text = Path(__file__).with_name("references.bib").read_text(encoding="utf-8")
    cited = "\n".join(f"{source.cite}\n{source.others}" for source in used)
    known = [entry for entry in re.findall(r"^@.*?^}", text, re.DOTALL | re.MULTILINE) if _is_cited(entry, cited)]
    hub = re.findall(r"https://huggingface\.co/([\w./-]+)", cited)
    known += [f"@misc{{{name},\n  title = {{{name}}},\n  url = {{https://huggingface.co/{name}}},\n}}" for name in hub]
    version = "".join(re.findall(r"^(version [\w.+-]+)$", cited, re.MULTILINE)[-1:])
    ours = f"  author = {{{{The authors of robust-xtreme}}}},\n  title = {{robust-xtreme}},\n  note = {{{version}}},\n"
    return "\n\n".join((*known, f"@misc{{robust-xtreme,\n{ours}}}\n"))


def _is_cited(entry: str, cited: str) -> bool:
    names = [f"{author} et al. {year}" for author, year in _AUTHOR.findall(entry)]
    return any(name in cited for name in (*names, *_NUMBER.findall(entry)))


def citing_part(results: Results) -> Iterator[Section]:
    """The part of the page of one run."""
    if "runs" not in results.manifest:
        used = sources(results)
        first, *others = lines(used)
        code = Code(tuple(bibtex(used).rstrip().split("\n")))
        yield Section("Licences and references", "cite", (Paragraph(first), Bullets((*others,)), code), folded=True)


def _data(results: Results) -> Iterator[UsedSource]:
    """The tasks, whose data in a suite are others, and the noisy sets."""
    manifest, suite = results.manifest, results.manifest.get("suite", "")
    is_public = not suite and IMPORTED not in manifest  # others import rows of any data under the name of a task
    every, bundled = sorted(manifest.get("tasks", {})), registry.names("task") if is_public else ()
    tasks: dict[str, TaskSpec] = {name: registry.load("task", name) for name in every if name in bundled}
    yield from (UsedSource(f"the task {task.name}", task.licence, task.cite) for task in tasks.values())
    for name in every if not is_public else ():
        licence = manifest.get("licences", {}).get(name, _UNKNOWN) if suite else _UNKNOWN
        what, why = (f" of the suite {suite}", "") if suite else ("", f", as the data of {name} are not known")
        yield UsedSource(f"the task {name}{what}", licence + why)
    for unit in (unit for unit in manifest.get("units", ()) if "external" in unit):
        name = f"{unit['external'].get('set', '')}: "
        file = next((each["path"] for each in unit.get("files", ()) if each["path"].startswith(name)), name)
        found = next((of for part, of in _PUBLISHED.items() if re.search(part, file)), None)
        licence = found[0] + tasks[unit["task"]].licence if found and unit["task"] in tasks else _UNKNOWN
        yield UsedSource(f"the noisy set {file}", licence, found[1] if found else "")


def _models(results: Results) -> Iterator[UsedSource]:
    for model in {each["model"]: each for each in results.manifest.get("models", ())}.values():
        licence = results.manifest.get("licences", {}).get(model["model"], _UNKNOWN)
        name, revision = str(model["model"]).rpartition("@")[0], model.get("revision", "")
        cite = f"https://huggingface.co/{name} at {revision}" if model.get("source") == "hub" else ""
        yield UsedSource(f"the model {model['model']}", _OURS if model.get("source") == MINI else licence, cite)


def _packs(results: Results) -> Iterator[UsedSource]:
    """The packs of the perturbations in the languages of the run, those of a kind with one licence together."""
    links = {link for name in results.conditions["name"].drop_nulls() for link in name.split("+")}
    known = sorted(links.intersection(registry.names("perturbation")))
    members = [registry.load("perturbation", name) for name in known]
    codes = {code for unit in results.manifest.get("units", ()) for code in unit["language"].split("@")}
    used = {pack for member in members for code in codes if member.serves(code) for pack in member.packs(code)}
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for kind, _, name in (pack.partition("/") for pack in sorted(used)):
        if path := packs.find(kind, name):
            facts = packs.header(path) if path.suffix == ".tsv" else resources.toml(path)
            groups.setdefault((kind, facts["licence"]), {})[name] = facts["source"]
    for (kind, licence), of in groups.items():
        first, *others = dict.fromkeys(of.values())
        more = f"; and {len(others)} more, in their files" if others else ""
        yield UsedSource(f"the packs {kind} ({', '.join(of)})", licence, first + more, "\n".join(others))
    if results.manifest.get("packs"):
        yield UsedSource("the packs of --packs", f"{_UNKNOWN} here: their files name it")
