"""Predictors, a file each; encoders share one."""

from __future__ import annotations

from typing import Final

MEMBERS: Final = {"encoder_head": ("encoder_head", "retrieval")}
