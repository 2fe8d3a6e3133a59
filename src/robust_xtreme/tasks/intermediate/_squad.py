"""SQuAD, and SQuAD with questions that have no answer, as intermediate tasks."""

from dataclasses import replace

from robust_xtreme.core.examples import NO_ANSWER
from robust_xtreme.core.specs import LEARNED, Files
from robust_xtreme.tasks.adapters.hub import pinned, question, question_or_none
from robust_xtreme.tasks.adapters.qa import by_question, span_qa, span_task


def files(version: str) -> dict[str, Files]:
    """The files of a version; the development set may also be a copy that was rebuilt from its parts."""
    dev = f"squad/dev-v{version}"
    return {
        "train": Files("squad", (f"squad/train-v{version}.json",), ids="native"),
        "validation": Files("squad", (f"{dev}.json", f"{dev}.rebuilt.json"), ids="native"),
    }


squad = span_task(
    name="squad",
    summary="Extractive question answering on English Wikipedia passages, version 1.1: every question has an answer.",
    metrics=("squad_f1", "squad_em"),
    languages=("en",),
    files=files("1.1"),
    adapt=span_qa(by_question),
    cite="Rajpurkar et al. 2016, SQuAD: 100,000+ Questions for Machine Comprehension of Text (arXiv 1606.05250)",
    hub=pinned("rajpurkar/squad", "plain_text", LEARNED, question, ids="native"),
    rows="87,599 questions to train on and 10,570 of validation, which has all passages of XQuAD and LAReQA.",
    train_rows=87_599,
    licence="CC BY-SA 4.0",
    # Version 2.0 has the questions of 1.1, which these tasks are trained on, too.
    trains=("xquad", "mlqa", "lareqa"),
)


squad_v2 = replace(
    squad,
    name="squad_v2",
    summary="Extractive question answering on English Wikipedia passages, version 2.0: some questions have no answer.",
    files=files("2.0"),
    accepts=("squad_v2",),
    cite="Rajpurkar et al. 2018, Know What You Don't Know: Unanswerable Questions for SQuAD (arXiv 1806.03822)",
    labels=(NO_ANSWER,),
    hub=pinned("rajpurkar/squad_v2", "squad_v2", LEARNED, question_or_none, ids="native"),
    rows="130,319 questions to train on, 43,498 of them without an answer, and 11,873 of validation, 5,945 without.",
    train_rows=130_319,
)
