"""Small fitted models of every kind, and rows for them."""

import numpy as np
import pytest
from sklearn import ensemble
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

FEATURES = 6
SEED = {"random_state": 3}
KINDS = {
    "forest": ensemble.RandomForestClassifier(7, max_depth=4, **SEED),
    "extra trees": ensemble.ExtraTreesClassifier(5, max_depth=4, **SEED),
    "forest regressor": ensemble.RandomForestRegressor(7, max_depth=4, **SEED),
    "boosting": ensemble.HistGradientBoostingClassifier(max_iter=5, **SEED),
    "logistic": LogisticRegression(),
    "bayes": GaussianNB(),
    "svc": LinearSVC(**SEED),
}


def problem(classes: int = 2):
    """Rows, float32, and their labels."""
    random = np.random.default_rng(5)
    rows = random.standard_normal((300, FEATURES)).astype(np.float32)
    score = rows[:, 0] * rows[:, 1] + rows[:, 2]
    return rows, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


@pytest.fixture(scope="session")
def fitted():
    """Fit a kind of model to some classes, once."""
    kept = {}

    def fit(kind: str, classes: int = 2):
        if (kind, classes) not in kept:
            from sklearn.base import clone

            kept[kind, classes] = clone(KINDS[kind]).fit(*problem(classes))
        return kept[kind, classes]

    return fit


@pytest.fixture(scope="session")
def rows():
    """Rows that no model was fitted to."""
    return np.random.default_rng(6).standard_normal((200, FEATURES)).astype(np.float32)
