import json

import pytest

from unlocked.inference.engines import mlperf
from unlocked.inference.engines.engine import ENGINES
from unlocked.lab.timing import call


def log(**entries):
    lines = [
        ":::MLLOG " + json.dumps({"key": key, "value": value}) for key, value in entries.items()
    ]
    return "\n".join(["an unrelated line", *lines])


def test_the_log_of_a_scenario_is_read():
    text = log(
        **{"result_90.00_percentile_latency_ns": 2_000_000},
        early_stopping_latency_ss=3_000_000,
        result_validity="VALID",
        result_query_count=64,
        generated_samples_per_query=1,
    )
    found = mlperf.read(text, "SingleStream")
    assert (found.queries, found.rows, found.valid) == (64, 1, True)
    assert found.measured == pytest.approx(0.002)
    assert found.reported == pytest.approx(0.003)


def test_a_log_without_its_result_is_refused_by_name():
    with pytest.raises(ValueError, match="lacks result_samples_per_second"):
        mlperf.read(log(result_validity="VALID", result_query_count=1), "Offline")


@pytest.mark.skipif(mlperf.missing() is not None, reason=str(mlperf.missing()))
def test_every_scenario_runs_with_at_least_as_many_queries_as_its_percentile_needs():
    source = "unlocked.inference.engines.source_forest"
    forest = {"trees": 3, "depth": 3, "rows": 100, "features": 5, "seed": 1}
    found = mlperf.runs(
        {"sklearn-unchecked": ENGINES["sklearn-unchecked"].recipe},
        call(f"{source}:model", **forest),
        call(f"{source}:first_rows", count=100, **forest),
        list(mlperf.SCENARIOS),
        seconds=0.01,
    )["sklearn-unchecked"]
    assert [run.scenario for run in found] == list(mlperf.SCENARIOS)
    for run in found:
        assert run.queries >= mlperf.LEAST_QUERIES[run.scenario]
        assert run.reported > 0
        if run.scenario != "Offline":
            assert run.reported >= run.measured
    assert [run.rows for run in found] == [1, 8, 100]  # Offline asks for each row once


def test_where_the_load_generator_is_missing_the_reason_is_given(monkeypatch):
    monkeypatch.setattr(mlperf, "find_spec", lambda name: None)
    assert "not installed: pip install mlcommons-loadgen" in mlperf.missing()
