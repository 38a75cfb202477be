"""Engines and models for the tests, importable by a measuring process."""

import time

import numpy as np
from sklearn.linear_model import LogisticRegression

from unlocked.inference.engines.artefacts import made
from unlocked.inference.engines.predictor import Predictor


def model(slope: float = 1.0):
    random = np.random.default_rng(1)
    rows = random.standard_normal((50, 3)).astype(np.float32)
    return LogisticRegression(C=slope).fit(rows, rows[:, 0] > 0)


def rows(count: int = 20):
    return np.random.default_rng(2).standard_normal((count, 3)).astype(np.float32)


def unsupported(model, **options):
    return "no reason but this one" if options.get("refuse") else None


def convert(model, threads=1, folder=None, refuse=False, how="rightly"):
    if how == "failing":
        raise RuntimeError("the first line\nthis line has more than three words\nend")
    if how == "slowly":
        time.sleep(5)
    off = {"rightly": 0.0, "wrongly": 1e-3, "nearly": 1e-8}.get(how, 0.0)
    if how == "predicting badly":
        return Predictor(model.predict, lambda given: 1 / 0)
    if folder is not None:
        made(folder, "artefact", lambda path: path.write_text(how))
    return Predictor(model.predict, lambda given: model.predict_proba(given) + off)
