"""``python -m unlocked.inference.engines MODEL.joblib --sha256 DIGEST``: the table for your model.

The model is converted by every engine that is installed and supports it, its answers are compared
with scikit-learn's, and what passes is timed on one thread, in turns, in fresh processes.
"""

import argparse
import sys
from pathlib import Path
from pickle import UnpicklingError

from rich.console import Console
from rich.table import Table

from unlocked import show
from unlocked.fresh_process import FreshProcessError
from unlocked.inference.engines import exam, table
from unlocked.inference.engines.engine import ENGINES, Engine
from unlocked.inference.engines.exam import Exam
from unlocked.inference.engines.table import Case, pays_after
from unlocked.lab.timing import Call, Comparison, MeasurementError, call

MODEL = "model"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m unlocked.inference.engines",
        description="Every engine's answers, conversion and speed, for a model of yours.",
    )
    parser.add_argument("model", type=Path, help="a fitted scikit-learn estimator, from joblib")
    parser.add_argument(
        "--sha256", required=True, help="its digest, from where it was made: a pickle runs code"
    )
    parser.add_argument("--rows", type=int, default=1000, help="rows of the large batch")
    parser.add_argument(
        "--data", type=Path, help="your rows, a .npy file; standard normal ones by default"
    )
    parser.add_argument("--engines", nargs="+", choices=list(ENGINES), default=list(ENGINES))
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    for name in ("rows", "processes", "rounds"):
        if getattr(given, name) < 1:
            parser.error(f"--{name} {getattr(given, name)}: at least 1 is needed")
    return given


def main() -> None:
    given = arguments()
    try:
        run(given)
    except (OSError, ValueError, FreshProcessError, MeasurementError) as error:
        sys.exit(f"error: {error}")


def run(given: argparse.Namespace) -> None:
    """Examine, time and print."""
    from unlocked.inference.models import load

    path = str(given.model.resolve())
    try:
        features = _features(load(path, given.sha256))
    except (EOFError, UnpicklingError, ImportError, AttributeError, KeyError) as error:
        raise ValueError(f"joblib cannot read {path}: {exam.shortened(error)}") from error
    model = call("unlocked.inference.models:load", path=path, sha256=given.sha256)
    rows = _rows(given, features)
    at_most = Call(target=rows.target, arguments={**rows.arguments, "count": given.rows})
    exams = {
        short: _examined(ENGINES[short], model, at_most)
        for short in dict.fromkeys(["sklearn", *given.engines])
    }
    if not exams["sklearn"].passed:
        raise ValueError(
            f"scikit-learn itself gives nothing to compare with: {exams['sklearn'].words}"
        )
    batches = sorted({1, given.rows})
    passed = [short for short, found in exams.items() if found.passed]
    cases = [Case(model=MODEL, engine=short, rows=n) for n in batches for short in passed]
    recipes = {short: ENGINES[short].recipe for short in passed}
    timed = table.times(
        cases, recipes, {MODEL: model}, {MODEL: rows}, given.processes, given.rounds
    )
    Console().print(printed(exams, timed, batches))
    for short, found in exams.items():
        if not found.passed:
            print(f"{ENGINES[short].name}: {found.words}")
    if timed.cause:
        print(f"Judge nothing from this run: {timed.cause}.")
    if given.data is None:
        print("The rows are standard normal; give your own with --data FILE.npy.")


def _features(model: object) -> int:
    if not (hasattr(model, "predict") and hasattr(model, "n_features_in_")):
        raise ValueError(
            f"the file holds a {type(model).__name__}: a fitted scikit-learn estimator that "
            "predicts rows of numbers is needed"
        )
    return int(model.n_features_in_)


def _examined(engine: Engine, model: Call, rows: Call) -> Exam:
    if reason := engine.missing():
        return Exam(reason=reason)
    return exam.exams({MODEL: engine.recipe}, {MODEL: model}, {MODEL: rows})[MODEL][MODEL]


def _rows(given: argparse.Namespace, features: int) -> Call:
    if given.data is not None:
        if not given.data.is_file():
            raise ValueError(f"--data {given.data}: there is no such file")
        return call("unlocked.inference.engines.timed:rows_from", path=str(given.data.resolve()))
    return call("unlocked.inference.engines.timed:normal_rows", features=features, seed=1)


def printed(exams: dict[str, Exam], timed: Comparison, batches: list[int]) -> Table:
    """The table of what was timed, for a terminal."""
    drawn = Table("engine", "answers", "conversion", "rows", "time", "speed-up", "pays after")
    for short, found in exams.items():
        for batch in batches if found.passed else []:
            drawn.add_row(
                ENGINES[short].name,
                found.words,
                show.seconds(found.conversion or 0.0),
                f"{batch:,}",
                *_cells(short, found, timed, batch),
            )
    return drawn


def _cells(short: str, found: Exam, timed: Comparison, batch: int) -> list[str]:
    cases = (Case(model=MODEL, engine=name, rows=batch) for name in ("sklearn", short))
    before, after = (case.label for case in cases)
    seconds = timed.median(after)
    if short == "sklearn":
        return [show.seconds(seconds), "", ""]
    speedup = timed.speedup(after, over=before)
    pays = pays_after(found.conversion or 0.0, timed.median(before), seconds, speedup)
    return [show.seconds(seconds), show.times(speedup), pays]


if __name__ == "__main__":
    main()
