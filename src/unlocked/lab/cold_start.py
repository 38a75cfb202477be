"""The cold start: from a new interpreter to the first answer.

``python -m unlocked.lab.cold_start`` is the new interpreter: it reads one request from standard
input and prints how long importing and the first call took.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median
from typing import Any

from pydantic import BaseModel

from unlocked.lab.lifetime import die_with_parent
from unlocked.lab.timing import Call, MeasurementError
from unlocked.lab.worker import resolve


class ColdStart(BaseModel):
    """Seconds, one value a fresh process: imports, first call, second call."""

    imports: list[float]
    first_call: list[float]
    second_call: list[float]

    def total(self) -> float:
        """Median over processes of imports and first call together."""
        return median(a + b for a, b in zip(self.imports, self.first_call, strict=True))


def cold_starts(
    targets: dict[str, str], inputs: Call, uncached: list[str], processes: int = 5
) -> dict[str, ColdStart]:
    """Start a fresh process for every target, in turns, several times.

    Parameters
    ----------
    targets : dict of str to str
        ``module:function`` by name.
    inputs : Call
        Builds the keyword arguments; outside what is timed.
    uncached : list of str
        Names whose process gets an empty folder as Numba's cache.
    processes : int
        Fresh processes for each name.

    Raises
    ------
    MeasurementError
        Where a process fails.
    """
    found = {name: ColdStart(imports=[], first_call=[], second_call=[]) for name in targets}
    for name in [name for name in targets if name not in uncached]:
        _fresh_process(targets[name], inputs, os.environ)  # so that the cache is warm
    for _ in range(processes):
        for name, target in targets.items():
            with tempfile.TemporaryDirectory() as empty:
                cache = {"NUMBA_CACHE_DIR": empty} if name in uncached else {}
                seconds = _fresh_process(target, inputs, {**os.environ, **cache})
            found[name].imports.append(seconds["imports"])
            found[name].first_call.append(seconds["first_call"])
            found[name].second_call.append(seconds["second_call"])
    return found


def _fresh_process(target: str, inputs: Call, environment: Any) -> dict[str, float]:
    finished = subprocess.run(
        [sys.executable, "-m", "unlocked.lab.cold_start"],
        input=json.dumps({"target": target, "inputs": inputs.model_dump()}),
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if finished.returncode:
        raise MeasurementError(f"{target}: {finished.stderr.strip().splitlines()[-1]}")
    return json.loads(finished.stdout.splitlines()[-1])


def main() -> None:
    request = json.loads(sys.stdin.read())
    inputs = resolve(request["inputs"]["target"])(**request["inputs"]["arguments"])
    start = time.perf_counter()
    function = resolve(request["target"])
    imported = time.perf_counter()
    function(**inputs)
    first = time.perf_counter()
    function(**inputs)
    second = time.perf_counter()
    print(
        json.dumps(
            {
                "imports": imported - start,
                "first_call": first - imported,
                "second_call": second - first,
            }
        )
    )


if __name__ == "__main__":
    die_with_parent()
    main()
