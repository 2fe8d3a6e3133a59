"""An environment with locks/gate.txt alone: files are perturbed and imported, runs are gated, without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.finished_runs import finished_run

from robust_xtreme.core.errors import LARGE
from robust_xtreme.core.run_spec import RunSpec
from robust_xtreme.run.run import evaluate

pytestmark = [pytest.mark.long, pytest.mark.process]

ROOT: Final = Path(__file__).parents[2]
PYTHON: Final = f"""
import importlib.util
import robust_xtreme
assert not [name for name in {sorted(LARGE | {"pandas"})!r} if importlib.util.find_spec(name)]
assert robust_xtreme.load("new").scores.height and robust_xtreme.compare("old", "new").frame.height
assert not robust_xtreme.gate("new", "old").passed
assert robust_xtreme.perturb(["Habari ya asubuhi"], "char_noise:0.3", language="sw") == ["Gabaari yaa astbuuhi"]
for shown in (robust_xtreme.load("new"), robust_xtreme.gate("new", "old"), robust_xtreme.compare("old", "new")):
    assert "<table>" in shown._repr_html_()
    try:
        shown.to_pandas()
    except robust_xtreme.core.errors.UserError as error:
        assert "pip install pandas pyarrow" in str(error)
    else:
        raise AssertionError
for call in (
    robust_xtreme.evaluate,
    lambda: robust_xtreme.train("small_ci"),
    lambda: robust_xtreme.study("low_resource"),
):
    try:
        call()
    except robust_xtreme.core.errors.NotInstalled as error:
        assert "torch, which is not installed" in str(error)
    else:
        raise AssertionError
"""
"""The functions of the package; those that compute say what they need."""

COMMANDS: Final = {
    "doctor": 0,
    "baseline save old": 0,
    "baseline show": 0,
    "baseline check": 0,
    "gate old": 0,
    "gate new": 1,
    "gate new -o gate.md -o gate.html -o gate.xml -o gate.json -o gate.csv": 1,
    "compare old new": 0,
    "compare old new -o compare.html -o compare.md -o compare.tex -o compare.csv -o compare.json": 0,
    "gate new --update --reason accepted": 0,
    "report mini": 0,
    "report mini -o report.html -o report.md -o report.tex -o report.csv -o report.json": 0,
    "examples mini --languages sw": 0,
    "gate new --self-test": 0,
    "list tasks": 0,
    "perturb rows.jsonl --fields text -l sw --perturb char_noise:0.1 -o noisy.jsonl": 0,
    "import rows.jsonl --model theirs -o imported": 0,
    "report imported": 0,
    "gate imported --baseline imported": 0,
    "verify imported": 3,
    "export mini --model-card": 3,
    "eval": 3,
    "eval --plan": 3,
    "train small_ci": 3,
}
"""Commands in their order, with their exit codes."""


@pytest.fixture(scope="module")
def binaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs of a new environment, in which the package is installed as docs/gate.md says."""
    folder = tmp_path_factory.mktemp("light")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    pip: list[str | Path] = [folder / "env" / "bin" / "python", "-m", "pip"]
    reached = subprocess.run([*pip, "download", "--quiet", "--no-deps", "--dest", folder, "mdurl"], check=False)
    if reached.returncode:
        pytest.skip("no index of packages can be reached")
    locks = [word for name in ("gate", "build") for word in ("-r", ROOT / "locks" / f"{name}.txt")]
    subprocess.run([*pip, "install", "--quiet", "--require-hashes", *locks], check=True)
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-build-isolation", ROOT], check=True)
    return folder / "env" / "bin"


def _row(number: int) -> str:
    """A line of a file that `perturb` and `import` both read: its text, and a prediction, half of them noisy."""
    condition = ("clean", "char_noise:0.1")[number % 2]
    of = {"id": str(number // 2), "task": "xnli", "language": "sw", "condition": condition, "gold": "neutral"}
    return json.dumps({**of, "prediction": ("neutral", "entailment")[number % 3 == 1], "text": "Habari"}) + "\n"


def test_finished_runs_need_no_torch(binaries: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command about them ends with its code; a command that computes says in one line what it needs."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    finished_run(tmp_path / "old", draw=1)
    finished_run(tmp_path / "new", 0.5, draw=2)
    noise = ("char_noise:0.1",)
    evaluate(RunSpec(tasks=("xnli",), languages=("sw",), perturb=noise, limit="60", out=str(tmp_path / "mini")))
    subprocess.run([binaries / "python", "-c", PYTHON], check=True, cwd=tmp_path)
    (tmp_path / "rows.jsonl").write_text("".join(map(_row, range(40))), encoding="utf-8")
    for line, code in COMMANDS.items():
        words: list[str | Path] = [binaries / "robust-xtreme", *line.split()]
        ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert ended.returncode == code, (line, ended.stderr)
        assert "Traceback" not in ended.stderr
        assert code != 3 or ended.stderr.endswith("pip install robust-xtreme\n"), line
