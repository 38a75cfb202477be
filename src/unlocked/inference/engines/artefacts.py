"""What is slow to make is made once: files below ``data/models``, each beside its SHA-256."""

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np

FOLDER = Path(__file__).resolve().parents[4] / "data" / "models"


def made(folder: Path | None, name: str, make: Callable[[Path], object]) -> Path:
    """Return a file of a folder; it is made now where it is not there yet.

    Parameters
    ----------
    folder : Path or None
        None for a temporary one, removed when this process ends.
    name : str
        Name of the file; it says all that the content depends on, versions included.
    make : callable
        Writes the file to the path that it is given. The file appears whole or not at all.

    Raises
    ------
    ValueError
        Where the file is not the one that was made.
    """
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="unlocked-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, seal = folder / name, folder / f"{name}.sha256"
    if not (path.exists() and seal.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as partial:
            new, digest = Path(partial, name), Path(partial, seal.name)
            make(new)
            digest.write_text(sha256(new) + "\n")
            os.replace(digest, seal)
            os.replace(new, path)
    elif seal.read_text().strip() != sha256(path):
        raise ValueError(
            f"{path.name} is not the file that was made: its SHA-256 differs from that in "
            f"{seal.name}. Remove both, and it is made anew"
        )
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(model: Any) -> str:
    """Digest of a fitted model, the same in every process that loads it.

    The trees of scikit-learn are C structures, whose padding holds anything when they are pickled:
    their columns are taken instead.
    """
    trees = [each.tree_ for each in np.ravel(getattr(model, "estimators_", ())) if _is_tree(each)]
    columns = [[getattr(tree, name) for name in COLUMNS] for tree in trees]
    others = {name: value for name, value in vars(model).items() if name != "estimators_"}
    return str(joblib.hash([type(model).__name__, columns, others if trees else model]))


COLUMNS = (
    *("children_left", "children_right", "feature", "threshold", "value"),
    "missing_go_to_left",
)


def _is_tree(estimator: Any) -> bool:
    return hasattr(estimator, "tree_")
