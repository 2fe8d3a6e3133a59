"""A few steps of training on a handful of examples, with the plan, loader and module of `train`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from tests.tiny import tiny_encoder

from robust_xtreme.examples import Example
from robust_xtreme.families._batch import collate
from robust_xtreme.families._family import Family, Scores
from robust_xtreme.training.data import Loader, Plan
from robust_xtreme.training.module import Schedule, TrainingModule
from robust_xtreme.training.objective import target_objective

_PAD = 1


def learned(
    family: Family, examples: Sequence[Example], tokenizer: Any, steps: int, batch_size: int = 8
) -> list[Scores]:
    """What a tiny encoder and a head say of the examples' windows once they have learned from them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = family.head(32, ())
        encoder = tiny_encoder(len(tokenizer), hidden_size=32)
        objective = target_objective(family, head, family.encode(examples, tokenizer, 64, 0), examples, ())
        plan = Plan(objective.lengths, batch_size, 0, steps)
        module = TrainingModule(encoder, objective, Schedule(3e-3, steps, steps // 10, 0.0)).eval()
        optimizer = module.configure_optimizers()
        for step, batch in enumerate(Loader(objective, plan, _PAD, 0)):
            optimizer.param_groups[0]["lr"] = optimizer.param_groups[1]["lr"] = module.schedule.at(step)
            optimizer.zero_grad()
            torch.autograd.backward(module.training_step(batch, step))
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimizer.step()
    ids, mask = collate(objective.windows, _PAD)
    with torch.inference_mode():
        hidden = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return list(family.forward(head, hidden, mask, objective.windows).numpy())
