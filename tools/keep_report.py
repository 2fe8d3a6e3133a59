"""Keeps a finished run under reports/: its page, its frames but those of single examples, and its commands.

`python tools/keep_report.py RUN reports/NAME 'robust-xtreme train ...' 'robust-xtreme eval ...'`
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Final

from robust_xtreme.files import store
from robust_xtreme.report.document import render

KEPT: Final = ("attacks.csv", "averages.csv", "conditions.csv", "deltas.csv", "models.csv", "scores.csv")
"""The files of a run that are kept, of those that it has."""


def keep_frames(run: Path, folder: Path, commands: list[str]) -> None:
    """Copy the frames of a finished run into the folder, with a manifest that has the commands that made it."""
    manifest = store.read_json(run / "manifest.json")
    if not manifest["complete"]:
        raise SystemExit(f"{run} is not finished.")
    store.make_folder(folder)
    files = {name: manifest["files"][name] for name in KEPT if name in manifest["files"]}
    for name in files:
        shutil.copyfile(run / name, folder / name)
    for key in ("digest", "parts"):  # of the whole manifest, and of files that are not kept
        manifest.pop(key, None)
    store.write_json(folder / "manifest.json", {**manifest, "files": files, "commands": commands})


def keep(run: Path, folder: Path, commands: list[str]) -> None:
    """Copy the run into the folder and render its page with the commands."""
    keep_frames(run, folder, commands)
    store.write_text(folder / "report.md", render(folder))


def main() -> None:
    """Copy a run and render its page."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("commands", nargs="+")
    words = parser.parse_args()
    keep(words.run, words.folder, words.commands)
    print(words.folder)


if __name__ == "__main__":
    main()
