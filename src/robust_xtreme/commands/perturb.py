"""`robust-xtreme perturb`: write a file with noise in its texts, in the same format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from robust_xtreme.commands import _completion
from robust_xtreme.commands._errors import ended, one_line
from robust_xtreme.commands._lists import several
from robust_xtreme.commands._packs import Packs, using
from robust_xtreme.run_spec import SPLITS

if TYPE_CHECKING:
    from robust_xtreme.perturbing.files import Job

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", autocompletion=_completion.any_file, help="The file to read; - is stdin.", show_default=False
    ),
]
Spec = Annotated[
    list[str],
    typer.Option(
        "--perturb",
        metavar="SPEC",
        autocompletion=_completion.perturbation,
        help="Such as char_noise:0.1, or a chain, a:1+b:0.1. One strength.",
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        autocompletion=_completion.any_file,
        help="The file to write, when all is done; - is stdout, as it goes.",
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="TASK",
        autocompletion=_completion.task,
        help="The task whose file it is: the noise is that of `eval`. Such a file is read whole first.",
    ),
]
SplitName = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        autocompletion=_completion.words(SPLITS),
        help="The split of that task. Default: the one that the file's name says.",
    ),
]
Code = Annotated[
    str | None,
    typer.Option(
        "--language",
        "-l",
        metavar="CODE",
        autocompletion=_completion.language,
        help="The language of the texts; of a pair of MLQA's, de@en.",
    ),
]
LanguageField = Annotated[
    str | None,
    typer.Option("--language-field", metavar="NAME", help="The key or column with the code of each row's language."),
]
Fields = Annotated[
    str | None,
    typer.Option(
        "--fields",
        metavar="A,B",
        help="Keys (jsonl), columns by name or number from 1 (tsv), question and context (squad).",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        autocompletion=_completion.file_format,
        help="jsonl, tsv, conllu, iob2 (word TAB tag), conll (word SPACE tag), squad, lines. Default: by the suffix, "
        "for .conll by its lines.",
    ),
]
Keep = Annotated[
    str | None,
    typer.Option("--keep", metavar="A,B", help="Keys of jsonl that stay, though they look like places in a text."),
]
Header = Annotated[
    bool | None,
    typer.Option("--header/--no-header", help="Whether a tsv names its columns. Default: where --fields has names."),
]
EditCounts = Annotated[
    str | None,
    typer.Option("--edit-counts", metavar="TSV", help="Write what was done to each text: edits and edit rate."),
]


def perturb(
    file: File,
    spec: Spec,
    out: Out,
    task: Task = None,
    split: SplitName = None,
    language: Code = None,
    language_field: LanguageField = None,
    fields: Fields = None,
    format: Format = None,
    header: Header = None,
    keep: Keep = None,
    packs: Packs = None,
    seed: Annotated[int, typer.Option("--seed", help="The noise seed.")] = 0,
    edit_counts: EditCounts = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Write a file with noise in its texts, in the format that it came in; answers and tags stay on their words.

    Formats: jsonl, tsv, conllu, iob2 and conll (words with tags), squad (SQuAD's JSON), lines (plain text). What is not
    noised keeps its bytes. A text draws by its language and value; with --task by the id that `eval` knows it by, so
    that it gets the same noise. The file is read as a stream, and OUT appears whole or not at all.

    In jsonl the places under answers, plausible_answers, spans, entities, sentence_breaks and sentences move with their
    text: context, or else the one that they fit in. What else looks like places is refused, or stays with --keep.

    Examples: robust-xtreme perturb rows.jsonl --fields text --language sw --perturb char_noise:0.1 -o noisy.jsonl;
    robust-xtreme perturb xquad.es.json --task xquad --language es --fields context --perturb char_noise:0.1 -o out.json
    """
    from robust_xtreme.perturbing.files import Job, perturb_file

    _check_named({"FILE": file, "--out": out, "--edit-counts": edit_counts})
    job = Job(
        file=file,
        spec=_single(spec),
        out=out,
        task=task or "",
        split=split or "auto",
        language=language or "",
        language_field=language_field or "",
        fields=tuple(several("fields", fields) or ()),
        format=format or "",
        header=header,
        keep=tuple(several("keep", keep) or ()),
        seed=seed,
        edit_counts=edit_counts or "",
        force=force,
    )
    with ended(), using(packs), _bar(job, quiet) as advance:
        totals = perturb_file(job, advance)
    if not quiet:
        typer.echo(one_line(f"{totals.summary()} -> {job.out}"), err=True)


def _single(given: list[str]) -> str:
    """The perturbation that is named. Raises SpecError where there are several."""
    from robust_xtreme.errors import SpecError

    if len(given) > 1:
        what = f"--perturb is given {len(given)} times, but one file is written."
        raise SpecError(f"{what} A chain is written with +: --perturb {'+'.join(given)}")
    return given[0]


def _check_named(given: Mapping[str, str | None]) -> None:
    """Raise UserError where a name is empty, as from an unset variable."""
    from robust_xtreme.errors import UserError

    for option, name in given.items():
        if name == "":
            raise UserError(f"{option} names no file: its name is empty.")


@contextmanager
def _bar(job: Job, quiet: bool) -> Iterator[Callable[[int], object]]:
    """A progress bar in bytes on a terminal, nothing elsewhere."""
    from pathlib import Path

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, markup=False, highlight=False)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    path = Path(job.file)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("perturbing", total=path.stat().st_size if path.is_file() else None)
        yield lambda read: progress.update(bar, completed=read)
