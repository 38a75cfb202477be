"""A model is trained once, stored beside its digest, and loaded only where the two agree."""

import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest

from unlocked import show
from unlocked.inference import models
from unlocked.inference.models import UntrustedModelError


class Armed:
    """What a pickle may hold: loading it calls a function of its author's choice."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def armed(tmp_path):
    """A joblib file that makes a folder when it is loaded, and that folder."""
    path, mark = tmp_path / "theirs.joblib", tmp_path / "ran"
    joblib.dump(Armed(mark), path)
    return path, mark


class TestTraining:
    @pytest.mark.parametrize("name", models.PARAMETERS)
    def test_every_model_by_its_short_name_predicts_the_classes_that_it_was_trained_on(self, name):
        rows, classes = models.draw(200, seed=3)
        model = models.untrained(name, seed=3).fit(rows, classes)
        answer = model.predict(rows)
        assert answer.dtype == np.int64
        assert (answer == classes).mean() > 0.7

    def test_the_source_loads_its_forest_with_one_job(self):
        assert models.untrained("forest").n_jobs == 1

    def test_an_unknown_name_is_refused_with_the_known_ones(self):
        with pytest.raises(ValueError, match=r"no model 'gbm': choose one of forest, svc"):
            models.untrained("gbm")

    @pytest.mark.parametrize(("rows", "features"), [(0, 10), (5, 3)])
    def test_a_problem_too_small_to_draw_is_refused(self, rows, features):
        with pytest.raises(ValueError, match="at least 1 row of at least 4 features"):
            models.draw(rows, features)

    @pytest.mark.parametrize("rows", [1, 2, 7])
    def test_a_few_rows_can_be_drawn(self, rows):
        drawn, classes = models.draw(rows, 5)
        assert drawn.shape == (rows, 5)
        assert classes.shape == (rows,)

    def test_rows_come_from_the_seed(self):
        np.testing.assert_array_equal(models.draw(50, seed=4)[0], models.draw(50, seed=4)[0])
        assert (models.draw(50, seed=4)[0] != models.draw(50, seed=5)[0]).all()


class TestStoring:
    def test_it_is_trained_once_and_loads_as_it_was(self, tmp_path):
        path = models.stored("bayes", seed=2, folder=tmp_path)
        written = path.stat().st_mtime_ns
        assert models.stored("bayes", seed=2, folder=tmp_path) == path
        assert path.stat().st_mtime_ns == written
        rows, classes = models.draw(models.TRAINING_ROWS, seed=2)
        trained = models.untrained("bayes").fit(rows, classes)
        np.testing.assert_array_equal(models.load(path).predict(rows), trained.predict(rows))

    def test_what_makes_another_model_makes_another_path(self, tmp_path):
        paths = {
            models.path_of(name, features, seed, tmp_path)
            for name in models.PARAMETERS
            for features in (10, 20)
            for seed in (1, 2)
        }
        assert len(paths) == 4 * len(models.PARAMETERS)

    def test_builders_at_the_same_time_leave_one_whole_model(self, tmp_path):
        with ThreadPoolExecutor(4) as pool:
            paths = set(pool.map(lambda _: models.stored("bayes", folder=tmp_path), range(4)))
        (path,) = paths
        assert models.load(path).classes_.tolist() == [0, 1]
        assert [entry.name for entry in tmp_path.iterdir()] == [path.parent.name]
        assert sorted(entry.name for entry in path.parent.iterdir()) == [
            "model.joblib",
            "model.joblib.sha256",
        ]

    def test_a_builder_that_fails_leaves_nothing(self, tmp_path, monkeypatch):
        def full(*_):
            raise OSError("no space left on device")

        monkeypatch.setattr(joblib, "dump", full)
        with pytest.raises(OSError, match="no space left"):
            models.stored("bayes", folder=tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_inputs_are_each_callers_own(self, monkeypatch, tmp_path):
        monkeypatch.setattr(models, "MODELS", tmp_path)
        one, other = (models.inputs("bayes", rows=30) for _ in range(2))
        np.testing.assert_array_equal(one["rows"], other["rows"])
        assert not np.shares_memory(one["rows"], other["rows"])
        assert one["model"] is not other["model"]

    def test_large_batches_repeat_what_was_drawn_and_equal_pieces_differ(
        self, monkeypatch, tmp_path
    ):
        monkeypatch.setattr(models, "MODELS", tmp_path)
        rows = models.inputs("bayes", rows=2 * models.DRAWN_ROWS + 18)["rows"]
        np.testing.assert_array_equal(
            rows[: models.DRAWN_ROWS], models.draw(models.DRAWN_ROWS, seed=2)[0]
        )
        np.testing.assert_array_equal(rows[models.DRAWN_ROWS :][:20], rows[:20])
        first, second = np.split(rows, 2)
        assert (first != second).any()

    def test_very_many_rows_are_shared(self, monkeypatch, tmp_path):
        monkeypatch.setattr(models, "MODELS", tmp_path)
        monkeypatch.setattr(models, "SHARED_FROM", 30 * 10 * 8)
        one, other = (models.inputs("bayes", rows=30) for _ in range(2))
        assert np.shares_memory(one["rows"], other["rows"])


class TestLoading:
    def test_a_readers_own_file_loads_by_path_and_digest(self, tmp_path):
        path = tmp_path / "mine.joblib"
        joblib.dump(models.untrained("bayes").fit(*models.draw(40)), path, compress=3)
        digest = models.note_digest(path)
        assert models.load(str(path), sha256=digest.upper()).classes_.tolist() == [0, 1]
        assert models.load(path).classes_.tolist() == [0, 1]

    def test_the_digest_file_is_the_one_that_sha256sum_reads(self, tmp_path):
        path = tmp_path / "mine.joblib"
        path.write_bytes(pickle.dumps(1))
        models.note_digest(path)
        assert models.digest_path(path).read_text().endswith("  mine.joblib\n")

    def test_without_a_digest_nothing_is_unpickled(self, armed):
        path, mark = armed
        with pytest.raises(UntrustedModelError, match=r"without a digest.*a pickle runs code"):
            models.load(path)
        assert not mark.exists()

    def test_with_another_digest_nothing_is_unpickled(self, armed):
        path, mark = armed
        with pytest.raises(UntrustedModelError, match=r"expected was 0{64}.*a pickle runs code"):
            models.load(path, sha256="0" * 64)
        assert not mark.exists()
        models.load(path, sha256=models.note_digest(path))
        assert mark.exists()

    def test_a_changed_byte_is_noticed_and_the_remedy_named(self, tmp_path):
        path = models.stored("bayes", features=12, seed=3, folder=tmp_path)
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        command = "python -m unlocked.inference.models bayes --features 12 --seed 3"
        with pytest.raises(UntrustedModelError, match=command):
            models.load(path)
        assert models.rebuilt("bayes", 12, 3, tmp_path) == path
        models.load(path)

    @pytest.mark.parametrize("beside", ["", "no digest\n"])
    def test_a_damaged_digest_file_is_named(self, armed, beside):
        path, mark = armed
        models.digest_path(path).write_text(beside)
        with pytest.raises(UntrustedModelError, match=r"theirs\.joblib\.sha256 holds no SHA-256"):
            models.load(path)
        assert not mark.exists()

    def test_a_text_that_is_no_digest_is_refused(self, armed):
        with pytest.raises(ValueError, match=r"sha256='abc': a SHA-256 has 64 hexadecimal digits"):
            models.load(armed[0], sha256="abc")

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no model .*nowhere\.joblib"):
            models.load(tmp_path / "nowhere.joblib")


def test_the_command_refuses_an_unknown_model():
    command = [sys.executable, "-m", "unlocked.inference.models", "gbm"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2
    assert "invalid choice: 'gbm'" in run.stderr


def test_every_model_has_a_name_in_words():
    assert show.NAMES.keys() == models.PARAMETERS.keys()
