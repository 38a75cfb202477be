"""Exams and timings together: what the table of chapter 11 and its figures show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from unlocked.inference.engines.engine import ENGINES
from unlocked.inference.engines.exam import Exam
from unlocked.inference.engines.table import Case, pays_after, rows_in_words
from unlocked.lab.intervals import Interval
from unlocked.lab.timing import Comparison
from unlocked.show import seconds, times

REFERENCE = "sklearn"
NOT_LIBRARIES = ("packed", "sklearn-unchecked")
"""Ours, and a way to call scikit-learn: neither is a library that one would choose."""


@dataclass(frozen=True)
class Results:
    """Everything known about engines and models.

    Attributes
    ----------
    exams : dict of str to dict of str to Exam
        ``[engine][model]``, engines by short name.
    timed : Comparison
        Of what passed, with candidates named by ``Case.label``.
    """

    exams: dict[str, dict[str, Exam]]
    timed: Comparison

    def engines(self, model: str, rows: int) -> list[str]:
        """Engines that were timed with this model and batch size."""
        return [
            short
            for short in self.exams
            if Case(model=model, engine=short, rows=rows).label in self.timed.names
        ]

    def seconds(self, model: str, engine: str, rows: int) -> float:
        """Median seconds of a call."""
        return self.timed.median(Case(model=model, engine=engine, rows=rows).label)

    def speedup(self, model: str, engine: str, rows: int, over: str = REFERENCE) -> Interval:
        """Time of the engine `over` divided by the time of `engine`."""
        name, base = (Case(model=model, engine=e, rows=rows).label for e in (engine, over))
        return self.timed.speedup(name, over=base)

    def fastest(self, model: str, rows: int, among: Iterable[str] | None = None) -> str | None:
        """Short name of the engine with the least median; None where none was timed."""
        known = self.engines(model, rows)
        chosen = [short for short in known if among is None or short in set(among)]
        return min(chosen, key=lambda short: self.seconds(model, short, rows), default=None)

    def pays_after(self, model: str, engine: str, rows: int) -> str:
        """Calls after which the conversion has paid for itself, in words: see ``table``."""
        conversion = self.exams[engine][model].conversion or 0.0
        before, after = (self.seconds(model, each, rows) for each in (REFERENCE, engine))
        return pays_after(conversion, before, after, self.speedup(model, engine, rows))

    def leads_for_one_row(self, engine: str) -> list[tuple[str, str, Interval]]:
        """An engine's lead over the fastest of the other libraries, at one row, by model.

        Returns
        -------
        list of (str, str, Interval)
            The model, the fastest of the others, and its time divided by the engine's; of the
            models with which the engine was timed.
        """
        found = []
        for model, exam in self.exams[engine].items():
            others = [e for e in self.engines(model, 1) if e not in (engine, *NOT_LIBRARIES)]
            best = self.fastest(model, 1, others)
            if exam.passed and best and engine in self.engines(model, 1):
                found.append((model, best, self.speedup(model, engine, 1, over=best)))
        return found

    def frame(self, model: str, batches: Sequence[int]) -> pd.DataFrame:
        """The table of one model: engine, answers, conversion, and per batch size time,
        speed-up and break-even."""
        rows = []
        for short, exams in self.exams.items():
            exam = exams.get(model)
            if exam is None:
                continue
            row = {
                "engine": ENGINES[short].name,
                "answers": exam.words,
                "conversion": "–" if exam.conversion is None else seconds(exam.conversion),
            }
            for batch in batches:
                row |= self._cells(model, short, batch)
            rows.append(row)
        return pd.DataFrame(rows)

    def _cells(self, model: str, engine: str, batch: int) -> dict[str, str]:
        names = [rows_in_words(batch), f"speed-up at {batch:,}", f"pays after, at {batch:,}"]
        if engine not in self.engines(model, batch):
            return dict.fromkeys(names, "–")
        values = [seconds(self.seconds(model, engine, batch)), "–", "–"]
        if engine != REFERENCE:
            values[1] = times(self.speedup(model, engine, batch))
            values[2] = self.pays_after(model, engine, batch)
        return dict(zip(names, values, strict=True))
