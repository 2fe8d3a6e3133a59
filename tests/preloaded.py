"""What the server of forks.py imports at its beginning: all commands, and what they import when they run."""

from __future__ import annotations

from functools import cache as cached

import typer.main
from tests import failing, tiny

from robust_xtreme.cli import _app, _next, _page, _terminal
from robust_xtreme.exchange.perturbing import files
from robust_xtreme.gating import outputs, pull_request
from robust_xtreme.noise.members import _letters
from robust_xtreme.report.views import _by_cell
from robust_xtreme.run import run
from robust_xtreme.studies import run as studies
from robust_xtreme.tasks import intermediate, members
from robust_xtreme.training import stage

__all__ = ["failing", "files", "intermediate", "members", "outputs", "pull_request", "run", "stage", "studies", "tiny"]
__all__ += ["_by_cell", "_letters", "_next", "_page", "_terminal"]

for _module, _name in ((_app, "build"), (typer.main, "get_command")):
    setattr(_module, _name, cached(getattr(_module, _name)))
_app.build()
