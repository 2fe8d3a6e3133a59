"""Claims of two versions of a report, compared."""

from __future__ import annotations

from tools.claims import page, rows

_HEAD = "task,split,language,context_language,condition,metric,scope,drop,p_adjusted"
_CELL = "xnli,test,{0},{0},char_noise:0.1@fields=premise,accuracy,all"


def test_claims_that_appeared_and_went_are_counted_and_listed() -> None:
    """A cell that was at its floor and is tested now, one whose drop is no longer shown, one that was never tested."""
    old = [_HEAD + ",at_floor,inert"] + [
        f"{_CELL.format(language)},{rest}"
        for language, rest in (("sw", "9.0,,true,false"), ("de", "4.0,0.01,false,false"), ("zh", "0.0,,false,true"))
    ]
    new = [_HEAD + ",marks,inert"] + [
        f"{_CELL.format(language)},{rest}"
        for language, rest in (("sw", "9.0,0.001,no room,false"), ("de", "1.0,0.4,,false"), ("zh", "0.0,,,true"))
    ]
    text = page("mini", "abc", *(rows("\n".join(lines).encode()) for lines in (old, new)))
    assert "| not tested | drop | 1 |" in text
    assert "| drop | no change shown | 1 |" in text
    condition = "char_noise:0.1@fields=premise"
    assert f"| xnli | sw | {condition} | not tested, -9.0 (at floor) | drop, -9.0 (no room) |" in text
    assert "| zh |" not in text
