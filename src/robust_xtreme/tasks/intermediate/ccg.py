"""CCG: the category of combinatory categorial grammar of each word of the Wall Street Journal's text."""

from robust_xtreme.core.specs import Files
from robust_xtreme.tasks.adapters.tagging import tagging, tagging_task
from robust_xtreme.tasks.sources.source import named

ccg = tagging_task(
    name="ccg",
    summary="Supertagging: the category of combinatory categorial grammar of each word, some 1,363 of them.",
    metrics=("token_accuracy",),
    languages=("en",),
    files={
        split: Files("ccg_tsv", ((f"ccg/ccg.{name}", "ccg/tags_to_id.json"),))
        for split, name in (("train", "train"), ("validation", "dev"), ("test", "test"))
    },
    adapt=lambda rows, origin: tagging(named(rows))(rows, origin),  # the reader has checked the labels
    cite="Hockenmaier and Steedman 2007, CCGbank: A Corpus of CCG Derivations and Dependency Structures Extracted from "
    "the Penn Treebank (Computational Linguistics 33:3)",
    absent="CCGbank is licensed by the LDC (LDC2005T13) and may not be passed on. Whoever has it writes, as "
    "DIR/ccg/ccg.train and DIR/ccg/ccg.dev, a line each sentence: its words separated by spaces, a tab, and as many "
    "categories separated by spaces; and as DIR/ccg/tags_to_id.json one object that numbers the categories from 0. "
    "Name DIR with --data DIR.",
    rows="About 38,000 sentences to train on and 5,500 of validation, with 1,363 categories in jiant's files.",
    licence="LDC's, for members and buyers of LDC2005T13",
    open_labels=True,
)
