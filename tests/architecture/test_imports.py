"""What each step imports: help imports almost nothing, lists import no array library, only models import torch."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from tests.finished_runs import finished_run
from tests.some import some

import robust_xtreme
from robust_xtreme.cli._app import command_names

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "lightning", "pytorch_lightning", "faiss", "nlpaug"}
HEAVY |= {"textattack", "datasets", "huggingface_hub", "pandas", "scipy"}
ARRAYS = {"numpy", "polars"}
LISTS = ("perturbations", "tasks", "languages", "metrics", "studies")
HUB = {"huggingface_hub", "safetensors"}
GATES = {"scipy"}
ABOVE = ("models", "workers", "run", "training", "studies", "api", "datasets", "cli", "__main__")


DRIVER = """
import json, sys
steps, path = sys.argv[1:]
seen = {}
for name, code in json.loads(steps).items():
    exec(code, {})
    seen[name] = sorted({module.partition(".")[0] for module in sys.modules})
with open(path, "w") as file:
    json.dump(seen, file)
"""
"""Runs steps one after the other, and writes the top-level modules that are loaded after each."""

YORUBA = """
import sys, robust_xtreme.core.languages
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == "open" else None)
robust_xtreme.core.languages.language("yo")
assert [name[-7:] for name in seen if name.endswith(".toml") and "alphabets" in name] == ["yo.toml"], seen
"""
"""Looks one language up, which opens one file."""

NAMES = """
import sys
from robust_xtreme.core import registry
for kind in ("task", "perturbation"):
    registry.names(kind)
ours = ("robust_xtreme.tasks.members", "robust_xtreme.noise", "nlpaug")
assert not [name for name, module in sys.modules.items() if name.startswith(ours) and not hasattr(module, "__path__")]
"""
"""Lists the names of members, which imports their packages and none of them."""

WORKER = """
import sys
from robust_xtreme.core import registry
seen = {*sys.modules}
registry.entry_points, kept = None, registry.entry_points  # those of all packages are not read
import robust_xtreme.run.computing, robust_xtreme.workers.child
for kind, name in (("task", "xnli"), ("perturbation", "char_noise"), ("metric", "accuracy")):
    registry.load(kind, name)
registry.entry_points = kept
new = {*sys.modules} - seen
needless = ("run.folder", "files.journal", "files.manifest", "report", "stats.shallow.passages")
assert "robust_xtreme.run.scoring" in new
assert not [name for name in new if name.startswith(tuple(f"robust_xtreme.{name}" for name in needless))]
"""
"""Imports what a worker process does before its first task run, without what only the process of the run needs."""

CONFIG = """
from robust_xtreme.cli.config import config
config("list")
config("show", "xtreme")
"""

FINISHED = f"""
from pathlib import Path
from robust_xtreme.report.document import render
from robust_xtreme.files import store
from robust_xtreme.report.evaluation import Evaluation
folder = Path({str(ROOT / "reports" / "mini")!r})
run = Evaluation(folder, store.read_json(folder / "manifest.json"))
assert run.scores.height and run.deltas.height and not run.failed and render(folder)
"""
"""Reads a finished run, and makes its page again."""

GATED = """
import robust_xtreme
assert robust_xtreme.load("RUN").scores.height
assert robust_xtreme.compare("RUN", "RUN").frame.height and robust_xtreme.gate("RUN", "RUN").passed
"""
"""Reads, compares and gates a finished run in the folder RUN."""

EXPORTS = """
import robust_xtreme
assert all(callable(getattr(robust_xtreme, verb)) for verb in ("evaluate", "perturb", "train"))
assert robust_xtreme.perturb(["Habari ya asubuhi"], "char_noise:0", language="sw") == ["Habari ya asubuhi"]
assert set(robust_xtreme.__all__) <= set(dir(robust_xtreme))
"""
"""No module of the package shadows a verb that the package exports."""

MALFORMED = "import os; os.environ['HF_ENDPOINT'] = 'http://[bad'\n"
"""An address at which the import of the hub's client raises; the program removes it before that."""


def program(*words: str, **environment: str) -> str:
    """Code that runs `robust-xtreme` and then continues."""
    return (
        f"import os, sys; sys.argv = ['robust-xtreme', *{list(words)!r}]; os.environ.update({environment!r})\n"
        "from robust_xtreme.cli._app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"for name in {list(environment)!r}:\n    del os.environ[name]\n"
    )


def importing(below: bool) -> str:
    """Code that imports every module of the package, or those before the line where torch starts."""
    return "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in modules(below))


def modules(below: bool) -> list[str]:
    """Every module of the package, or those before the line where torch starts."""
    modules = pkgutil.walk_packages(robust_xtreme.__path__, "robust_xtreme.")
    names = [module.name for module in modules if module.name != "robust_xtreme.__main__"]
    reading = "robust_xtreme.models.reading"
    return [name for name in names if not below or name.split(".")[1] not in ABOVE or name.startswith(reading)]


def steps() -> list[tuple[str, str, set[str]]]:
    """What is done in one process, from the lightest to the heaviest: its name, its code, what it may not load."""
    helps = (["--help"], ["--version"], *([name, "--help"] for name in command_names()))
    asked = {"COMP_WORDS": "robust-xtreme eval --tasks x", "COMP_CWORD": "3"}
    mini = ("--data", "mini", "--languages", "sw", "--tasks")
    return [
        ("import of the package", "import robust_xtreme", HEAVY | ARRAYS),
        ("one language", YORUBA, HEAVY | ARRAYS | {"regex"}),
        ("names of members", NAMES, HEAVY | ARRAYS),
        *((" ".join(words), program(*words), HEAVY | ARRAYS) for words in helps),
        ("completion", program(**asked, _ROBUST_XTREME_COMPLETE="complete_bash"), HEAVY | ARRAYS),
        ("config", CONFIG, HEAVY | ARRAYS),
        ("cache info", program("cache", "info"), HEAVY | ARRAYS),
        ("a worker process", WORKER, HEAVY | {"regex"}),
        *((f"list {what}", program("list", what), HEAVY) for what in LISTS),
        ("a finished run", FINISHED, HEAVY),
        ("modules below the models", importing(below=True), HEAVY),
        ("a malformed address", MALFORMED + program("list", "tasks") + "import huggingface_hub", HEAVY - HUB),
        ("data list", program("data", "list", *mini, "xnli,tatoeba"), HEAVY - HUB),
        ("data check", program("data", "check", *mini, "xnli", "--json"), HEAVY - HUB),
        ("gate", program("gate", "RUN", "--baseline", "RUN"), HEAVY - HUB - GATES),
        ("compare", program("compare", "RUN", "RUN"), HEAVY - HUB - GATES),
        ("baseline", program("baseline", "save", "RUN") + program("baseline", "check"), HEAVY - HUB - GATES),
        ("a run in Python", GATED, HEAVY - HUB - GATES),
        ("plan of a study", program("study", str(ROOT / "tests" / "tiny_study.toml"), "--plan"), HEAVY - HUB - GATES),
        ("all modules", importing(below=False) + EXPORTS, set()),
    ]


@pytest.mark.process
@pytest.mark.parametrize("whole", some([True, False], (False,)))
def test_each_step_loads_only_what_it_needs(tmp_path: Path, whole: bool) -> None:
    """Help, completion, `config` and `cache` load no array library; lists, data, runs, gates and plans no torch.

    The last step, on the whole, imports all modules, torch among them.
    """
    finished_run(tmp_path / "RUN")
    several = steps() if whole else steps()[:-1]
    codes = {name: code for name, code, _ in several}
    command = [sys.executable, "-c", DRIVER, json.dumps(codes), str(tmp_path / "seen.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert {"torch", "numpy", "polars"} - set(seen[several[-1][0]]) == (set() if whole else {"torch"})
    loaded = {name: sorted(banned & set(seen[name])) for name, _, banned in several}
    assert {name: modules for name, modules in loaded.items() if modules} == {}


def test_imports_point_downwards_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """import-linter's contracts are kept: imports point downwards only."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # the linter adds to it
    assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True) == 0, capsys.readouterr().out[-2000:]


def test_a_private_module_is_imported_only_in_its_folder() -> None:
    """A leading underscore means private to a folder: no module outside it imports such a module."""
    files = [path for top in ("src", "tools", "benchmarks") for path in sorted((ROOT / top).rglob("*.py"))]
    pairs = [(_dotted(path), name) for path in files for name in _imports(path)]
    assert len(pairs) > 1000
    assert [pair for pair in pairs if not pair[0].startswith(_home(pair[1]))] == []


def _dotted(path: Path) -> str:
    """The dotted name of a file with a full stop after it, without `src`."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("src.") + "."


def _imports(path: Path) -> list[str]:
    """What a file imports of the package, each as a dotted name that may end in a name of the module."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in nodes if (node.module or "").startswith("robust_xtreme")]
    return [f"{node.module}.{alias.name}" for node in ours for alias in node.names]


def _home(name: str) -> str:
    """The folder that a private module in a dotted name belongs to, with a full stop after it; "" where none is."""
    parts = name.split(".")
    private = [index for index, part in enumerate(parts) if part.startswith("_") and not part.startswith("__")]
    return ".".join(parts[: private[0]]) + "." if private else ""


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    """Lazy exports keep Python's own error for a name that is not there."""
    with pytest.raises(AttributeError, match="no attribute 'perturbe'"):
        getattr(robust_xtreme, "perturbe")  # noqa: B009 - a name that type checkers know is not there
