"""Predictors, a file each; encoders share one."""

from typing import Final

MEMBERS: Final = {"encoder_head": ("encoder_head", "retrieval")}
