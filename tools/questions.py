"""Writes docs/questions.md: questions as users of evaluation tools ask them, each with its command and what it prints.

The commands run one after the other in one folder, with small files that are written there first.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

Run = Callable[[list[str]], str]
"""Runs `robust-xtreme` with these words in the current folder, and returns what it prints."""

PAGE: Final = Path(__file__).parents[1] / "docs" / "questions.md"
_MOST: Final = 116

_HEAD: Final = """\
# Your question, our command

Questions as users of evaluation tools ask them, each with the command that answers it and lines of what it prints. A
test runs all of them, on the embedded model and suite of made-up sentences, so that the numbers show the form of an
answer and say nothing of a real model. With your model, add `--model` and `--data`.
"""


@final
@dataclass(frozen=True, slots=True)
class Question:
    """A question, the words of its commands, which lines are shown of what the last one prints, and what to know.

    Each pattern of `shows` finds one line.
    """

    asked: str
    commands: tuple[str, ...]
    shows: tuple[str, ...]
    said: str = ""


_EVAL: Final = "eval --tasks xnli,panx --languages sw,de --limit 180 --perturb char_noise:0.1"

PARTS: Final[dict[str, tuple[Question, ...]]] = {
    "Models under noise": (
        Question(
            "How much does my model lose under typos, and in which language?",
            (f"{_EVAL} --out old",),
            (r"tests? shows? a drop", r"^sw +\d"),
        ),
        Question(
            "How do I evaluate a table of my own, with my own labels?",
            (
                (
                    "eval --model classify=python:my_model:label --data reviews.csv --fields text --gold label "
                    "--language-field lang --perturb char_noise:0.3 --out reviews"
                ),
            ),
            (r"tests? shows? a drop", r"^sw +\d"),
            "`label` is a function of a list of texts; a folder or a name on the hub is a model, too.",
        ),
        Question(
            "Do names still get found when people write in capitals or in small letters only?",
            ("eval --tasks panx -l de --limit 60 --perturb casing:1 --out capitals",),
            (r"^de +\d",),
        ),
        Question(
            "Does my search or embedding model break on one typo?",
            ("eval --tasks tatoeba@to=en -l de --limit 80 --perturb keyboard_typo:0.02,0.1 --out search",),
            (r"^de +0.02", r"^de +0.1"),
            "A German sentence is typed, with slips, and English ones are searched as they are. `tatoeba` is the\n"
            "other direction, as XTREME has it: English asks, and what is searched is perturbed. With `--model` of an\n"
            "encoder or a folder of sentence-transformers; the questions of `lareqa` and `mewsli_x` are typed, too.",
        ),
        Question(
            "Is the right answer found in another language than the one that was typed?",
            (
                "eval --tasks lareqa -l sw --limit 60 --perturb keyboard_typo:0.1 --out asked",
                "report asked --views answer_languages",
            ),
            (r"^sw +clean", r"^sw +keyboard"),
            "Of the questions whose nearest candidate is right, the share that find it in another language, though\n"
            "the same answer is there in their own; clean, and with typos.",
        ),
        Question(
            "What happens if people type their language in Latin letters?",
            ('show transliterate:1 -l hi "नमस्ते दुनिया"',),
            (r"duniy",),
            "`eval --perturb transliterate:0.3` evaluates it, `@script` other scripts and layouts, too.",
        ),
        Question(
            "How many errors do people really make?",
            ("eval --tasks xnli -l de --limit 30 --perturb @natural --plan",),
            (r"predictions",),
            "`natural_typing` and `natural_writing` are fitted to what people leave and mend; 0.02 to 0.05 is natural.",
        ),
        Question(
            "Is the drop the luck of one draw of the noise?",
            ("eval --tasks xnli -l sw --limit 90 --perturb char_noise:0.1 --seeds 3 --out draws",),
            (r"^sw +\d",),
        ),
        Question(
            "What is the worst that an opponent does with a few letters?",
            ('eval --tasks xnli -l sw --limit 30 --perturb "attack_letters:0.2@queries=20" --out attacked',),
            (r"robust +random", r"^sw +attack_letters:0.2@queries=20 "),
            "Random search with as many queries stands beside it: docs/how-to/attacks.md.",
        ),
        Question(
            "Is my model still sure where it is wrong?",
            (
                "eval --tasks xnli -l sw --limit 90 --perturb char_noise:0.1 --scores --out scored",
                "report scored --views calibration",
            ),
            (r"^(sw|language) .*\[",),
        ),
    ),
    "Two models": (
        Question(
            "Is model B worse than model A, item by item?",
            (f"{_EVAL} --precision int8 --out new", "compare old new"),
            (r"^Of \d+ tested levels",),
            "Paired and clustered, as lm-eval and inspect_ai do not: their logs are read, below.",
        ),
        Question(
            "Which of two embedding models loses less, where each has its own layer, prompts and lengths?",
            (
                "eval --config last.toml --tasks tatoeba -l de --limit 80 --perturb keyboard_typo:0.02,0.1 --out last",
                "compare search last",
            ),
            (r"^- search: .*representation", r"^- last: .*representation", r"lost +last", r"^de +\d"),
            "Any two are compared on the same items, pools and noise; `gate` refuses other settings. `lost` is the "
            "share of the clean level: a model that finds little has few points to lose.",
        ),
        Question(
            "Is the quantised model as good?",
            ("compare old new --equivalent 5",),
            (r"equivalent",),
            "Two one-sided tests against the margin that you name, in points.",
        ),
        Question(
            "Which answers changed for the worse, even if the average did not?",
            ("compare old new --equivalent 5",),
            (r"changed +harmful", r"^(xnli|panx) .*%.*%"),
        ),
        Question(
            "How do I refuse a release that got worse in Swahili?",
            ("baseline save old --name main --folder baselines", "gate new --baseline baselines/main"),
            (r"^(Passed|Failed)",),
            "The exit code is the verdict: 0 or 1, and 2 where the runs cannot be compared.",
        ),
        Question(
            "How often would my gate alarm where nothing is worse?",
            ("gate new --self-test",),
            (r"regressed|alarm",),
        ),
        Question(
            "How many items do I need?",
            ("compare old new --equivalent 1",),
            (r"undecided",),
            "Each undecided row names the number of items that would decide.",
        ),
    ),
    "Results of other programs": (
        Question(
            "I have predictions of another program. What do they show?",
            ("import answers.jsonl --model theirs -o theirs",),
            (r"tests? shows? a drop|None of",),
        ),
        Question(
            "Can you test my lm-eval or inspect_ai logs in pairs?",
            ("import harness --condition clean -o from_lm_eval",),
            (r"Report: ",),
            "Then `compare` two such runs. docs/language-models.md has both harnesses.",
        ),
        Question(
            "How do I run my language model on noisy prompts?",
            ("export inspect --tasks xnli -l sw --limit 12 --data mini --perturb keyboard_typo:0.1 -o noisy_inspect",),
            (r"files, .* rows",),
        ),
        Question(
            "Can I have the common format of all harnesses?",
            ("export old --every-eval-ever -o records", "import records -o from_records"),
            (r"Report: ",),
        ),
        Question(
            "What do I put on the model card?",
            ("export old --model-card",),
            (r"Accuracy|accuracy",),
        ),
    ),
    "Noise": (
        Question(
            "Which noises are there for my language?",
            ("list perturbations -l sw",),
            (r"^keyboard_typo",),
        ),
        Question(
            "I need noisy files that are the same bytes tomorrow.",
            ("perturb reviews.csv --fields text --language-field lang --perturb char_noise:0.1 -o noisy.csv",),
            (r"edit rate",),
            "The same command gives the same bytes in any order, on any machine.",
        ),
        Question(
            "What does a noise look like in my language?",
            ('show keyboard_typo:0.2 -l sw "Ninapenda kusoma vitabu"',),
            (r"^ *0?\.?2? .*N|Nin|ina",),
        ),
        Question(
            "Can people mix two languages in one sentence?",
            (
                "align --languages sw --with en -o packs",
                "eval --tasks xnli -l sw --limit 90 --perturb code_switch:0.3@with=en --packs packs --out mixed",
            ),
            (r"^sw +\d",),
            "`align` makes a pack of texts and their translations; only these are switched: docs/code-switch.md.",
        ),
        Question(
            "What about scanned text?",
            ("doctor", "eval --tasks xnli -l sw --limit 90 --perturb ocr_noise:0.1 --out scanned"),
            (r"^sw +\d",),
            "`ocr_noise` draws errors as Tesseract makes them. `ocr_channel` prints, spoils and reads the texts:\n"
            "`doctor` says whether Tesseract and fonts are there, and how they are installed: docs/ocr.md.",
        ),
    ),
    "Reports": (
        Question(
            "How do I share it without a server?",
            ("report old -o page.html",),
            (r"page\.html",),
            "One file, with examples, which opens without a network.",
        ),
        Question(
            "I need a table for a paper.",
            ("report old -o table.tex",),
            (r"table\.tex",),
        ),
        Question(
            "What broke in Swahili? Show me.",
            ("examples old -l sw -t xnli --became wrong",),
            (r"entailment|neutral|contradiction",),
        ),
        Question(
            "Can I trust a run that somebody else made?",
            ("verify old",),
            (r"ok|nothing differs",),
        ),
        Question(
            "What do I have to cite, and may I use it commercially?",
            ("cite old",),
            (r"(?i)xnli",),
        ),
        Question(
            "What will it cost before I start?",
            ("eval --tasks xnli,panx -l sw --perturb @surface --plan",),
            (r"predictions",),
        ),
    ),
}

_LABELS: Final = ("entailment", "neutral", "contradiction")


def files(folder: Path) -> None:
    """Write what the commands read: a table, a function, a setting, predictions, and samples as lm-eval logs them."""
    rows = [
        *("Chakula kilikuwa kizuri sana,positive,sw", "Das Essen war sehr lecker,positive,de"),
        *("Chakula kilikuwa baridi leo,negative,sw", "Das Essen war leider kalt,negative,de"),
    ] * 15
    lines = (f"{number} {row}" for number, row in enumerate(rows))
    (folder / "reviews.csv").write_text("\n".join(("text,label,lang", *lines)) + "\n", "utf-8")
    rule = '"positive" if "zuri" in text or "lecker" in text else "negative"'
    source = f"def label(texts):\n    return [{rule} for text in texts]\n"
    (folder / "my_model.py").write_text(source, "utf-8")
    (folder / "last.toml").write_text('representation = "mean:1/1"\n', "utf-8")
    answers = (_answer(number, noisy) for noisy in (False, True) for number in range(60))
    (folder / "answers.jsonl").write_text("".join(answers), "utf-8")
    _harness(folder / "harness")


def _answer(number: int, noisy: bool) -> str:
    gold, wrong = _LABELS[number % 3], noisy and number % 2
    prediction = _LABELS[(number + 1) % 3] if wrong else gold
    condition = "char_noise:0.1" if noisy else "clean"
    return (
        f'{{"id": "{number}", "task": "xnli", "language": "sw", "condition": "{condition}", '
        f'"gold": "{gold}", "prediction": "{prediction}"}}\n'
    )


def _harness(folder: Path) -> None:
    """Samples and results of a task as lm-eval writes them."""
    import json

    folder.mkdir()
    samples = []
    for number in range(60):
        best = number % 3 if number % 4 else (number + 1) % 3
        scores = [[str(-1.5 if choice == best else -9.25), "False"] for choice in range(3)]
        known = {"doc_id": number, "doc": {"premise": "p", "label": number % 3}, "target": str(number % 3)}
        graded = {"filter": "none", "metrics": ["acc"], "acc": float(best == number % 3)}
        samples.append(json.dumps({**known, **graded, "resps": [[row] for row in scores], "filtered_resps": scores}))
    stamp = "2026-01-02T03-04-05.678901"
    (folder / f"samples_xnli_sw_{stamp}.jsonl").write_text("\n".join(samples) + "\n", "utf-8")
    level = sum(bool(number % 4) for number in range(60)) / 60
    results = {"results": {"xnli_sw": {"acc,none": level}}, "model_name": "m", "configs": {"xnli_sw": {}}}
    (folder / f"results_{stamp}.json").write_text(json.dumps(results), "utf-8")


def page(run: Run) -> str:
    """The page, of commands that run in the current folder. Raises ValueError where a line is not printed."""
    return "\n".join((_HEAD, *(line for title, part in PARTS.items() for line in _part(title, part, run)))) + "\n"


def _part(title: str, part: tuple[Question, ...], run: Run) -> Iterator[str]:
    yield f"## {title}\n"
    for question in part:
        yield f"**{question.asked}**\n\n```sh"
        yield from (f"robust-xtreme {command}" for command in question.commands)
        yield "```\n\n```text"
        printed = [run(shlex.split(command)) for command in question.commands][-1]
        yield from (_line(pattern, printed, question.asked) for pattern in question.shows)
        yield f"```\n\n{question.said}\n" if question.said else "```\n"


def _line(pattern: str, printed: str, asked: str) -> str:
    """The first line with the pattern, cut where it is long."""
    here = f"{Path.cwd()}/"
    lines = (line.rstrip() for line in printed.replace(here, "").splitlines() if re.search(pattern, line))
    if (line := next(lines, None)) is None:
        raise ValueError(f"{asked} Nothing matches {pattern!r} in:\n{printed}")
    return line if len(line) <= _MOST else f"{line[: _MOST - 4]} ..."


def _program(words: list[str]) -> str:
    command = [sys.executable, "-m", "robust_xtreme", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "150"})
    return done.stdout + done.stderr


def main() -> None:
    """Write the page."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            files(Path(folder))
            text = page(_program)
        finally:
            os.chdir(here)
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
