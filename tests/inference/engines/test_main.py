"""The table for a reader's own model."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest

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
