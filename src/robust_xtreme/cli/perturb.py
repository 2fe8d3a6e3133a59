"""`robust-xtreme perturb`: write a file with noise in its texts, in the same format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from robust_xtreme.cli import _completion, _options
from robust_xtreme.cli._errors import ended
from robust_xtreme.cli._next import again, show_next
from robust_xtreme.cli._options import Overwriting, Packs, Seed, argument, columns_of, option, passed, several, using
from robust_xtreme.core.errors import SpecError
from robust_xtreme.core.run_spec import SPLITS
from robust_xtreme.core.sinks import echo, one_line

if TYPE_CHECKING:
    from robust_xtreme.exchange.perturbing.files import PerturbJob

_LONGEST: Final = 255
"""The bytes of the longest name that a file may have on common file systems."""

File = Annotated[str, argument("FILE", "The file to read; - is stdin.", _completion.any_file)]
Spec = Annotated[
    list[str] | None,
    option("--perturb SPEC", "Such as char_noise:0.1, or a chain, a:1+b:0.1. One strength.", _completion.noise),
]
Frozen = Annotated[
    str | None,
    option("--frozen RUN[=ATTACK]", "Instead of noise what an attack in a run left, with --tasks.", _completion.folder),
]
Out = Annotated[
    str, option("--out OUT", "The file to write, when all is done; - is stdout, as it goes.", _completion.any_file)
]
Task = Annotated[
    str | None, option("--tasks TASK", "The task whose file it is, read whole: noise as of `eval`.", _completion.task)
]
SplitName = Annotated[
    str | None, option("--split SPLIT", "That of the task. Default: by the file's name.", _completion.words(SPLITS))
]
Code = Annotated[
    str | None, option("--languages CODE", "Of the texts; of a pair of MLQA's, de@en.", _completion.language)
]
Keep = Annotated[str | None, option("--keep A,B", "Keys or columns that stay, though they look like places in a text.")]
SkipNull = Annotated[
    bool, option("--skip-null", "Leave texts that are null as they are; without it they are an error.")
]
KeepNames = Annotated[
    bool, option("--keep-names", "Words tagged as names stay: @names=keep in each perturbation of the chain.")
]
EditCounts = Annotated[
    str | None, option("--edit-counts TSV", "Write what was done to each text: edits and edit rate.")
]


def perturb(
    file: File,
    out: Out,
    spec: Spec = None,
    frozen: Frozen = None,
    task: Task = None,
    split: SplitName = None,
    language: Code = None,
    language_field: _options.LanguageField = None,
    fields: _options.Fields = None,
    format: _options.Format = None,
    header: _options.Header = None,
    keep: Keep = None,
    skip_null: SkipNull = False,
    keep_names: KeepNames = False,
    packs: Packs = None,
    seed: Seed = 0,
    edit_counts: EditCounts = None,
    force: Overwriting = False,
    quiet: Annotated[bool, option("--quiet -q", "Say nothing but errors.")] = False,
) -> None:
    """Write a file with noise in its texts, in the format that it came in; answers and tags stay on their words.

    Formats: jsonl, csv, tsv, parquet, conllu, iob2 and conll (words with tags), squad (SQuAD's JSON), lines (plain
    text), each also compressed by gzip; an OUT that ends in .gz is compressed. What is not noised keeps its bytes (in
    parquet: its values, types and order). A text draws by its language and value; with --tasks by the id that `eval`
    knows it by, so that it gets the same noise. The file is read as a stream (parquet: whole, up to 1 GiB), and OUT
    appears whole or not at all.

    In jsonl the places under answers, plausible_answers, spans, entities, sentence_breaks and sentences move with their
    text: context, or else the one that they fit in. What else looks like places is refused, or stays with --keep.

    With --frozen the texts are those that an attack in a run of `eval` left, which --seed and --fields choose.

    Examples: robust-xtreme perturb rows.jsonl --fields text --languages sw --perturb char_noise:0.1 -o noisy.jsonl;
    robust-xtreme perturb xquad.es.json --tasks xquad -l es --fields context --perturb char_noise:0.1 -o out.json
    """
    from robust_xtreme.exchange.perturbing.files import PerturbJob

    texts = {"task": task, "split": split, "language": language, "language_field": language_field, "format": format}
    others = {"frozen": frozen, "skip_null": skip_null, "keep_names": keep_names, "edit_counts": edit_counts}
    job = PerturbJob(
        file=file,
        spec=_only(spec or (), frozen),
        out=out,
        fields=columns_of("fields", fields),
        header=header,
        keep=tuple(several("keep", keep) or ()),
        seed=seed,
        force=force,
        **passed({**texts, **others}),
    )
    with ended(), using(packs):
        _write(job, quiet)


def _write(job: PerturbJob, quiet: bool) -> None:
    from rich.progress import DownloadColumn, TimeRemainingColumn

    from robust_xtreme.cli._terminal import steps
    from robust_xtreme.exchange.perturbing.files import perturb_file
    from robust_xtreme.noise.engine.ocr_channel import COST

    def begin() -> None:
        if "ocr_channel" in job.spec and not quiet:
            echo(COST, error=True)

    path = Path(job.file)
    size, columns = path.stat().st_size if path.is_file() else None, (DownloadColumn(), TimeRemainingColumn())
    with steps("perturbing", *columns, total=size, quiet=quiet) as step:
        totals = perturb_file(job, lambda read: step(completed=read), begin)
    if not quiet:
        echo(one_line(f"{totals.summary()} -> {job.out}"), error=True)
        if not job.frozen and "-" not in (job.file, job.out) and (words := _another_draw(job)):
            show_next(*words)


def _only(spec: Sequence[str], frozen: str | None) -> str:
    """The noise of the file, "" where it is an attack. Raises SpecError where none or several are given."""
    if bool(spec) == bool(frozen):
        raise SpecError("Name what the file shall have: --perturb SPEC, or --frozen RUN=ATTACK. It takes one of them.")
    if not spec:
        return ""
    if len(spec) > 1:
        what = f"--perturb is given {len(spec)} times, but one file is written."
        raise SpecError(f"{what} A chain is written with +: --perturb {'+'.join(spec)}")
    return spec[0]


def _another_draw(job: PerturbJob) -> tuple[str, ...]:
    """The same command with the next seed and other files; empty where a file's name would be too long."""
    seed = job.seed + 1
    files = [("--out", job.out), *([("--edit-counts", job.edit_counts)] if job.edit_counts else [])]
    numbered = [(name, _numbered(file, seed)) for name, file in files]
    if any(len(os.fsencode(Path(file).name)) > _LONGEST for _, file in numbered):
        return ()
    others = [word for pair in numbered for word in pair]
    return again("--seed", str(seed), *others, replacing=("--seed", "-o", "--out", "--edit-counts"))


def _numbered(file: str, seed: int) -> str:
    path = Path(file)
    compressed = ".gz" * (path.suffix == ".gz")
    whole = Path(path.name.removesuffix(compressed))
    return str(path.with_name(f"{whole.stem.removesuffix(f'-seed{seed - 1}')}-seed{seed}{whole.suffix}{compressed}"))
