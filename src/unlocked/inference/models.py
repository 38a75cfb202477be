"""The models of the chapters on inference, and how to load a model that may be trusted.

A pickle is a program for the unpickler, and a joblib file is a pickle: whoever loads it runs what
its author wrote. So a model is loaded only where its SHA-256 is the one that was noted when it was
made. A digest says that a file is the same, not that it is good: it must come from where the model
was made, by another way than the file itself.

``python -m unlocked.inference.models NAME`` trains and writes one of the models anew.
"""

import argparse
import hashlib
import io
import json
import re
import shutil
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

MODELS = Path(__file__).resolve().parents[3] / "data" / "models"
FEATURES = 10
TRAINING_ROWS = 2_000
DRAWN_ROWS = 99_991
"""Rows drawn at most; larger batches repeat them. A prime number, so that equal pieces differ."""

SHARED_FROM = 2**26
"""Bytes from which candidates share their rows: no cache holds so many, and copies fill memory."""

PARAMETERS: dict[str, dict[str, Any]] = {
    "forest": {"n_estimators": 100, "n_jobs": 1},
    "svc": {},
    "logistic": {"max_iter": 1_000},
    "bayes": {},
    "boosting": {"max_iter": 100, "early_stopping": False},
}
"""The estimators by short name: the source's four, with its settings, and gradient boosting."""


class UntrustedModelError(ValueError):
    """A model's digest is missing or another one; the model was not loaded."""


def untrained(name: str, seed: int = 1) -> Any:
    """Return the scikit-learn classifier of this name, its parameters set.

    Raises
    ------
    ValueError
        For a name that is none of ``PARAMETERS``.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.svm import LinearSVC

    classes = {
        "forest": RandomForestClassifier,
        "svc": LinearSVC,
        "logistic": LogisticRegression,
        "bayes": GaussianNB,
        "boosting": HistGradientBoostingClassifier,
    }
    if name not in classes:
        raise ValueError(f"no model {name!r}: choose one of {', '.join(classes)}")
    chance = {} if name == "bayes" else {"random_state": seed}
    return classes[name](**PARAMETERS[name], **chance)


def draw(rows: int, features: int = FEATURES, seed: int = 1) -> tuple[FloatArray, Labels]:
    """Draw a classification problem with scikit-learn's `make_classification`, as the source does.

    Parameters
    ----------
    rows : int
        Number of rows, at least 1.
    features : int
        Columns, at least 4: two of them tell the classes apart, two are mixtures of these.

    Returns
    -------
    ndarray of float64, shape (rows, features)
    ndarray of int64, shape (rows,)
        The classes, 0 and 1.

    Raises
    ------
    ValueError
        For fewer rows or columns.
    """
    if rows < 1 or features < 4:
        raise ValueError(f"{rows=}, {features=}: draw at least 1 row of at least 4 features")
    from sklearn.datasets import make_classification

    least = max(rows, 4)  # one for each of its clusters
    drawn, classes = make_classification(least, n_features=features, random_state=seed)
    return drawn[:rows], classes[:rows].astype(np.int64)


def stored(name: str, features: int = FEATURES, seed: int = 1, folder: Path | None = None) -> Path:
    """Return the path of a model, which is trained and written where there is none yet.

    Several processes may ask at a time: each gets the same whole file.

    Parameters
    ----------
    folder : Path, optional
        ``data/models`` by default.
    """
    path = path_of(name, features, seed, folder)
    if not path.exists():
        _build(path, name, features, seed)
    return path


def rebuilt(name: str, features: int = FEATURES, seed: int = 1, folder: Path | None = None) -> Path:
    """Train and write a model anew, whatever is there."""
    path = path_of(name, features, seed, folder)
    shutil.rmtree(path.parent, ignore_errors=True)
    _build(path, name, features, seed)
    return path


def path_of(name: str, features: int, seed: int, folder: Path | None = None) -> Path:
    """Where a model belongs: its folder is named after all that it is made of."""
    made_of = {
        "model": repr(untrained(name, seed)),
        "rows": TRAINING_ROWS,
        "versions": {package: version(package) for package in ("scikit-learn", "numpy")},
    }
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:8]
    return (folder or MODELS) / f"{name}-features{features}-seed{seed}-{key}" / "model.joblib"


def _build(path: Path, name: str, features: int, seed: int) -> None:
    """Write a model and its digest into a folder of their own, then rename it into place.

    The folder appears whole, with both files, or not at all; of several builders the first wins.
    """
    model = untrained(name, seed).fit(*draw(TRAINING_ROWS, features, seed))
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=path.parent.parent))
    try:
        joblib.dump(model, making / path.name)
        note_digest(making / path.name)
        making.rename(path.parent)
    except OSError:
        if not path.exists():
            raise
    finally:
        shutil.rmtree(making, ignore_errors=True)


def digest_path(path: Path) -> Path:
    """The file beside a model that holds its digest."""
    return path.with_name(path.name + ".sha256")


def note_digest(path: Path) -> str:
    """Write the SHA-256 of a file beside it, as `sha256sum` does, and return it.

    For a model that was made here: a digest that is taken later vouches for nothing.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    digest_path(path).write_text(f"{found}  {path.name}\n", encoding="utf-8")
    return found


def load(path: Path | str, sha256: str | None = None) -> Any:
    """Load a model that joblib wrote, where its digest is the one that is expected.

    Parameters
    ----------
    path : Path or str
        Any joblib file, a reader's own too.
    sha256 : str, optional
        Its SHA-256 in hexadecimal digits; by default the one noted beside it, see
        :func:`note_digest`.

    Raises
    ------
    FileNotFoundError
        Where there is no model.
    ValueError
        Where `sha256` is no such digest.
    UntrustedModelError
        Where the digest is missing or another one. Nothing was unpickled then.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model {path}. {_remedy(path)}")
    expected = _checked(sha256) if sha256 is not None else _noted(path)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UntrustedModelError(
            f"{path.name} has the SHA-256 {found}, expected was {expected}: it is not the file "
            f"that was vouched for. {REASON} {_remedy(path)}"
        )
    return joblib.load(io.BytesIO(content))


REASON = "It was not loaded, because a pickle runs code when it is loaded."


def _checked(sha256: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise ValueError(f"sha256={sha256!r}: a SHA-256 has 64 hexadecimal digits")
    return sha256.lower()


def _noted(path: Path) -> str:
    beside = digest_path(path)
    try:
        noted = beside.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise UntrustedModelError(
            f"{path.name} comes without a digest: none was given, and there is no {beside.name} "
            f"beside it. {REASON} {_remedy(path)}"
        ) from None
    if not noted or not re.fullmatch(r"[0-9a-f]{64}", noted[0]):
        raise UntrustedModelError(
            f"{beside.name} holds no SHA-256 of 64 hexadecimal digits. {REASON} {_remedy(path)}"
        )
    return noted[0]


def _remedy(path: Path) -> str:
    """What to do about a model that cannot be loaded."""
    ours = re.fullmatch(r"(\w+)-features(\d+)-seed(\d+)-\w{8}", path.parent.name)
    if ours is None:
        return (
            "Ask where it was made for the file's SHA-256 and give it as sha256=…, or train it anew"
        )
    name, features, seed = ours.groups()
    return (
        f"Build it anew: python -m unlocked.inference.models {name} --features {features} "
        f"--seed {seed}"
    )


def get(name: str, features: int = FEATURES, seed: int = 1) -> Any:
    """Load one of the models, trained at the first call."""
    return load(stored(name, features, seed))


def inputs(name: str, rows: int, features: int = FEATURES, seed: int = 1) -> dict[str, Any]:
    """Return a fitted ``model`` and ``rows`` (float64, shape (rows, features)) to predict.

    Each call gives a model and rows of its own, but for very many rows, see ``SHARED_FROM``.
    """
    drawn = _rows(rows, features, seed)
    shared = drawn.nbytes >= SHARED_FROM
    return {"model": get(name, features, seed), "rows": drawn if shared else drawn.copy()}


@cache
def _rows(rows: int, features: int, seed: int) -> FloatArray:
    """Rows of a problem that the model has not seen, as in the source."""
    drawn, _ = draw(min(rows, DRAWN_ROWS), features, seed + 1)
    return np.resize(drawn, (rows, features))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a model of the chapters on inference anew.")
    parser.add_argument("name", choices=sorted(PARAMETERS))
    parser.add_argument("--features", type=int, default=FEATURES, help="columns, at least 4")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    path = rebuilt(chosen.name, chosen.features, chosen.seed)
    print(f"{path.parent.name}/{path.name}: SHA-256 {digest_path(path).read_text().split()[0]}")


if __name__ == "__main__":
    main()
