"""Makes `__init__.pyi`, the types of what the package exports, from the signatures that its functions show.

Editors complete and check calls by it; Python itself reads the same signatures from the functions.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from textwrap import indent
from typing import Any, Final

HEAD: Final = '''\
"""Types of what the package exports. Made by `make generated`: change the keys of the specs instead."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from robust_xtreme.api import Asked as Asked
from robust_xtreme.api import Folders as Folders
from robust_xtreme.api import Item as Item
from robust_xtreme.api import Model as Model
from robust_xtreme.api import Run as Run
from robust_xtreme.api import Side as Side
from robust_xtreme.core.run_spec import RunSpec as RunSpec
from robust_xtreme.gating.baselines import Baseline as Baseline
from robust_xtreme.gating.comparing import Comparison as Comparison
from robust_xtreme.gating.document import Gate as Gate
from robust_xtreme.gating.policy import Policy as Policy
from robust_xtreme.report.evaluation import Evaluation as Evaluation
from robust_xtreme.run.run import Observer as Observer
from robust_xtreme.studies.folder import Outcome as Outcome
from robust_xtreme.training.loop import Options as Options
from robust_xtreme.training.spec import TrainSpec as TrainSpec

__all__ = {names}
__version__: str
'''


def text() -> str:
    """The content of `__init__.pyi`."""
    import robust_xtreme
    from robust_xtreme import api
    from robust_xtreme.exchange.importing.reading import from_frame
    from robust_xtreme.studies.run import study

    names = "[\n" + "".join(f'    "{name}",\n' for name in sorted(robust_xtreme.__all__)) + "]"
    made = [
        _stub(function)
        for function in (
            api.compare,
            api.evaluate,
            from_frame,
            api.gate,
            api.load,
            api.perturb,
            study,
            api.train,
        )
    ]
    return "\n".join([HEAD.format(names=names), *made])


def _stub(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    lines: list[str] = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and "*" not in lines:
            lines.append("*")
        default = "" if parameter.default is inspect.Parameter.empty else f" = {_literal(parameter.default)}"
        lines.append(f"{name}: {parameter.annotation}{default}")
    help = indent(f'"""{inspect.getdoc(function)}\n"""', "    ")
    body = "".join(f"    {line},\n" for line in lines)
    return f"def {function.__name__}(\n{body}) -> {signature.return_annotation}:\n{help}\n"


def _literal(value: Any) -> str:
    """A default as the formatter writes it."""
    return repr(value).replace("'", '"')
