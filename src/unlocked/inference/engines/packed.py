"""Ours: the forest packed for one kernel that holds no lock, see ``unlocked.kernels.forest``."""

from functools import partial
from pathlib import Path
from typing import Any

from unlocked.inference.engines.predictor import Predictor


def unsupported(model: Any) -> str | None:
    """What the packed forest refuses, in its own words."""
    from unlocked.kernels.forest import PackedForest

    try:
        PackedForest.from_sklearn(model)
    except (TypeError, ValueError) as refusal:
        return str(refusal)
    return None


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Pack the trees; answers are scikit-learn's to the bit."""
    from unlocked.kernels.forest import PackedForest

    packed = PackedForest.from_sklearn(model)
    has_probabilities = hasattr(model, "predict_proba")
    return Predictor(
        partial(packed.predict, n_threads=threads),
        partial(packed.predict_proba, n_threads=threads) if has_probabilities else None,
    )
