"""The command `perturb`: the texts of `eval`, pipes, what is printed, and how failures end."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.read_again import SPEC, check_same, evaluated
from tests.release import release
from typer.testing import CliRunner, Result

from robust_xtreme.cli._app import build
from robust_xtreme.core import resources
from robust_xtreme.core.specs import PerturbationSpec
from robust_xtreme.exchange.perturbing import files as _rewrite
from robust_xtreme.noise.engine.noising import bound as engine_bound
from robust_xtreme.noise.engine.perturbation import Bound

pytestmark = pytest.mark.usefixtures("unpaged")


def call(*words: str, stdin: bytes | None = None) -> Result:
    """The command on the words given, as it ends."""
    return CliRunner().invoke(build(), ["perturb", *words], input=stdin)


def line_of(result: Result) -> str:
    """The one line on stderr that an error is."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("robust-xtreme: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Release files of four tasks."""
    return release(tmp_path_factory.mktemp("release"))


@pytest.mark.parametrize(
    ("task", "path", "language", "split", "fields"),
    [
        ("xquad", "xquad/xquad.en.json", "en", "validation", ("question",)),
        ("xquad", "xquad/xquad.en.json", "en", "validation", ("question", "context")),
        ("panx", "panx/dev-sw.tsv", "sw", "validation", ("tokens",)),
        ("xnli", "xnli/dev-sw.tsv", "sw", "validation", ("premise", "hypothesis")),
        ("xnli", "xnli/dev-sw.tsv", "sw", "validation", ("hypothesis",)),
    ],
)
def test_release_files_get_the_noise_of_eval(
    task: str, path: str, language: str, split: str, fields: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    """The file that is written contains the very texts that `eval` answers under the same condition and seed."""
    (tmp_path / path).parent.mkdir(parents=True)
    words = ("--tasks", task, "--languages", language, "--perturb", SPEC, "--fields", ",".join(fields))
    result = call(str(folder / path), *words, "-o", str(tmp_path / path))
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    check_same(task, tmp_path, language, split, evaluated(task, folder, language, split, fields))


def test_space_around_texts_stays_where_eval_leaves_it_out(folder: Path, tmp_path: Path) -> None:
    """`eval` reads texts and answers without the space around them; the file keeps it, and contains the same texts."""
    document = json.loads((folder / "xquad/xquad.en.json").read_text())
    for passage in document["data"][0]["paragraphs"]:
        passage["context"] = f"\n {passage['context']}  "
        for asked in passage["qas"]:
            asked["question"] = f" {asked['question']} "
            answer = asked["answers"][0]
            answer["answer_start"] += 1
            answer["text"] = passage["context"][answer["answer_start"] :][: len(answer["text"]) + 2]
    for name in ("clean", "noisy"):
        (tmp_path / name / "xquad").mkdir(parents=True)
    path = tmp_path / "clean/xquad/xquad.en.json"
    path.write_text(json.dumps(document))
    words = ("--tasks", "xquad", "-l", "en", "--perturb", SPEC, "--fields", "question,context")
    result = call(str(path), *words, "-o", str(tmp_path / "noisy/xquad/xquad.en.json"))
    assert result.exit_code == 0, result.stderr
    paragraph = json.loads((tmp_path / "noisy/xquad/xquad.en.json").read_text())["data"][0]["paragraphs"][0]
    assert paragraph["context"].startswith("\n ")
    assert paragraph["context"].endswith("  ")
    wanted = evaluated("xquad", tmp_path / "clean", "en", "validation", ("question", "context"))
    check_same("xquad", tmp_path / "noisy", "en", "validation", wanted)


def test_a_blank_at_an_end_is_removed_where_noise_deletes_the_word_beside_it(folder: Path, tmp_path: Path) -> None:
    """Readers strip it from the file, and `eval` reads the text without it, too: `a river` becomes `rivr`."""
    document = json.loads((folder / "xquad/xquad.en.json").read_text())
    for passage in document["data"][0]["paragraphs"]:
        passage["context"] = f"a {passage['context']} a ?"
        for asked in passage["qas"]:
            asked["question"] = f"I {asked['question']} I"
            asked["answers"] = [{"text": " ".join(passage["context"].split()[:5]), "answer_start": 0}]
    for name in ("clean", "noisy"):
        (tmp_path / name / "xquad").mkdir(parents=True)
    path, out = tmp_path / "clean/xquad/xquad.en.json", tmp_path / "noisy/xquad/xquad.en.json"
    path.write_text(json.dumps(document))
    spec, fields = "char_noise:0.3@ops=delete+punctuation:1", ("question", "context")
    words = ("--tasks", "xquad", "-l", "en", "--perturb", spec, "--fields", ",".join(fields))
    result = call(str(path), *words, "-o", str(out))
    assert result.exit_code == 0, result.stderr
    wanted = evaluated("xquad", tmp_path / "clean", "en", "validation", fields, spec)
    check_same("xquad", tmp_path / "noisy", "en", "validation", wanted)
    noisy = json.loads(out.read_text())["data"][0]["paragraphs"]
    assert not any(passage["context"] != passage["context"].strip() for passage in noisy)
    assert any(passage["context"][:1] != "a" for passage in noisy)


@pytest.mark.parametrize(
    ("task", "language", "fields"),
    [
        ("xquad", "es", ("question",)),
        ("xquad", "zh", ("question", "context")),
        ("mlqa", "de@en", ("question", "context")),
        ("xnli", "sw", ("premise", "hypothesis")),
        ("panx", "th", ("tokens",)),
        ("udpos", "ko", ("tokens",)),
        ("xcopa", "sw", ("premise", "choice1", "choice2")),
    ],
)
def test_the_embedded_suite_gets_the_noise_of_eval(
    task: str, language: str, fields: tuple[str, ...], tmp_path: Path
) -> None:
    """Rows of a suite too are those of `eval`, in every family whose texts are in its rows."""
    suite, name = resources.mini("suite"), f"{task}/test-{language}.jsonl"
    (tmp_path / task).mkdir()
    (tmp_path / "suite.toml").write_bytes((suite / "suite.toml").read_bytes())
    words = ("--tasks", task, "-l", language, "--perturb", SPEC, "--fields", ",".join(fields), "-q")
    result = call(str(suite / f"{name}.gz"), *words, "-o", str(tmp_path / name))
    assert (result.exit_code, result.output) == (0, ""), result.stderr
    check_same(task, tmp_path, language, "test", evaluated(task, suite, language, "test", fields))


def test_fields_default_to_the_headline(folder: Path, tmp_path: Path) -> None:
    """With a task its first group of fields is noised, in QA the question; the file name gives the split."""
    result = call(
        str(folder / "xquad/xquad.en.json"),
        "--tasks",
        "xquad",
        "-l",
        "en",
        "--perturb",
        SPEC,
        "-o",
        f"{tmp_path}/o.json",
    )
    assert result.exit_code == 0, result.stderr
    old, new = (json.loads(path.read_text()) for path in (folder / "xquad/xquad.en.json", tmp_path / "o.json"))
    first, second = (document["data"][0]["paragraphs"][0] for document in (old, new))
    assert first["context"] == second["context"]
    assert first["qas"][0]["question"] != second["qas"][0]["question"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--tasks", "xquad"), "--languages"),
        (("--tasks", "xquat", "-l", "en"), "'xquad'"),
        (("--tasks", "xquad", "-l", "sw"), "'sw'"),
        (("--tasks", "xquad", "-l", "en", "--fields", "tokens"), "'tokens'"),
        (("--tasks", "xquad", "-l", "en", "--split", "test"), "no test split"),
        (("--tasks", "tatoeba", "-l", "es"), "Files of tatoeba"),
        (("--tasks", "lareqa", "-l", "en", "--fields", "candidate"), "'candidate'"),
        (("--tasks", "xquad", "-l", "en", "--header"), "with --tasks"),
        (("--tasks", "panx", "-l", "en"), "--split validation"),
        ((), "need their language"),
        (("-l", "en", "--perturb", "casing:0.5"), "2 times"),
        (("-l", "en", "--format", "tsv"), "--fields 1,2"),
    ],
)
def test_a_mistake_is_one_line_and_2(words: tuple[str, ...], line: str, folder: Path, tmp_path: Path) -> None:
    """Options that do not fit are reported with what to do, and nothing is written."""
    file = folder / "xquad" / "xquad.en.json"
    result = call(str(file), "--perturb", SPEC, "-o", str(tmp_path / "out"), *words)
    assert result.exit_code == 2
    assert line in line_of(result)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    """A missing file, or a folder in its place, is one line."""
    for name in ("none.jsonl", "."):
        result = call(
            str(tmp_path / name), "--format", "lines", "-l", "sw", "--perturb", SPEC, "-o", str(tmp_path / "o")
        )
        assert result.exit_code == 2
        assert "cannot be read" in line_of(result)
    result = call(
        str(tmp_path / "none.json"), "--tasks", "xquad", "-l", "en", "--perturb", SPEC, "-o", str(tmp_path / "o")
    )
    assert (result.exit_code, "is not a file" in line_of(result)) == (2, True)


def test_pipes_carry_bytes() -> None:
    """`-` reads stdin and writes stdout, as they are and nothing besides; the summary goes to stderr."""
    data = "\ufeffHabari ya asubuhi\r\nÇok güzel\r\n".encode()
    result = call("-", "--format", "lines", "-l", "tr", "--perturb", "char_noise:0", "-o", "-", stdin=data)
    assert (result.exit_code, result.stdout_bytes) == (0, data)
    assert (result.stderr.count("\n"), "0.0 % edited" in result.stderr) == (1, True)


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch) -> None:
    """char_noise as it would be without letters for Yoruba, and without meaning in tagging."""

    def bound(spec: PerturbationSpec) -> tuple[Bound, ...]:
        return tuple(
            replace(
                link,
                perturbation=replace(
                    link.perturbation, lacks=lambda code: "no pack" if code == "yo" else "", refuses=("tagging",)
                ),
            )
            for link in engine_bound(spec)
        )

    monkeypatch.setattr(_rewrite, "bound", bound)


@pytest.mark.usefixtures("picky")
def test_a_language_that_is_not_served_is_never_left_clean_silently(tmp_path: Path) -> None:
    """Where no text is served the command ends with 2 and writes nothing; where some are, it says how many."""
    out = str(tmp_path / "o")
    result = call("-", "--format", "lines", "-l", "yo", "--perturb", SPEC, "-o", out, stdin=b"owo\n")
    assert (result.exit_code, "list perturbations --languages yo" in line_of(result)) == (2, True)
    words = ("-", "--format", "jsonl", "--fields", "t", "--language-field", "l", "--perturb", SPEC, "-o", out)
    rows = [{"t": "owo ati ile", "l": "yo"}, {"t": "Habari ya asubuhi", "l": "sw"}]
    result = call(*words, stdin=json.dumps(rows[0]).encode())
    assert (result.exit_code, "serves none" in line_of(result)) == (2, True)
    assert list(tmp_path.iterdir()) == []
    result = call(*words, stdin="".join(json.dumps(row) + "\n" for row in rows).encode())
    assert result.exit_code == 0
    assert result.stderr.startswith("2 texts, 100.0 % edited")
    assert "1 not applicable (left clean)" in result.stderr
    assert json.loads((tmp_path / "o").read_text().splitlines()[0]) == rows[0]


@pytest.mark.usefixtures("picky")
def test_a_perturbation_without_meaning_is_refused(folder: Path, tmp_path: Path) -> None:
    """A perturbation that drops words is refused for files of tags, with or without a task, and JSON lines of words."""
    out = str(tmp_path / "o")
    for more in (("--format", "iob2"), ("--tasks", "panx")):
        result = call(str(folder / "panx/dev-sw.tsv"), "-l", "sw", "--perturb", SPEC, "-o", out, *more)
        assert (result.exit_code, "no meaning" in line_of(result)) == (2, True)
    words = ("-", "--format", "jsonl", "--fields", "tokens", "-l", "sw", "--perturb", SPEC, "-o", out)
    result = call(*words, stdin=b'{"tokens": ["a", "b"]}')
    assert (result.exit_code, "no meaning" in line_of(result)) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_edit_counts_have_the_ids_of_eval(folder: Path, tmp_path: Path) -> None:
    """With a task a row of edit counts begins with the location in the file and the id that `eval` noises by."""
    words = ("--tasks", "panx", "-l", "sw", "--perturb", SPEC, "-o", str(tmp_path / "o.tsv"))
    result = call(str(folder / "panx/dev-sw.tsv"), *words, "--edit-counts", str(tmp_path / "edit_counts.tsv"))
    assert result.exit_code == 0, result.stderr
    head, first, *rest = (tmp_path / "edit_counts.tsv").read_text().splitlines()
    assert head.split("\t") == list(_rewrite.EDIT_COUNTS)
    assert first.split("\t")[:5] == ["1", "tokens", "panx/validation/sw/0/tokens", "sw", "ok"]
    assert len(rest) == 29


def test_the_closing_line_says_what_became_of_a_header(tmp_path: Path) -> None:
    """Where columns are numbers and nobody said whether there is a header, it says how the first line was read."""
    words = ("-", "--format", "tsv", "-l", "sw", "--perturb", SPEC, "-o", str(tmp_path / "o"), "--force")
    table = b"text\tn\nHabari ya asubuhi\t1\n"
    for more, mentioned in (
        (("1",), True),
        (("1", "--header"), False),
        (("1", "--no-header"), False),
        (("text",), False),
    ):
        result = call(*words, "--fields", *more, stdin=table)
        assert result.exit_code == 0
        assert ("first line" in result.stderr) == mentioned


def test_the_closing_line_shows_every_character_of_a_name(tmp_path: Path) -> None:
    """Control and bidirectional characters are escaped, as in errors."""
    name = str(tmp_path / "a\x1b[31m\u202eb")
    result = call("-", "--format", "lines", "-l", "sw", "--perturb", SPEC, "-o", name, stdin=b"Habari\n")
    assert result.stderr.endswith("/a\\x1b[31m\\u202eb\n")
    assert Path(name).is_file()


def test_a_suite_that_there_is_not_is_reported_by_show_too() -> None:
    """`show @smok` reports an unknown suite, and `show @smoke` reports that a single perturbation is needed."""
    for name, line in (("@smok", "'@smok'"), ("@smoke", "is a suite")):
        result = CliRunner().invoke(build(), ["show", name, "Habari", "-l", "sw"])
        assert (result.exit_code, line in line_of(result)) == (2, True)


def test_a_signal_that_is_ignored_stays_so(tmp_path: Path) -> None:
    """Under `nohup` a SIGHUP does not end it, and afterwards both signals do what they did before."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        result = call(
            "-", "--format", "lines", "-l", "sw", "--perturb", SPEC, "-o", f"{tmp_path}/o", stdin=b"Habari ya asubuhi\n"
        )
        assert result.exit_code == 0, result.stderr
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("in", "-o", ""), 2, "--out"),
        (("", "-o", "o"), 2, "FILE"),
        (("in", "-o", "o", "--edit-counts", ""), 2, "--edit-counts"),
        (("in", "-o", "o", "--edit-counts", "o"), 2, "--edit-counts o"),
        (("in", "-o", "in"), 2, "--out in"),
        (("in", "-o", "loop", "--force"), 2, "--out loop"),
        (("in", "-o", "o", "--edit-counts", "/proc/x"), 3, "--edit-counts FILE"),
    ],
)
def test_names_that_cannot_be_written_are_reported_with_their_option(
    words: tuple[str, ...], code: int, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of a name names its option, and nothing is written or replaced."""
    monkeypatch.chdir(tmp_path)
    Path("in").write_text("Habari ya asubuhi\n")
    Path("loop").symlink_to("loop")
    result = call(*words, "--format", "lines", "-l", "sw", "--perturb", SPEC)
    assert (result.exit_code, line in line_of(result)) == (code, True), result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "loop"]
    assert Path("loop").is_symlink()
