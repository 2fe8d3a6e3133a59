"""What is loaded when: help is instant, lists stay light, and torch starts at the families."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import robust_xtreme

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "tokenizers", "safetensors", "lightning", "pytorch_lightning", "faiss", "nlpaug"}
HEAVY |= {"textattack", "datasets", "huggingface_hub", "pandas", "scipy"}
ARRAYS = {"numpy", "polars"}
ABOVE = ("families", "training", "evaluation", "api", "commands", "__main__")


def loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running some code."""
    report = "\nimport json, sys; print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def program(*words: str) -> str:
    """Code that runs `robust-xtreme` in this interpreter and goes on."""
    return (
        f"import sys; sys.argv = ['robust-xtreme', *{list(words)!r}]\n"
        "from robust_xtreme.commands._app import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
    )


def modules(below: bool) -> list[str]:
    """Every module of the package, or those before the line where torch starts."""
    found = pkgutil.walk_packages(robust_xtreme.__path__, "robust_xtreme.")
    names = [module.name for module in found if module.name != "robust_xtreme.__main__"]
    return [name for name in names if not (below and name.split(".")[1] in ABOVE)]


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["list", "--help"],
        ["data", "--help"],
        ["eval", "--help"],
        ["train", "--help"],
        ["perturb", "--help"],
    ],
)
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """Help and version load neither torch and its company, nor numpy, nor polars."""
    assert loaded_by(program(*words)) & (HEAVY | ARRAYS) == set()


@pytest.mark.parametrize("what", ["perturbations", "tasks", "languages", "metrics"])
def test_lists_load_nothing_of_torch_s_company(what: str) -> None:
    """Listing members imports their modules, and none of those reaches for torch, pandas or scipy."""
    assert loaded_by(program("list", what)) & HEAVY == set()


def test_importing_the_package_costs_nothing() -> None:
    """`import robust_xtreme` loads no array library."""
    assert loaded_by("import robust_xtreme") & (HEAVY | ARRAYS) == set()


def test_torch_starts_at_the_families() -> None:
    """Importing every module before the families loads nothing of torch's company."""
    code = "import importlib\n" + "\n".join(f"importlib.import_module({name!r})" for name in modules(below=True))
    assert loaded_by(code) & HEAVY == set()


def test_the_layers_hold() -> None:
    """import-linter's contracts are kept: imports point downwards only."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([str(lint), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_each_export_is_callable_after_importing_every_submodule() -> None:
    """No module of the package shadows a verb that the package exports."""
    code = "import importlib, robust_xtreme\n" + "\n".join(
        f"importlib.import_module({name!r})" for name in modules(below=False)
    )
    check = (
        "\nassert all(callable(getattr(robust_xtreme, verb)) for verb in ('evaluate', 'perturb', 'train'))"
        "\nassert robust_xtreme.perturb(['Habari ya asubuhi'], 'char_noise:0', language='sw') == ['Habari ya asubuhi']"
        "\nassert set(robust_xtreme.__all__) <= set(dir(robust_xtreme))"
    )
    loaded_by(code + check)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    """Lazy exports keep Python's own error for a name that is not there."""
    with pytest.raises(AttributeError, match="no attribute 'perturbe'"):
        _ = robust_xtreme.perturbe
