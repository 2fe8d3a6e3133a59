"""Which parts of an earlier run are kept where a function without name and version gave their answers.

Nobody can tell whether such a function is what it was: its weights, settings and modules can have changed. The parts of
a finished run are computed again. Those of a stopped run are kept where the function gives the same answers again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from robust_xtreme.core.columns import written
from robust_xtreme.core.errors import OTHERWISE, Mismatch, counted
from robust_xtreme.core.randomness import draws, salt, text_keys
from robust_xtreme.files.manifest import unversioned_tasks
from robust_xtreme.models.predictors.predictor import Work, nowhere, predictor_of
from robust_xtreme.run.folder import Folder, widened
from robust_xtreme.run.plan import Plan
from robust_xtreme.run.prepare import prepare
from robust_xtreme.run.task_run import TaskRun

_NOTE: Final = (
    "{task}: the run was stopped, and the parts that it had are kept ({task_runs}): {function}, which has no version, "
    "was asked again for {inputs}, twice, and gave the same answers."
)
"""The note of the manifest on the parts of a stopped run that are kept."""

_MOST_ASKED: Final = 100
"""The inputs of a task run that are asked again."""


def check_function_parts(
    folder: Folder, plan: Plan, manifest: Mapping[str, Any], fresh: Mapping[str, Any]
) -> tuple[Plan, dict[str, Any]]:
    """Drop the parts that functions without a version might not give again, and record which parts are kept.

    Args:
        folder: The folder of the run, which is locked.
        plan: The plan of this call.
        manifest: The manifest in the folder.
        fresh: The manifest of a new run of the plan.

    Returns:
        The plan, in which a function has the name that its kept parts give it, and the manifest.

    Raises:
        Mismatch: A function answers one input in two ways.
    """
    if not (unversioned := unversioned_tasks(fresh)):
        return plan, dict(manifest)
    models, stored_models = ({model["task"]: model for model in side["models"]} for side in (fresh, manifest))
    digests = dict(manifest.get("parts", {}))
    notes = [note for note in manifest["notes"] if not is_kept_note(note, plan.task_runs)]
    for task in (task for task in plan.tasks if task.name in unversioned):
        task_runs = [run for run in plan.task_runs if run.task.name == task.name]
        done = [run for run in task_runs if folder.holds(run, digests) and not folder.damaged(run, digests)]
        name, part_count = task_runs[0].model.name.rpartition("@")[0], counted(len(done), "task run")
        asked = {  # nothing of a finished run; of a search no vectors are stored
            run.label: count_same_answers(folder, plan, run)
            for run in done
            if not manifest["complete"] and task.pool is None
        }
        if asked and all(asked.values()) and stored_models[task.name]["model"].startswith(f"{name}@"):
            models[task.name] = stored_models[task.name]
            inputs = ", ".join(f"{count} inputs of {label}" for label, count in asked.items())
            notes.append(_NOTE.format(task=task.name, task_runs=part_count, function=name, inputs=inputs))
            continue
        if done:
            folder.tell(
                f"warning: {task.name}: {name} has no version and "
                f"{'gives other answers now' if asked else 'may have changed since'}: "
                f"{part_count} will be computed again."
            )
        names = {path.name for run in task_runs for path in folder.parts(run)}
        digests = {part: sha256 for part, sha256 in digests.items() if part not in names}
    checked = widened({**manifest, "notes": notes, "parts": digests}, {**fresh, "models": [*models.values()]})
    folder.write_manifest(checked)
    identified_runs = [
        replace(run, model=replace(run.model, identity=str(models[run.task.name]["identity"])))
        for run in plan.task_runs
    ]
    return replace(plan, task_runs=tuple(identified_runs)), checked


def is_kept_note(note: str, task_runs: Sequence[TaskRun]) -> bool:
    """Whether a note is, to its last character, one that `check_function_parts` writes for these task runs."""
    labels = "|".join(re.escape(run.label) for run in task_runs)
    inputs = rf"[\d,]+ inputs? of (?:{labels})"
    counts = {"\0": r"[\d,]+ task runs?", "\1": f"{inputs}(?:, {inputs})*"}
    for run in task_runs:
        function = run.model.origin.called
        pattern = re.escape(_NOTE.format(task=run.task.name, task_runs="\0", function=function, inputs="\1"))
        for mark, count in counts.items():
            pattern = pattern.replace(mark, count)
        if re.fullmatch(pattern, note):
            return True
    return False


def count_same_answers(folder: Folder, plan: Plan, task_run: TaskRun) -> int:
    """Ask a function for some of the answers of a task run that is done.

    Returns:
        The number of distinct inputs that it was asked; 0 where its answers are not the stored ones.

    Raises:
        Mismatch: It answers one of them in two ways, so that no answers of two calls belong together.
        ModelError: It fails.
    """
    attacks = {condition.name for condition in task_run.conditions if condition.asks}  # these would ask it more often
    conditions = tuple(each for each in task_run.conditions if attacks.isdisjoint((each.name, each.matches)))
    predictor: Any = predictor_of(task_run.model, task_run.task, nowhere)
    predictor = predictor.moved(lambda: SimpleNamespace(call=lambda function: function()))
    prepared = prepare(replace(task_run, conditions=conditions), plan.splits.of(task_run), predictor)
    keys = text_keys(salt("asked again"), [task_run.label])  # drawn, as evenly spaced inputs can be all of one kind
    numbers = np.sort(np.argsort(draws(keys, np.arange(len(prepared.inputs))))[:_MOST_ASKED])
    inputs = prepared.inputs.take(numbers)
    first, second = (written(predictor.answer(inputs, Work(0)).targets) for _ in range(2))
    if differing := sum(one != other for one, other in zip(first, second, strict=True)):
        raise Mismatch(
            f"{task_run.model.origin.called} answers {differing} of {counted(len(first), 'input')} of {task_run.label} "
            f"in two ways when it is asked twice, so that the stopped run cannot be continued. {OTHERWISE}"
        )
    answers = dict(zip(numbers.tolist(), first, strict=True))
    columns = ("condition", "noise_seed", "example", "prediction")
    stored = {row[:3]: row[3] for row in folder.read(task_run).predictions.select(columns).iter_rows()}
    is_same = all(
        answers[number] == stored.get((variant.condition.name, variant.seed, example.id))
        for variant in prepared.variants
        for example, number in zip(prepared.examples, variant.inputs.tolist(), strict=True)
        if number in answers
    )
    return len(answers) if is_same else 0
