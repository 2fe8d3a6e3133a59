"""Which job a worker gets next: in the order of the jobs, or of its group and some ahead of time."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from robust_xtreme.workers.messages import WorkerJob


@final
@dataclass(slots=True)  # jobs are taken from it
class FirstCome:
    """Jobs in their order, each taken when a worker is free for it; a payload is a function that makes the content.

    Where it is `split`, jobs for this process are done in it and no others. `is_last`: it has all jobs that there are;
    `ahead` are the jobs that a worker has at most.
    """

    waiting: Iterator[WorkerJob]
    split: bool
    todo: dict[int, WorkerJob] = field(default_factory=dict)
    is_last: bool = False
    ahead: int = 1

    def __len__(self) -> int:
        return len(self.todo)

    def take(self, _: str, __: Collection[str], here: bool) -> WorkerJob | None:
        """The first job that the worker can compute; None where there is none now."""
        able = self._able(here)
        if not able and not self.is_last:
            job = next(self.waiting, None)
            self.is_last = job is None
            if job:
                self.todo[job.number] = job
            able = self._able(here)
        return self.todo.pop(min(able)) if able else None

    def _able(self, here: bool) -> list[int]:
        return [number for number, job in self.todo.items() if job.here == here or not self.split]

    def content(self, job: WorkerJob) -> Any:
        """What the payload makes now."""
        return job.payload()

    def put_back(self, jobs: Sequence[WorkerJob]) -> None:
        """Jobs that are to be done again."""
        self.todo.update({job.number: job for job in jobs})

    def stop(self, number: int) -> None:
        """Let go of the jobs from a number on, also of those that are not taken yet."""
        self.todo = {other: job for other, job in self.todo.items() if other < number}
        self.is_last = True

    def too_often(self, job: WorkerJob, times: int) -> str:
        """The rest of a sentence about a process that ended with a job so many times."""
        return f", {times} times while it computed {job.label}"


@final
@dataclass(slots=True)  # jobs are taken from it
class GroupQueue:
    """Jobs by group, of a group in order: a worker gets one of its group, else of the largest that no other has."""

    groups: dict[str, deque[WorkerJob]] = field(default_factory=dict)
    ahead: int = 3  # a worker scores one, answers one and prepares one
    is_last: bool = True

    @classmethod
    def of(cls, jobs: Iterable[WorkerJob]) -> GroupQueue:
        """A queue of all these jobs."""
        queue = cls()
        for job in jobs:
            queue.groups.setdefault(job.group, deque()).append(job)
        return queue

    def __len__(self) -> int:
        return sum(map(len, self.groups.values()))

    def take(self, last: str, others: Collection[str], _: bool = False) -> WorkerJob | None:
        """The next job of a worker whose last group was `last` while others work on theirs; None where none is left."""
        waiting = [group for group, jobs in self.groups.items() if jobs]
        if not waiting:
            return None
        free = [group for group in waiting if group not in others]
        sizes = {group: sum(job.size for job in self.groups[group]) for group in free or waiting}
        chosen = last if last in waiting else max(sizes, key=sizes.__getitem__)
        return self.groups[chosen].popleft()

    def content(self, job: WorkerJob) -> Any:
        """The payload."""
        return job.payload

    def put_back(self, jobs: Sequence[WorkerJob]) -> None:
        """Jobs that are to be done again, before the others of their groups."""
        for job in reversed(jobs):
            self.groups.setdefault(job.group, deque()).appendleft(job)

    def stop(self, _: int) -> None:
        """Let go of all jobs."""
        self.groups.clear()

    def too_often(self, job: WorkerJob, times: int) -> str:
        """The rest of a sentence about a process that ended with a job so many times."""
        return f": {job.label} was begun {times} times"


JobQueue = FirstCome | GroupQueue
"""The jobs that no worker has, and which of them a worker gets next."""


def forecast(jobs: Sequence[WorkerJob], slots: int) -> list[list[WorkerJob]]:
    """What each of some equal slots would do if the sizes of jobs were the times that they take."""
    queue, scheduled = GroupQueue.of(jobs), [list[WorkerJob]() for _ in range(slots)]
    free = [(0.0, slot) for slot in range(slots)]
    while len(queue):
        now, slot = heapq.heappop(free)
        groups = [of_slot[-1].group if of_slot else "" for of_slot in scheduled]
        job = queue.take(groups[slot], groups[:slot] + groups[slot + 1 :])
        if job is not None:
            scheduled[slot].append(job)
            heapq.heappush(free, (now + job.size, slot))
    return scheduled
