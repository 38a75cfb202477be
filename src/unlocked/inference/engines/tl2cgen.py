"""tl2cgen: the trees as C code, compiled into a shared library."""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from unlocked.inference.engines import treelite as gtil
from unlocked.inference.engines.artefacts import made
from unlocked.inference.engines.predictor import Predictor, Rows

NODES_A_UNIT = 1_000
"""Nodes of one C file. The compiler's time grows faster than the file."""


def unsupported(model: Any) -> str | None:
    """What treelite does not import, or the compiler where none is to be found."""
    if _compiler() is None:
        return "no C compiler is here, neither gcc nor clang: install one"
    return gtil.unsupported(model)


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Write C code in many small files, compile it on all cores with ``-O3``, and load it.

    A library serves one calling thread at a time. Rows are brought to float64, the type of the
    thresholds, and copied into a matrix of its own in every call.

    tl2cgen has a treelite of its own built in, which may be older than the one that imports the
    model; it reports that, and every parallel compilation, on the terminal. Nothing of it is
    shown: what counts is the answers, and those are compared.
    """
    import tl2cgen
    import treelite

    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    name = f"tl2cgen-{tl2cgen.__version__}-treelite-{treelite.__version__}-{NODES_A_UNIT}{suffix}"

    def make(path: Path) -> None:
        imported = treelite.sklearn.import_model(model)
        units = max(1, _nodes(model) // NODES_A_UNIT)
        with _silence():
            tl2cgen.export_lib(
                imported,
                toolchain=_compiler() or "gcc",
                libpath=path,
                params={"parallel_comp": units},
                nthread=joblib.cpu_count(),
            )

    library = tl2cgen.Predictor(made(folder, name, make), nthread=threads)
    dtype = library.threshold_type

    def run(rows: Rows) -> NDArray[Any]:
        matrix = tl2cgen.DMatrix(np.asarray(rows, dtype=dtype))
        answer: NDArray[Any] = library.predict(matrix)
        return answer

    return gtil.from_scores(model, run)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep off the terminal what the library says in Python, and what it writes to stderr itself.

    The second has no callback: the descriptor is replaced. Errors are exceptions, and pass.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with tempfile.TemporaryFile() as sink, redirect_stdout(io.StringIO()):
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _compiler() -> str | None:
    return next((name for name in ("gcc", "clang") if shutil.which(name)), None)


def _nodes(model: Any) -> int:
    if hasattr(model, "estimators_"):
        return sum(tree.tree_.node_count for tree in model.estimators_)
    return sum(len(tree.nodes) for trees in model._predictors for tree in trees)
