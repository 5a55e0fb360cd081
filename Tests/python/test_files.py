"""Files: which one is meant, and what errors say of it."""

import errno
import io

import mars
import mars.tensor as mt
import numpy as np
import pytest


def test_a_missing_file(tmp_path):
    path = tmp_path / "missing.npy"
    with pytest.raises(FileNotFoundError) as caught:
        mt.load(path)
    assert caught.value.errno == errno.ENOENT and caught.value.filename == str(path)
    assert str(caught.value).count(str(path)) == 1


def test_a_file_that_goes_away(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    t = mt.load(tmp_path / "x.npy")
    (tmp_path / "x.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"operator load_npy, created at .*test_files.py") as caught:
        t.execute()
    assert caught.value.filename == str(tmp_path / "x.npy")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError):
        mt.load(tmp_path / "folder.npy")


def test_saving_names_the_file_that_was_asked_for(tmp_path):
    path = tmp_path / "nowhere" / "x.npy"
    with pytest.raises(FileNotFoundError, match="cannot save") as caught:
        mt.save(path, mt.ones(3))
    assert caught.value.filename == str(path) and ".part" not in str(caught.value)


def test_spill_dir_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="spill_dir"):
        mars.Session(spill_dir=tmp_path / "file" / "below")


def test_a_path_means_the_folder_of_the_call(tmp_path, monkeypatch):
    for folder, value in (("a", 1), ("b", 2)):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "x.npy", np.full(2, value))
    monkeypatch.chdir(tmp_path / "a")
    t = mt.load("x.npy")
    saving = mt._files.apply(mt._files.op("save_npy"), (mt.arange(3),), ("y.npy",))
    monkeypatch.chdir(tmp_path / "b")
    assert t.fetch().tolist() == [1, 1]
    saving.execute()
    assert (tmp_path / "a" / "y.npy").exists() and not (tmp_path / "b" / "y.npy").exists()


def test_functions_of_numpy_that_write_values(tmp_path):
    t = mt.arange(4.0) + 1
    memory = io.BytesIO()
    np.save(memory, t)
    memory.seek(0)
    assert np.load(memory).tolist() == [1, 2, 3, 4]
    np.savez(tmp_path / "z.npz", t, b=t * 2)
    with np.load(tmp_path / "z.npz") as z:
        assert z["arr_0"].tolist() == [1, 2, 3, 4] and z["b"].tolist() == [2, 4, 6, 8]
    np.savetxt(tmp_path / "t.txt", t)
    assert np.loadtxt(tmp_path / "t.txt").tolist() == [1, 2, 3, 4]
    assert np.array2string(t) == "[1. 2. 3. 4.]" and np.array_str(t) == "[1. 2. 3. 4.]"
    assert np.array_repr(t) == "array([1., 2., 3., 4.])"
