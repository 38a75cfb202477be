"""Ours: the forest packed for one kernel that holds no lock, see ``unlocked.kernels.forest``."""

from functools import partial
from pathlib import Path
from typing import Any

from unlocked.inference.engines.predictor import Predictor


def unsupported(model: Any, instructions: str | None = None) -> str | None:
    """What the packed forest refuses, in its own words."""
    from unlocked.kernels.forest import PackedForest

    try:
        PackedForest.from_sklearn(model, instructions)
    except (TypeError, ValueError) as refusal:
        return str(refusal)
    return None


def convert(
    model: Any, threads: int = 1, folder: Path | None = None, instructions: str | None = None
) -> Predictor:
    """Pack the trees; answers are scikit-learn's to the bit.

    Parameters
    ----------
    instructions : str, optional
        One of ``forest.AVAILABLE``; the widest by default.
    """
    from unlocked.kernels.forest import PackedForest

    packed = PackedForest.from_sklearn(model, instructions)
    predict: Any = partial(packed.predict, n_threads=threads)
    predict_proba: Any = partial(packed.predict_proba, n_threads=threads)
    return Predictor(predict, predict_proba if hasattr(model, "predict_proba") else None)
