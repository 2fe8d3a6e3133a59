"""Reads a finished run: its manifest, and each frame when it is accessed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import quote

import polars as pl

from robust_xtreme.core.errors import RobustXtremeError, UserError, shown
from robust_xtreme.core.sinks import Trusted, filled, html_text
from robust_xtreme.files.frames import to_pandas
from robust_xtreme.files.manifest import PAGE, frame_of
from robust_xtreme.files.schema import AVERAGES, CELL, DELTAS, FAILED, PREDICTIONS, SCORES, STATS, UNREADABLE
from robust_xtreme.report.view import Results

if TYPE_CHECKING:
    from robust_xtreme.report.charts.figures import Plots


FRAMES: Final = ("scores", "deltas", "averages", "predictions", "stats")
"""The frames of a run that are attributes of it."""


@final
@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished run: its folder, and its manifest."""

    folder: Path
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        try:
            cells = f"{self.scores.select(CELL).n_unique()} cells"
        except (OSError, RobustXtremeError):  # the folder was moved or removed since
            cells = "not there"
        return f"Evaluation({str(self.folder)!r}, {cells})"

    def to_pandas(self, name: str = "deltas") -> Any:
        """A frame of the run as one of pandas: scores, deltas, averages, predictions or stats.

        Raises UserError for another name, and where pandas is not installed.
        """
        if name not in FRAMES:
            raise UserError(f"A run has no frame {shown(name)}. It has: {', '.join(FRAMES)}")
        return to_pandas(getattr(self, name))

    def _repr_html_(self) -> Trusted:
        """The main table of the run, which a notebook shows."""
        from robust_xtreme.report.document import notebook

        try:
            tables = notebook(Results(self.scores, self.deltas, self.manifest, self.averages))
        except (OSError, RobustXtremeError):
            return filled("<p>{}</p>", html_text(repr(self)))
        failed = f"; {len(self.failed)} cells failed: see .failed" if self.failed else ""
        unread = f"; {len(self.unread)} task runs are missing: see .unread" if self.unread else ""
        about = html_text(f"{self!r}{failed}{unread}")
        page = html_text(quote(str(self.folder / PAGE)))
        return filled('{}\n<p>{}. <a href="{}">Its page</a>.</p>', tables, about, page)

    @property
    def failed(self) -> list[dict[str, str]]:
        """The cells that failed: task, language, split, condition, reason."""
        return [cell for cell in self.manifest.get("not_run", ()) if cell["reason"] == FAILED]

    @property
    def unread(self) -> list[dict[str, str]]:
        """The languages of tasks whose files cannot be read: task, language, split, reason, detail."""
        return [cell for cell in self.manifest.get("not_run", ()) if cell["reason"] == UNREADABLE]

    @property
    def plot(self) -> Plots:
        """Charts: `plot.heat()`, `plot.forest(task)`, `plot.curve(task)`."""
        from robust_xtreme.report.charts.figures import Plots

        return Plots(Results(self.scores, self.deltas, self.manifest, self.averages))

    @property
    def scores(self) -> pl.DataFrame:
        """The frame SCORES."""
        return frame_of(self.folder, "scores.csv", SCORES, self.manifest)

    @property
    def deltas(self) -> pl.DataFrame:
        """The frame DELTAS."""
        return frame_of(self.folder, "deltas.csv", DELTAS, self.manifest)

    @property
    def averages(self) -> pl.DataFrame:
        """The frame AVERAGES."""
        return frame_of(self.folder, "averages.csv", AVERAGES, self.manifest)

    @property
    def predictions(self) -> pl.DataFrame:
        """The frame PREDICTIONS."""
        return frame_of(self.folder, "predictions.parquet", PREDICTIONS, self.manifest)

    @property
    def stats(self) -> pl.DataFrame:
        """The frame STATS."""
        return frame_of(self.folder, "stats.parquet", STATS, self.manifest)
