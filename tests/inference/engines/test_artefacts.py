import pytest

from unlocked.inference.engines.artefacts import digest, made


def test_what_is_there_is_not_made_again(tmp_path):
    made_at = []

    def make(path):
        made_at.append(path)
        path.write_text("slow")

    first, second = (made(tmp_path / "new", "name", make) for _ in range(2))
    assert first == second
    assert first.read_text() == "slow"
    assert len(made_at) == 1
    assert sorted(path.name for path in first.parent.iterdir()) == ["name", "name.sha256"]


def test_an_altered_file_is_refused(tmp_path):
    path = made(tmp_path, "name", lambda path: path.write_text("ours"))
    path.write_text("theirs")
    with pytest.raises(ValueError, match=r"name is not the file that was made.*Remove both"):
        made(tmp_path, "name", lambda path: path.write_text("ours"))


def test_a_failure_leaves_nothing(tmp_path):
    def fail(path):
        path.write_text("half")
        raise RuntimeError("out of ideas")

    with pytest.raises(RuntimeError, match="out of ideas"):
        made(tmp_path, "name", fail)
    assert not list(tmp_path.iterdir())


def test_without_a_folder_a_temporary_one_serves():
    assert made(None, "name", lambda path: path.write_text("x")).read_text() == "x"


def test_a_digest_is_that_of_the_content(fitted, tmp_path):
    import joblib

    model = fitted("forest")
    joblib.dump(model, tmp_path / "model.joblib")
    assert digest(joblib.load(tmp_path / "model.joblib")) == digest(model)
    assert digest(fitted("extra trees")) != digest(model)
    assert digest(fitted("forest", 3)) != digest(model)
