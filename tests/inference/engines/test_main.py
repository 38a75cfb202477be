"""The table for a reader's own model."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler

from unlocked.inference.engines.artefacts import sha256


@pytest.fixture
def stored(fitted, tmp_path):
    path = tmp_path / "mine.joblib"
    joblib.dump(fitted("forest"), path)
    return path


def run(*arguments):
    command = [sys.executable, "-m", "unlocked.inference.engines", *map(str, arguments)]
    wide = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, env=wide)


def test_a_model_that_is_not_ours_gets_its_table(stored, rows, tmp_path):
    np.save(tmp_path / "rows.npy", rows)
    done = run(
        *(stored, "--sha256", sha256(stored), "--data", tmp_path / "rows.npy", "--rows", 20),
        *("--processes", 1, "--rounds", 1, "--engines", "onnxruntime", "river"),
    )
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime" in done.stdout
    assert "equal" in done.stdout
    assert "river: not run: river takes over no fitted model" in done.stdout
    assert "too few samples" in done.stdout


def test_a_wrong_digest_is_refused_before_anything_is_loaded(stored):
    done = run(stored, "--sha256", "0" * 64)
    assert done.returncode
    assert done.stderr.startswith("error: mine.joblib has the SHA-256")


def test_a_missing_digest_is_refused(stored):
    assert "--sha256" in run(stored).stderr


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"a": 1}, "the file holds a dict: a fitted scikit-learn estimator"),
        (RandomForestClassifier(2), "the file holds a RandomForestClassifier: a fitted"),
        (StandardScaler().fit([[0.0], [1.0]]), "the file holds a StandardScaler"),
        (
            RandomForestClassifier(2).fit([[0.0], [1.0]], [[0, 1], [1, 0]]),
            "scikit-learn itself gives nothing to compare with",
        ),
    ],
)
def test_a_file_without_a_model_that_can_be_compared_is_refused(held, words, tmp_path):
    path = tmp_path / "held.joblib"
    joblib.dump(held, path)
    done = run(path, "--sha256", sha256(path), "--engines", "packed", "--rows", 2)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr


def test_a_file_that_joblib_cannot_read_is_refused(tmp_path):
    path = tmp_path / "notes.joblib"
    path.write_text("hello")
    done = run(path, "--sha256", sha256(path))
    assert done.stderr.startswith(f"error: joblib cannot read {path}")


def test_rows_that_are_not_there_are_refused(stored, tmp_path):
    done = run(stored, "--sha256", sha256(stored), "--data", tmp_path / "no.npy")
    assert "there is no such file" in done.stderr
