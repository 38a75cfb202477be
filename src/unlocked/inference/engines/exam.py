"""Conversion and equality, each in a fresh process: what an engine must pass before it is timed."""

import importlib
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from unlocked.fresh_process import call_fresh
from unlocked.inference.engines import timed
from unlocked.inference.engines.engine import Recipe
from unlocked.inference.engines.equality import Agreement
from unlocked.inference.engines.timed import ONE_THREAD, Named
from unlocked.lab.lifetime import take_descendants_along
from unlocked.lab.timing import Call

TOO_LONG = 300.0
"""Seconds that a conversion may take."""


LONGEST = 90
"""Characters of a library's error that a table shows."""


class Exam(BaseModel):
    """What became of one model with one engine.

    Attributes
    ----------
    reason : str or None
        Why the engine does not run the model; None where it does.
    conversion : float or None
        Seconds, imports left out: from the fitted model to what predicts.
    agreement : Agreement or None
        How its answers compare with scikit-learn's.
    """

    reason: str | None = None
    conversion: float | None = None
    agreement: Agreement | None = None

    @property
    def passed(self) -> bool:
        """Whether it may be timed."""
        return self.agreement is not None and self.agreement.equal

    @property
    def words(self) -> str:
        """The outcome, for a table."""
        if self.agreement is None:
            return f"not run: {self.reason}"
        found = self.agreement
        if not found.equal:
            largest = "" if found.difference is None else f", by up to {found.difference:.1g}"
            return (
                f"not equal in {max(found.beyond, found.wrong):,} of {found.rows:,} rows{largest}"
            )
        if found.difference is None:
            return "labels equal"
        return "equal" if found.difference == 0 else f"equal to {found.difference:.1g}"


def exams(
    recipes: dict[str, Recipe],
    models: dict[str, Call],
    rows: dict[str, Call],
    limit: float = TOO_LONG,
) -> dict[str, dict[str, Exam]]:
    """Convert models with engines that are installed, and compare their answers.

    Parameters
    ----------
    recipes : dict of str to Recipe
        By short name of the engine; those of one library, which is imported once.
    models : dict of str to Call
        By name, calls that give fitted estimators.
    rows : dict of str to Call
        By name of the model, calls that give the rows to compare on.
    limit : float
        Seconds that one conversion may take.

    Returns
    -------
    dict of str to dict of str to Exam
        ``[engine][model]``. All run in one fresh process, on one thread but for a compiler.
    """
    found = call_fresh(
        f"{__name__}:exams_here",
        {
            "recipes": {short: asdict(recipe) for short, recipe in recipes.items()},
            "cases": {
                name: [named.model_dump(), rows[name].model_dump()]
                for name, named in models.items()
            },
            "limit": limit,
        },
        environment=ONE_THREAD,
    )
    return {
        short: {name: Exam.model_validate_json(exam) for name, exam in listed.items()}
        for short, listed in found.items()
    }


def exams_here(
    recipes: dict[str, Any], cases: dict[str, tuple[Named, Named]], limit: float
) -> dict[str, dict[str, str]]:
    """Do in this process what :func:`exams` asks for; each exam is JSON."""
    take_descendants_along()  # a compiler, where its time is up
    found = {}
    for short, literal in recipes.items():
        recipe = Recipe(**literal)
        for package in recipe.packages:
            importlib.import_module(package)
        found[short] = {
            name: _exam(recipe, model, rows, limit).model_dump_json()
            for name, (model, rows) in cases.items()
        }
    return found


def _exam(recipe: Recipe, named: Named, rows: Named, limit: float) -> Exam:
    model = timed.made(named)
    if reason := recipe.unsupported(model):
        return Exam(reason=reason)
    folder = timed.folder_of(named)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as fresh:
        start = time.perf_counter()
        try:
            with at_most(limit):
                predictor = recipe.convert(model, 1, Path(fresh))
        except TimeoutError:
            return Exam(reason="conversion took too long")
        except Exception as error:  # the library's own fault, and a row of the table
            return Exam(reason=f"conversion failed: {shortened(error)}")
        seconds = time.perf_counter() - start
        _keep(Path(fresh), folder)
    data = timed.made(rows)
    try:
        expected = timed.expected_of(named, rows)
        agreement = expected.agreement(predictor.answer(data), predictor.predict(data))
    except Exception as error:
        return Exam(reason=f"prediction failed: {shortened(error)}")
    return Exam(conversion=seconds, agreement=agreement)


def shortened(error: Exception) -> str:
    """Type of an error and its most telling line: some libraries print a whole model."""
    lines = [line.strip() for line in str(error).splitlines() if len(line.split()) > 3]
    words = f"{type(error).__name__}: {lines[-1] if lines else error}"
    return words if len(words) <= LONGEST else words[:LONGEST].rstrip() + " …"


def _keep(fresh: Path, folder: Path) -> None:
    """Move what a conversion left to where later ones look for it."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in fresh.iterdir():
        shutil.move(path, folder / path.name)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the main thread when the block takes longer."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"it took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
