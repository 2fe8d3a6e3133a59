"""The real files of MasakhaNER 2.0: as many sentences as its release says, tags of its scheme."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.some import some

from robust_xtreme.core import registry
from robust_xtreme.core.examples import Tags
from robust_xtreme.core.specs import TaskSpec
from robust_xtreme.tasks.sources.source import available, load

pytestmark = pytest.mark.real

MASAKHANER: TaskSpec = registry.load("task", "masakhaner")
SIZES = {
    "ha": (816, 1633), "ig": (1090, 2181), "sw": (942, 1883),
    "wo": (656, 1312), "yo": (983, 1964), "zu": (836, 1670),
}  # fmt: skip


@pytest.mark.parametrize("code", some(SIZES, 2))
def test_sentences_are_as_many_as_the_release_says(data: Path, code: str) -> None:
    """Validation and test have the sizes of the release's table; each word has a tag, and all types occur."""
    if code not in available(MASAKHANER, data, "test"):
        pytest.skip(f"the folder of release files has no MasakhaNER in {code}")
    splits = [load(MASAKHANER, data, code, split) for split in ("validation", "test")]
    assert tuple(len(split.examples) for split in splits) == SIZES[code]
    assert all(split.labelled for split in splits)
    names = [example.target.names for split in splits for example in split.examples if isinstance(example.target, Tags)]
    assert {name for tags in names for name in tags} == set(MASAKHANER.labels)
    texts = [example.texts["tokens"] for split in splits for example in split.examples]
    assert [len(tags) for tags in names] == [len(text.spans) for text in texts]
    assert {text.language for text in texts} == {code}
