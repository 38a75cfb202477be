"""MLPerf's scenarios, driven by its own load generator (mlcommons-loadgen).

Reddi et al., "MLPerf inference benchmark", ISCA 2020. SingleStream asks for one row at a time and
reports the 90th percentile of the latency, MultiStream for eight rows and reports the 99th, Offline
for all rows at once, each once, and reports the throughput.
"""

import json
import re
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from unlocked.fresh_process import call_fresh
from unlocked.inference.engines import timed
from unlocked.inference.engines.engine import Recipe
from unlocked.inference.engines.timed import ONE_THREAD, Named
from unlocked.lab.timing import Call

Scenario = Literal["SingleStream", "MultiStream", "Offline"]
SCENARIOS: tuple[Scenario, ...] = ("SingleStream", "MultiStream", "Offline")
LEAST_QUERIES: dict[Scenario, int] = {"SingleStream": 64, "MultiStream": 662, "Offline": 1}
"""Queries from which the scenario's percentile is known at 99 % confidence (MLPerf's rule for
stopping early)."""

ROWS_OF_A_QUERY = 8
"""Of MultiStream."""

RESULTS: dict[Scenario, tuple[str, str]] = {
    "SingleStream": ("result_90.00_percentile_latency_ns", "early_stopping_latency_ss"),
    "MultiStream": ("result_99.00_percentile_per_query_latency_ns", "early_stopping_latency_ms"),
    "Offline": ("result_samples_per_second", "result_samples_per_second"),
}
"""What a scenario measures and what it reports, as the load generator's log names them."""

ROWS = "generated_samples_per_query"
"""The log's name for the rows of one query."""

SPARE = 3
"""Queries that are prepared, over those that a run of its duration is expected to need."""


class Run(BaseModel):
    """One run of a scenario.

    Attributes
    ----------
    scenario : str
    queries : int
    rows : int
        Rows of one query.
    valid : bool
        Whether the load generator found enough queries and time.
    measured : float
        Seconds of the scenario's percentile among the queries; of Offline, rows a second.
    reported : float
        What MLPerf reports: of a percentile a value that it does not exceed at 99 % confidence,
        which with the least number of queries is the longest latency of all.
    """

    scenario: Scenario
    queries: int
    rows: int
    valid: bool
    measured: float
    reported: float


def missing() -> str | None:
    """Say why nothing can run here; None where it can."""
    if find_spec("mlperf_loadgen") is None:
        return "mlcommons-loadgen is not installed: pip install mlcommons-loadgen (Python < 3.14)"
    return None


def runs(
    recipes: dict[str, Recipe], model: Call, rows: Call, scenarios: list[Scenario], seconds: float
) -> dict[str, list[Run]]:
    """Run scenarios on one thread in a fresh process, one engine after the other.

    Parameters
    ----------
    rows : Call
        All rows: queries draw theirs from them.
    seconds : float
        Least duration of a run; Offline lasts as long as all rows take. More time would ask for
        them again in the same order, and a processor that remembers the branches of a walk through
        a tree then predicts them: such a throughput is that of no other rows.

    Raises
    ------
    FreshProcessError
        Where a run fails, or an answer is not scikit-learn's.
    """
    found = call_fresh(
        f"{__name__}:runs_here",
        {
            "recipes": {short: asdict(recipe) for short, recipe in recipes.items()},
            "model": model.model_dump(),
            "rows": rows.model_dump(),
            "scenarios": scenarios,
            "seconds": seconds,
        },
        environment=ONE_THREAD,
    )
    return {short: [Run.model_validate(run) for run in listed] for short, listed in found.items()}


def runs_here(
    recipes: dict[str, Any], model: Named, rows: Named, scenarios: list[Scenario], seconds: float
) -> dict[str, list[dict[str, Any]]]:
    """Check each engine's answer to all rows, then run the scenarios in this process."""
    found = {}
    for short, recipe in recipes.items():
        given = timed.inputs(recipe["converter"], model, rows, recipe["options"])
        timed.check_close(timed.answer(**given), given)
        predict, drawn = given["predict"], given["rows"]
        listed = [_run(predict, drawn, scenario, seconds) for scenario in scenarios]
        found[short] = [run.model_dump() for run in listed]
    return found


def _run(predict: Any, rows: Any, scenario: Scenario, seconds: float) -> Run:
    import mlperf_loadgen as loadgen

    def issue(samples: list[Any]) -> None:
        predict(rows[[sample.index for sample in samples]])
        loadgen.QuerySamplesComplete(
            [loadgen.QuerySampleResponse(sample.id, 0, 0) for sample in samples]
        )

    def nothing(*_: Any) -> None:
        pass

    settings = _settings(loadgen, predict, rows, scenario, seconds)
    system = loadgen.ConstructSUT(issue, nothing)
    library = loadgen.ConstructQSL(len(rows), len(rows), nothing, nothing)
    with tempfile.TemporaryDirectory() as folder:
        log = loadgen.LogSettings()
        log.log_output.outdir = folder
        loadgen.StartTestWithLogSettings(system, library, settings, log, "")
        text = Path(folder, "mlperf_log_detail.txt").read_text(encoding="utf-8")
    loadgen.DestroyQSL(library)
    loadgen.DestroySUT(system)
    return read(text, scenario)


def _settings(loadgen: Any, predict: Any, rows: Any, scenario: Scenario, seconds: float) -> Any:
    """Least counts and duration; how much is prepared for them follows from a few predictions."""
    settings = loadgen.TestSettings()
    settings.scenario = getattr(loadgen.TestScenario, scenario)
    settings.mode = loadgen.TestMode.PerformanceOnly
    all_at_once = scenario == "Offline"
    settings.min_query_count = len(rows) if all_at_once else LEAST_QUERIES[scenario]
    settings.min_duration_ms = 0 if all_at_once else round(1000 * seconds)
    settings.multi_stream_samples_per_query = ROWS_OF_A_QUERY
    settings.single_stream_expected_latency_ns = _nanoseconds(predict, rows[:1])
    settings.multi_stream_expected_latency_ns = _nanoseconds(predict, rows[:ROWS_OF_A_QUERY])
    return settings


def _nanoseconds(predict: Any, rows: Any) -> int:
    """What a query is said to take: less than it does, so that enough queries are prepared."""
    from unlocked.lab.timing import time_here

    return max(1, round(1e9 / SPARE * float(np.median(time_here(lambda: predict(rows))))))


def read(log: str, scenario: Scenario) -> Run:
    """Read the load generator's detailed log.

    Raises
    ------
    ValueError
        Where it lacks what the scenario reports.
    """
    entries = [json.loads(line) for line in re.findall(r"^:::MLLOG (\{.*\})$", log, re.MULTILINE)]
    found = {entry["key"]: entry["value"] for entry in entries}
    needed = (*RESULTS[scenario], "result_validity", "result_query_count", ROWS)
    absent = [key for key in needed if key not in found]
    if absent:
        raise ValueError(f"the log of {scenario} lacks {', '.join(absent)}")
    unit = 1.0 if scenario == "Offline" else 1e-9
    measured, reported = (unit * found[key] for key in RESULTS[scenario])
    return Run(
        scenario=scenario,
        queries=int(found["result_query_count"]),
        rows=int(found[ROWS]),
        valid=found["result_validity"] == "VALID",
        measured=measured,
        reported=reported,
    )
