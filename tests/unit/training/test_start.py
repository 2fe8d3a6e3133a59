"""Where training starts: folders, runs, and checkpoints of a hub on this machine; what is refused, in one line each."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.encoders import encoder_folder
from tests.loopback import Loopback
from tests.tiny import hashed, tiny_encoder_folder, tiny_run

from robust_xtreme.core.errors import ModelError, RobustXtremeError, SpecError, UserError
from robust_xtreme.models.loading import read_encoder
from robust_xtreme.tasks.sources.hub import Snapshot
from robust_xtreme.training import chain
from robust_xtreme.training.chain import Start, find_start

OTHER = "f" * 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder, made once."""
    return tiny_encoder_folder(tmp_path_factory.mktemp("made") / "tiny")


@pytest.fixture
def hub(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A hub with the encoder `own/tiny`, which this process asks without a child."""
    with Loopback() as server, server.lent(tmp_path / "home"):
        server.put_folder("model", "own/tiny", made)
        monkeypatch.chdir(tmp_path)
        yield server


def _start(name: str, revision: str = "", offline: bool = False) -> tuple[Start, list[str]]:
    messages: list[str] = []
    return find_start(name, revision, offline=offline, tell=messages.append), messages


def test_a_folder_and_a_run_are_found_as_they_are(made: Path, tmp_path: Path) -> None:
    """Of a run the encoder is in model/, and its stages beside it; a message says where its files are not verified."""
    run = tiny_run(tmp_path / "run", ["panx"])
    assert _start(str(made)) == (Start(made, made), [])
    assert _start(str(hashed(run))) == (Start(run, run / "model"), [])
    (run / "train.json").unlink()
    start, (message,) = _start(str(run))
    assert start == Start(run, run / "model")
    assert "not verified" in message
    noticed: list[str] = []
    find_start(str(run), tell=pytest.fail, notice=noticed.append)
    assert noticed == [message]


def test_a_name_of_the_hub_is_its_main_commit_which_is_reported(hub: Loopback, made: Path) -> None:
    """The encoder is the published one to the bit; with the commit nothing is asked again, nor offline."""
    sha = hub.main["model", "own/tiny"]
    start, messages = _start("own/tiny")
    assert (start.revision, start.folder) == (sha, start.encoder)
    assert f"--revision {sha}" in messages[0]
    weights, published = (read_encoder(folder).state_dict() for folder in (start.encoder, made))
    assert all(torch.equal(tensor, weights[name]) for name, tensor in published.items())
    asked = len(hub.asked)
    assert _start("own/tiny", sha) == (start, [])
    assert _start("own/tiny", offline=True)[0] == start
    assert len(hub.asked) == asked


def test_only_safetensors_and_no_code_are_fetched(hub: Loopback, made: Path) -> None:
    """Pickles, code and other folders of the repository stay where they are."""
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    hub.put("model", "own/much", {**files, "pytorch_model.bin": b"x", "modeling.py": b"x", "onnx/model.onnx": b"x"})
    start, _ = _start("own/much")
    assert {path.name for path in start.folder.iterdir()} == set(files)
    assert not any(word in line for line in hub.asked for word in (".bin", ".py", ".onnx") if "resolve" in line)


def test_a_folder_of_such_a_name_is_not_a_model_of_the_hub(hub: Loopback, made: Path, tmp_path: Path) -> None:
    """It wins, with a word about it; a revision for it is refused."""
    shutil.copytree(made, tmp_path / "own" / "tiny")
    start, messages = _start("own/tiny")
    assert (start.folder, start.revision, hub.asked) == (Path("own/tiny"), "", [])
    assert "is a folder here" in messages[0]
    assert _start("./own/tiny")[1] == []
    with pytest.raises(SpecError, match="own/tiny is a folder"):
        _start("own/tiny", OTHER)


@pytest.mark.parametrize(
    ("name", "revision", "faults", "kind", "line"),
    [
        ("own/none", "", {}, UserError, "own/none@main"),
        ("own/tiny", OTHER, {}, UserError, "own/tiny@ffffffff"),
        ("own/tiny", "a b", {}, UserError, "a commit"),
        ("own/tiny", "", {"own/tiny": "gated"}, UserError, "gated"),
        ("own/tiny", "", {"own/tiny": "503"}, RobustXtremeError, "503"),
    ],
)
def test_what_the_hub_refuses_is_one_line(
    name: str, revision: str, faults: dict[str, str], kind: type[Exception], line: str, hub: Loopback
) -> None:
    """It names the model, and says that there is no such folder either."""
    hub.faults.update(faults)
    with pytest.raises(kind, match=line) as caught:
        _start(name, revision)
    assert f"no folder {name!r}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_offline_only_the_cache_serves(hub: Loopback) -> None:
    """A model that was never fetched is refused without a question, and another commit is never taken for it."""
    with pytest.raises(UserError, match="hub's cache"):
        _start("own/tiny", offline=True)
    assert hub.asked == []
    _start("own/tiny")
    with pytest.raises(UserError, match="hub's cache"):
        _start("own/tiny", OTHER, offline=True)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, r"no config\.json"),
        (b"{", "cannot be read"),
        (b"[]", "not a JSON object"),
        (b'{"model_type": "own", "auto_map": {"AutoModel": "modeling.Own"}}', "code of its own"),
    ],
)
def test_a_repository_that_is_not_a_plain_encoder_is_refused(
    content: bytes | None, line: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No configuration, code of its own: each is named before anything is computed."""
    folder = Path(shutil.copytree(made, tmp_path / "fetched"))
    (folder / "config.json").unlink()
    if content is not None:
        (folder / "config.json").write_bytes(content)
    monkeypatch.setattr(chain, "fetched", lambda *_, **__: Snapshot(folder, OTHER))
    with pytest.raises(ModelError, match=line):
        _start("own/bad")


def test_pickles_and_adapters_of_the_hub_are_refused(hub: Loopback, made: Path) -> None:
    """Weights that are only pickled are not fetched, what names an adapter is; the line names either."""
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    plain = {name: content for name, content in files.items() if name != "model.safetensors"}
    hub.put("model", "own/pickled", plain | {"pytorch_model.bin": b"x"})
    with pytest.raises(ModelError, match="pickled weights"):
        _start("own/pickled")
    hub.put("model", "own/adapter", files | {"adapter_config.json": b"{}"})
    with pytest.raises(ModelError, match="an adapter"):
        _start("own/adapter")


@pytest.mark.parametrize("name", ["nothing", "no/such/place", "", "x" * 5000])
def test_a_folder_that_is_not_there_is_refused_with_what_could_be_meant(name: str) -> None:
    """A name that cannot be one of the hub's is a path."""
    with pytest.raises(ModelError, match="no folder"):
        _start(name)


def test_an_own_architecture_of_a_known_kind_needs_no_code(hub: Loopback, made: Path, tmp_path: Path) -> None:
    """What names code, but is a kind that transformers has, is read by transformers; towers too."""
    folder = encoder_folder(tmp_path / "clip", "clip")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "modeling.Own"}}))
    hub.put_folder("model", "own/clip", folder)
    assert type(read_encoder(_start("own/clip")[0].encoder)).__name__ == "CLIPTextModel"
