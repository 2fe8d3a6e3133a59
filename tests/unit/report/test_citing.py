"""Licences and references of what a run used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from robust_xtreme.core import registry, resources
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.files.schema import AVERAGES, CONDITIONS, DELTAS, SCORES, build, empty
from robust_xtreme.report import citing
from robust_xtreme.report.citing import bibtex, citing_part, lines, sources
from robust_xtreme.report.view import Results

_TEXT = Path(citing.__file__).with_name("references.bib").read_text(encoding="utf-8")
_ENTRIES = re.findall(r"^@\w+{([^,]+),\n(.*?)^}", _TEXT, re.DOTALL | re.MULTILINE)
_VERSIONED = ("unicode-cldr", "year")


def _results(conditions: tuple[str, ...] = (), **manifest: Any) -> Results:
    rows = [{"condition": name, "kind": "noise", "name": name} for name in conditions]
    return Results(empty(SCORES), empty(DELTAS), manifest, empty(AVERAGES), build(rows, CONDITIONS))


def _task(name: str) -> TaskSpec:
    task: TaskSpec = registry.load("task", name)
    return task


@pytest.mark.parametrize("name", registry.names("task"))
def test_every_task_has_an_entry_for_each_number_that_it_cites(name: str) -> None:
    """The papers that a task names by a number of arXiv or of the ACL are in BibTeX, and nothing else."""
    cite = _task(name).cite
    made = bibtex(sources(_results(tasks={name: {}})))
    numbers = re.findall(r"arXiv (\d{4}\.\d{5})|ACL ([A-Z]\d\d-\d{4})", cite)
    assert numbers
    assert all(number in made for pair in numbers for number in pair)
    others = set(re.findall(r"eprint = {([^}]+)|org/([A-Z]\d\d-\d{4})", made)) - {*numbers}
    assert not others


def test_entries_are_whole_and_each_is_cited() -> None:
    """Each has author, title and year, but for one of versions, and closed braces; a task, set or pack cites it."""
    assert len({key for key, _ in _ENTRIES}) == len(_ENTRIES) == _TEXT.count("\n}\n")
    for key, entry in _ENTRIES:
        assert entry.count("{") == entry.count("}"), key
        assert all(f"  {name} = {{" in entry for name in ("author", "title", "year") if (key, name) != _VERSIONED), key
    used = [f"{_task(name).cite}" for name in registry.names("task")] + [of for _, of in citing._PUBLISHED.values()]
    packs = (path.read_text() for path in resources.folder("perturbations").glob("*/*.t*"))
    used += [source for text in packs for source in re.findall(r"^#? ?source ?[=:](.*)", text, re.MULTILINE)]
    made = bibtex([citing.UsedSource("", "", cite) for cite in used])
    assert all(f"{{{key}," in made for key, _ in _ENTRIES)


def test_what_is_not_for_commercial_use_comes_first() -> None:
    """Of tasks, and of a noisy set of one; licences of others follow."""
    files = [{"path": "typos: test_de_typos_0.05.tsv"}]
    unit = {"task": "xnli", "language": "de", "external": {"set": "typos"}, "files": files}
    used = sources(_results(tasks={"xquad": {}, "xnli": {}}, units=[unit]))
    names = [source.what for source in used]
    assert names[:2] == ["the task xnli", "the noisy set typos: test_de_typos_0.05.tsv"]
    assert next(lines(used)) == f"Not for commercial use: {', '.join(names[:2])}."
    assert "the task xquad" in names[2:]
    assert "2210.04782" in bibtex(used)


def test_a_suite_has_its_own_licence_and_no_papers() -> None:
    """Its rows are others than those of the tasks; without a licence in the manifest it is not known."""
    known, unknown = (
        sources(_results(tasks={"xnli": {}}, suite="mine", licences=licences))[0].licence
        for licences in ({"xnli": "CC0-1.0"}, {})
    )
    assert (known, unknown) == ("CC0-1.0", "not known")
    assert "conneau" not in bibtex(sources(_results(tasks={"xnli": {}}, suite="mine")))


def test_imported_rows_are_of_data_that_are_not_known() -> None:
    """They have the name of a task, and no licence or paper of it; a task of the user's is named, too."""
    used = sources(_results(tasks={"xnli": {}, "mine": {}}, imported={"format": "jsonl"}))
    assert [*lines(used)][1:3] == [
        f"the task {name}: not known, as the data of {name} are not known." for name in ("mine", "xnli")
    ]
    assert "conneau" not in bibtex(used)


def test_models_have_the_licence_of_their_card() -> None:
    """And on the hub an address; a name cannot leave its entry."""
    models = [
        {"model": "OWNER/NAME@0123", "source": "hub", "revision": "abc"},
        {"model": "a}, evil = {x@0123", "source": "hub"},
        {"model": "mine@45", "source": "folder"},
    ]
    used = sources(_results(models=models, licences={"OWNER/NAME@0123": "mit"}))
    assert [source.licence for source in used[:3]] == ["mit", "not known", "not known"]
    assert "url = {https://huggingface.co/OWNER/NAME}" in bibtex(used)
    assert "evil" not in bibtex(used)


def test_packs_of_a_kind_and_licence_are_together() -> None:
    """Those of the perturbations of the run in its languages; a pack of a user is not read."""
    units = [{"task": "xnli", "language": code} for code in ("sw", "de", "en@ru")]
    used = {
        source.what: source.licence
        for source in sources(_results(("keyboard_typo", "char_noise+ocr_noise"), units=units, packs="0123"))
    }
    assert used["the packs alphabets (de, en, ru, sw)"] == "Unicode-3.0"
    assert any(what.startswith("the packs keyboards (de, ") and licence == "X11" for what, licence in used.items())
    assert used["the packs of --packs"].startswith("not known")


def test_packs_and_the_program_have_entries() -> None:
    """Also a pack that the text only counts; the program with its version, which cannot leave its entry."""
    units = [{"task": "xnli", "language": code} for code in ("de", "hi")]
    made = bibtex(sources(_results(("natural_writing", "transliterate"), units=units, version="0.1.0")))
    for key in ("nllb-team-2022-flores", "unicode-cldr", "ravichander-etal-2021-noiseqa", "roark-etal-2020-dakshina"):
        assert f"{{{key}," in made
    assert made.endswith("  title = {robust-xtreme},\n  note = {version 0.1.0},\n}\n")
    assert "@misc{robust-xtreme,\n  author = {{The authors of robust-xtreme}},\n" in made
    assert "evil" not in bibtex(sources(_results(version="1}, evil = {2")))


def test_a_page_of_several_runs_has_no_such_part() -> None:
    """The part is of one run."""
    assert [*citing_part(_results(runs=["a", "b"]))] == []
    assert [part.anchor for part in citing_part(_results())] == ["cite"]
