"""Functions whose results the tests of the store keep."""

import os
from pathlib import Path


def count(n: int = 1) -> dict[str, int]:
    """Counts its own calls in the file that COUNT_FILE names."""
    path = Path(os.environ["COUNT_FILE"])
    calls = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(calls))
    return {"n": n, "calls": calls}


def fails() -> dict[str, int]:
    raise RuntimeError("power cut")
