"""`robust-xtreme align`: aligns the words of parallel items, and writes the packs that `code_switch` reads."""

from pathlib import Path
from typing import Annotated

from robust_xtreme.cli import _completion
from robust_xtreme.cli._next import show_next
from robust_xtreme.cli._options import Overwriting, option
from robust_xtreme.core import registry
from robust_xtreme.core.languages import language
from robust_xtreme.core.packs import PARALLEL
from robust_xtreme.core.sinks import echo
from robust_xtreme.files.new_files import write_all
from robust_xtreme.tasks.sources.source import open_source

Languages = Annotated[str, option("--languages A,B", "Those of the texts to switch.", _completion.language)]
Other = Annotated[str, option("--with CODE", "The language of the words that are put in.", _completion.language)]
Data = Annotated[str, option("--data DIR", "Release files, a suite, mini or hub, as in eval.", _completion.folder)]
Out = Annotated[str, option("--out DIR", "The folder of packs to write to, for --packs.", _completion.folder)]


def align(languages: Languages, out: Out, other: Other = "en", data: Data = "mini", force: Overwriting = False) -> None:
    """Align the words of parallel items of a data folder, and write them as packs for code_switch.

    XNLI, PAWS-X (validation), XCOPA, XQuAD, LAReQA and the questions of MLQA are translations, item by item. The words
    are aligned by IBM models 1 and 2, trained on these texts, and on FLORES where DIR/flores* is there; the same files
    give the same bytes. A pack contains the partners, and so has the licence of the items.

    Example: robust-xtreme align --data DIR --languages de,hi --with en -o PACKS
    """
    from robust_xtreme.exchange.perturbing.output import target
    from robust_xtreme.files.store import make_folder
    from robust_xtreme.tasks import aligning

    source, partner, folder = open_source(data), language(other).code, Path(out) / PARALLEL
    codes = dict.fromkeys(language(each.strip()).code for each in languages.split(","))
    paths = {code: folder / f"{code}-{partner}.tsv" for code in codes}
    if folder.is_dir():
        paths = {code: target("-o", str(path), force, {}) for code, path in paths.items()}
    for code, path in paths.items():
        content, size = aligning.align(source, code, partner)
        make_folder(folder)
        write_all({path: content})
        echo(f"{path}: {size}")
    spec, tasks = (
        f"code_switch:0.3@with={partner}",
        (registry.load("task", name) for name in ("xnli", "xcopa", "lareqa")),
    )
    task = next((task.name for task in tasks if {*codes} <= {*task.languages}), "xquad")
    show_next("eval", "--tasks", task, "-l", ",".join(codes), "--perturb", spec, "--data", data, "--packs", out)
