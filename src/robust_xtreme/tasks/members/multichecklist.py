"""MultiCheckList: XTREME-R's diagnostic of six tests, made from its translated templates."""

from __future__ import annotations

from typing import Final

from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, TaskSpec
from robust_xtreme.tasks.members._checklist import METRICS, cases

_LANGUAGES: Final = codes(
    "af ar az bg bn de el en es et eu fa fi fr gu ha he hi ht hu id it ja jv ka kk "
    "ko lt ml mr ms my nl pa pl pt qu ru sw ta te th tl tr uk ur vi wo yo zh"
)
"""The columns of the table: the fifty of XTREME-R with Hausa instead of Romanian."""

multichecklist = TaskSpec(
    name="multichecklist",
    summary="Short questions that each test one thing: comparisons, intensifiers, properties, professions, animals.",
    family="span_qa",
    metrics=METRICS,
    languages=_LANGUAGES,
    files={
        "test": Files(
            "checklist_templates",
            ("multichecklist/checklist_templates.tsv", "xtreme/multichecklist/checklist_templates.tsv"),
            ids="native",
            mixed=True,
        )
    },
    perturbed=(("question",), ("context",)),
    adapt=cases,
    accepts=("multichecklist", "xquad", "mlqa", "tydiqa", "squad", "squad_v2"),
    cite="Ruder et al. 2021, XTREME-R: Towards More Challenging and Nuanced Multilingual Evaluation (arXiv 2104.07412) "
    "and Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList (arXiv 2005.04118)",
    train_languages=(),
    max_length=384,
    stride=128,
    absent="Put checklist_templates.tsv of github.com/google-research/xtreme (its folder multichecklist) into "
    "DIR/multichecklist, and name DIR with --data DIR.",
    rows="200 cases of each of six tests, two questions on one context: 2,400 questions per language, 2,200 in "
    "Gujarati, 2,000 in Kazakh and Turkish.",
    official="google-research/xtreme, multichecklist/test_models.py: the share of cases of which every question is "
    "answered; here that of questions.",
    checked="`tests/real/test_multichecklist.py`: sentences of twelve languages were checked by hand against the rows "
    "of the table, and every answer is in its context. `tests/unit/test_multichecklist.py`: answers are compared "
    "by the official rule. Cases are drawn here from the official templates, and are not those of the official suites.",
    licence="Apache 2.0",
)
