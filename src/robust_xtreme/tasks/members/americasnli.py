"""AmericasNLI: XNLI's question in ten indigenous languages of the Americas, translated from its Spanish rows."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from robust_xtreme.core.examples import Example, digest
from robust_xtreme.core.languages import codes
from robust_xtreme.core.specs import Files, Origin, Row, TaskSpec, parquet
from robust_xtreme.tasks.adapters.hub import pair
from robust_xtreme.tasks.adapters.nli import nli

_LABELS: Final = ("entailment", "neutral", "contradiction")
_LANGUAGES: Final = codes("ay bzd cni gn hch nah oto qu shp tar")
_CODES: Final = MappingProxyType({"ay": "aym", "qu": "quy"})
_COMMIT: Final = "668b53909c205ece201487394833a36ebab47245"
# Of nala-cub/americas_nli on the hub: docs/decisions/tasks.md#hub-commits says where it was seen.

_SPANISH: Final = MappingProxyType({"validation": range(12451, 14941), "test": range(25051, 30061)})
"""The numbers of the Spanish rows in XNLI's files of all languages (the sixth of fifteen), counted from 1."""

_PER_PREMISE: Final = 3


def _adapt(rows: tuple[Row, ...], origin: Origin) -> tuple[Example, ...]:
    return nli(_LABELS)(tuple(replace(row, cluster=_cluster(row, origin.split)) for row in rows), origin)


def _cluster(row: Row, split: str) -> str:
    """XNLI's cluster of the row, from its number, so that translations are resampled together.

    Rows without such a number, as on the hub, are clustered by their premise.
    """
    spanish, number = _SPANISH.get(split, range(0)), row.values.get("number")
    if row.cluster:
        return row.cluster
    if number is not None and number in spanish:
        return f"xnli-{split}/{spanish.index(number) // _PER_PREMISE}"
    return f"premise/{digest(row.values['first'])}"


def _files(name: str) -> Files:
    """In a folder of languages, in a clone of either repository, or in one file of all languages.

    Only the copy in the code's repository (`data/anli_final`) has ids.
    """
    within = ("americasnli", "AmericasNLI", "data/anli_final", "americasnli/data/anli_final")
    paths = (f"{folder}/{name}/{{code}}.tsv" for folder in within)
    whole = (f"{folder}/{name}.tsv" for folder in within[:2])
    return Files("americasnli_tsv", (*paths, *whole), codes=_CODES, mixed=True)


americasnli = TaskSpec(
    name="americasnli",
    summary="Natural language inference in ten indigenous languages of the Americas.",
    family="classification",
    metrics=("accuracy",),
    languages=_LANGUAGES,
    files={"validation": _files("dev"), "test": _files("test")},
    perturbed=(("premise", "hypothesis"),),
    adapt=_adapt,
    accepts=("americasnli", "xnli", "mnli", "anli_plus"),
    cite="Ebrahimi et al. 2022, AmericasNLI: Evaluating Zero-shot Natural Language Understanding of Pretrained "
    "Multilingual Models in Truly Low-resource Languages (arXiv 2104.08726)",
    labels=_LABELS,
    train_languages=(),
    max_length=256,
    hub=parquet("nala-cub/americas_nli", _COMMIT, "{code}", ("validation", "test"), pair, codes=_CODES),
    groups={"low-resource": _LANGUAGES},
    rows="750 test pairs in each language (738 in Nahuatl, 748 in Otomi); 222 to 743 of validation.",
    official="abteen/americasnli, evaluate_xnli.py: accuracy, of pairs of up to 256 tokens.",
    checked="`tests/unit/test_torchmetrics.py`: accuracy is that of torchmetrics. `tests/unit/test_low_resource.py`: "
    "files made in the releases' formats are read, with and without ids and header; whole ones were not at hand.",
    licence="CC BY-SA 4.0, by the card of its copy on the hub",
)
