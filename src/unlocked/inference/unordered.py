"""A parallel prediction as our source wrote it, whose answers may come in any order.

Its two mistakes stand here in our words, for a chapter that shows them and the tests that prove
them. Use :mod:`unlocked.inference.predict`.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from unlocked.inference.models import FloatArray
from unlocked.inference.predict import Answers


async def as_the_set_has_them(model: Any, rows: FloatArray, n_jobs: int) -> Answers:
    """Predict pieces on threads and collect what ``asyncio.wait`` calls done: a set.

    Raises
    ------
    ValueError
        Where there are fewer rows than jobs: the batches would have no rows.
    """
    from sklearn.utils import gen_batches

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(n_jobs) as pool:
        running = [
            loop.run_in_executor(pool, model.predict, rows[batch])
            for batch in gen_batches(len(rows), len(rows) // n_jobs)
        ]
        done, _ = await asyncio.wait(running)
    return np.concatenate([future.result() for future in done])


def stacked(answers: Sequence[Answers]) -> Answers:
    """Join the pieces' labels as rows of a matrix.

    Raises
    ------
    ValueError
        Where the pieces have unequal lengths, as a remainder gives them.
    """
    return np.vstack(answers).ravel()
