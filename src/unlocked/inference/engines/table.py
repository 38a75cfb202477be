"""The table: estimator × engine × batch size, timed in one comparison."""

from math import ceil

from pydantic import BaseModel, ConfigDict

from unlocked.inference.engines import stream
from unlocked.inference.engines.engine import Recipe
from unlocked.inference.engines.timed import ONE_THREAD
from unlocked.lab.environment import compare_under
from unlocked.lab.intervals import Interval
from unlocked.lab.timing import Call, Candidate, Comparison, call, candidate

STREAM = "unlocked.inference.engines.stream"
TIMED = "unlocked.inference.engines.timed"
KEPT_PAGES = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**32)}
"""Have glibc's malloc keep what is freed, for the next call, instead of giving it back."""


class Case(BaseModel):
    """One cell of the table.

    Attributes
    ----------
    model : str
        Name of the estimator.
    engine : str
        Short name of the engine.
    rows : int
        Batch size.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    engine: str
    rows: int

    @property
    def label(self) -> str:
        """Name of the candidate in a comparison."""
        return f"{self.model} | {self.engine} | {self.rows}"


def times(
    cases: list[Case],
    recipes: dict[str, Recipe],
    models: dict[str, Call],
    rows: dict[str, Call],
    processes: int,
    rounds: int,
    beside: dict[str, Candidate] | None = None,
    environment: dict[str, str] | None = None,
) -> Comparison:
    """Time all cases in turns, each on one thread and with a conversion and rows of its own.

    Small batches differ from call to call: see ``stream``.

    Parameters
    ----------
    cases : list of Case
        The first is the baseline that runs twice; ratios may be taken over any other.
    recipes : dict of str to Recipe
        By short name of the engine.
    models : dict of str to Call
        By name, calls that give fitted estimators.
    rows : dict of str to Call
        By name of the model, calls that give rows; they take their number as ``count`` and are
        asked for as many as the largest case has.
    beside : dict of str to Candidate or None
        Others to be timed in the same turns, with inputs and checks of their own.
    environment : dict of str to str or None
        Variables for the processes, beside those that hold them to one thread.
    """
    most = max(case.rows for case in cases)
    return compare_under(
        ONE_THREAD | (environment or {}),
        {case.label: _candidate(case, recipes, models, rows, most) for case in cases}
        | (beside or {}),
        call(f"{STREAM}:inputs"),  # each candidate has inputs of its own
        reference=None,  # and a check that knows what scikit-learn answers
        baseline=cases[0].label,
        processes=processes,
        rounds=rounds,
    )


def _candidate(
    case: Case,
    recipes: dict[str, Recipe],
    models: dict[str, Call],
    rows: dict[str, Call],
    most: int,
) -> Candidate:
    recipe = recipes[case.engine]
    target, arguments = rows[case.model].target, rows[case.model].arguments
    count = max(case.rows, min(stream.ROWS, most))
    of_model = Call(target=target, arguments={**arguments, "count": count})
    return candidate(
        f"{STREAM}:answer",
        check=f"{TIMED}:{'check_exact' if recipe.exact else 'check_close'}",
        inputs=call(
            f"{STREAM}:inputs",
            converter=recipe.converter,
            model=models[case.model].model_dump(),
            rows=of_model.model_dump(),
            batch=case.rows,
            options=dict(recipe.options),
        ),
    )


def break_even(conversion: float, before: float, after: float) -> int | None:
    """Calls after which a conversion has paid for itself; None where it never does.

    Parameters
    ----------
    conversion : float
        Seconds of the conversion.
    before, after : float
        Seconds of one call, without the engine and with it.
    """
    if after >= before:
        return None
    return max(1, ceil(conversion / (before - after)))


def pays_after(conversion: float, before: float, after: float, speedup: Interval) -> str:
    """Calls after which a conversion has paid for itself, in words.

    Parameters
    ----------
    conversion, before, after : float
        As for :func:`break_even`.
    speedup : Interval
        Of the calls. ``never`` where the whole of it is below 1, ``not surely`` where it holds 1.
    """
    if speedup.high < 1:
        return "never"
    calls = break_even(conversion, before, after)
    if speedup.low <= 1 or calls is None:
        return "not surely"
    return f"{calls:,} {'call' if calls == 1 else 'calls'}"


def rows_in_words(count: int) -> str:
    """``1 row``, ``3,000 rows``."""
    return f"{count:,} {'row' if count == 1 else 'rows'}"
