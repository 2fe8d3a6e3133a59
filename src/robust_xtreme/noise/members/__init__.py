"""One file a perturbation, and one for the attacks that search for the edits of perturbations."""

from __future__ import annotations

from typing import Final

_MOVES: Final = "casing keys letters lookalikes marks misspellings spacing transliteration words"
MEMBERS: Final = {"_attacks": tuple(f"attack_{moves}" for moves in _MOVES.split())}
