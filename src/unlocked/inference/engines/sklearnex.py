"""scikit-learn-intelex: scikit-learn's estimators over oneDAL's kernels."""

from pathlib import Path
from typing import Any

import threadpoolctl

from unlocked.inference.engines.predictor import Function, Predictor, Rows

TAKEN_OVER = ("LogisticRegression", "LinearRegression", "Ridge")
"""Estimators whose state after fitting is the same, so that a fitted one can be taken over."""


def unsupported(model: Any) -> str | None:
    """Say which estimators would have to be fitted anew: that would be another model."""
    if type(model).__name__ in TAKEN_OVER:
        return None
    return (
        f"it takes over no fitted {type(model).__name__}: one has to be fitted with it, "
        "which gives another model"
    )


def convert(model: Any, threads: int = 1, folder: Path | None = None) -> Predictor:
    """Give the fitted state to oneDAL's estimator of the same name."""
    import sklearnex.linear_model

    twin = getattr(sklearnex.linear_model, type(model).__name__)(**model.get_params())
    twin.__dict__.update(vars(model))
    has_probabilities = hasattr(twin, "predict_proba")
    return Predictor(
        _limited(twin.predict, threads),
        _limited(twin.predict_proba, threads) if has_probabilities else None,
    )


def _limited(function: Function, threads: int) -> Function:
    def predict(rows: Rows) -> Any:
        with threadpoolctl.threadpool_limits(threads):
            return function(rows)

    return predict
