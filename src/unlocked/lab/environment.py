"""Time candidates in processes that find other environment variables."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlocked.lab.timing import Call, Candidate, Comparison, compare


def compare_under(
    environment: dict[str, str],
    candidates: dict[str, Candidate],
    inputs: Call,
    reference: str | None,
    baseline: str,
    **protocol: Any,
) -> Comparison:
    """Run :func:`unlocked.lab.timing.compare` in processes that find these variables set."""
    with variables_set(environment):
        return compare(candidates, inputs, reference, baseline, **protocol)


@contextmanager
def variables_set(environment: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that start meanwhile."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
