"""Files: which one is meant, and what errors say of it."""

import errno
import io
import os
import socket
import stat
import subprocess
import sys

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


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask():
    """Sets the umask, and puts back the one that was."""
    before = os.umask(0o027)
    yield os.umask
    os.umask(before)


def test_saved_files_have_the_permissions_that_others_have(tmp_path, umask):
    mt.save(tmp_path / "a.npy", mt.ones(3))
    np.save(tmp_path / "b.npy", np.ones(3))
    assert mode(tmp_path / "a.npy") == mode(tmp_path / "b.npy") == 0o640
    umask(0o077)
    for wanted in (0o664, 0o604):
        (tmp_path / "a.npy").chmod(wanted)
        mt.save(tmp_path / "a.npy", mt.zeros(3))
        assert mode(tmp_path / "a.npy") == wanted and np.load(tmp_path / "a.npy").tolist() == [0, 0, 0]


def test_saving_goes_through_links(tmp_path):
    (tmp_path / "far").mkdir()
    target, link, second = tmp_path / "far" / "x.npy", tmp_path / "link.npy", tmp_path / "second.npy"
    link.symlink_to("far/x.npy")  # to nothing, yet
    second.symlink_to(link)
    mt.save(second, mt.arange(3))
    assert second.is_symlink() and link.is_symlink() and not target.is_symlink()
    assert np.load(target).tolist() == [0, 1, 2]
    mt.save(link, mt.arange(2))
    assert link.is_symlink() and np.load(target).tolist() == [0, 1]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["far", "link.npy", "second.npy", "x.npy"]
    link.unlink()
    link.symlink_to("link.npy")
    with pytest.raises(OSError) as caught:
        mt.save(link, mt.arange(2))
    assert caught.value.errno == errno.ELOOP


def test_a_save_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(3))
    path.chmod(0o604)

    def fail(_):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        mt.save(path, mt.ones(5).map_chunk(fail, dtype="float64"))
    assert np.load(path).tolist() == [0, 1, 2] and mode(path) == 0o604 and len(list(tmp_path.iterdir())) == 1


def test_only_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo.npy")
    with pytest.raises(OSError, match="no regular file"):
        mt.save(tmp_path / "fifo.npy", mt.ones(3))
    assert stat.S_ISFIFO((tmp_path / "fifo.npy").stat().st_mode)
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(IsADirectoryError):
        mt.save(tmp_path / "folder.npy", mt.ones(3))
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("kind", ["fifo", "socket", "device"])
def test_only_files_are_read(tmp_path, kind):
    path = tmp_path / "x.npy"
    np.save(path, np.ones(3))
    late = mt.load(path)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    # In a process of its own, which may hang.
    script = "import sys, mars.tensor as mt\ntry: mt.load(sys.argv[1])\nexcept OSError as e: print('refused', e)"
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout.startswith("refused") and str(path) in done.stdout, done
    # What a graph names may have become something else.
    with pytest.raises(OSError, match="load_npy"):
        late.execute()


def test_paths_as_bytes(tmp_path):
    path = os.fsencode(tmp_path / "x.npy")
    mt.save(path, mt.arange(3))
    assert mt.load(path).fetch().tolist() == [0, 1, 2]
    with mars.Session(spill_dir=os.fsencode(tmp_path)) as session:
        assert session.options()["spill_dir"] == str(tmp_path)


def test_open_files(tmp_path):
    path = tmp_path / "x.npy"
    with open(path, "wb") as file:
        mt.save(file, mt.arange(3))
        mt.save(file, mt.ones((2, 2), "f4"))
    with open(path, "rb") as file:
        path.unlink()  # an open file need not have a name
        first, second = mt.load(file), mt.load(file, chunk_size=1)
        with pytest.raises(EOFError):
            mt.load(file)
    assert first.fetch().tolist() == [0, 1, 2]
    assert second.nsplits == ((1, 1), (1, 1))
    assert second.dtype == "f4" and second.fetch().tolist() == [[1, 1], [1, 1]]
    memory = io.BytesIO()
    np.savez(memory, np.ones(3))
    memory.seek(0)
    with pytest.raises(ValueError, match="archive"):
        mt.load(memory)
    with pytest.raises(TypeError, match="PathLike"):
        mt.load(5)


@pytest.mark.parametrize(
    "before, after, holds",
    [
        (np.arange(6.0), np.arange(6), "it holds int64\\(6,\\), not float64\\(6,\\)"),
        (np.arange(6.0), np.arange(5.0), "it holds float64\\(5,\\), not float64\\(6,\\)"),
        (np.arange(6.0), np.arange(7.0), "it holds float64\\(7,\\), not float64\\(6,\\)"),
        (np.ones((2, 3)), np.ones((3, 2)), "it holds float64\\(3, 2\\), not float64\\(2, 3\\)"),
        (np.ones((2, 3)), np.asfortranarray(np.ones((2, 3))), "it holds float64\\(2, 3\\) in Fortran order, not .* in C order"),
    ],
)
def test_a_file_that_is_replaced_by_another_kind(tmp_path, before, after, holds):
    path = tmp_path / "x.npy"
    np.save(path, before)
    whole, flat = mt.load(path) * 1, mt.load(path).reshape(-1) * 1
    np.save(path, after)
    for t in (whole, flat):
        with pytest.raises(ValueError, match=rf"x\.npy has changed since it was opened: {holds}"):
            t.fetch()


def test_a_file_that_is_cut_off_or_no_longer_one(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(600.0))
    t = mt.load(path) * 1
    os.truncate(path, 1000)
    with pytest.raises(ValueError, match=r"x\.npy is not a readable .npy file: .* needs 4800 bytes but only"):
        t.fetch()
    path.write_text("something else altogether")
    with pytest.raises(ValueError, match=r"x\.npy is not a readable .npy file: the magic bytes are missing"):
        t.fetch()


def test_a_file_that_is_replaced_by_its_like(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.arange(6.0).reshape(2, 3))
    t, flat = mt.load(path) * 1, mt.load(path).reshape(6) + 0
    np.save(path, np.arange(10.0, 16).reshape(2, 3).astype(">f8"))
    assert t.fetch().tolist() == [[10, 11, 12], [13, 14, 15]] and flat.fetch().tolist() == [10, 11, 12, 13, 14, 15]
    # A header of another size, which Mars writes.
    mt.save(path, mt.ones((2, 3)) * 5)
    assert (mt.load(path) * 1).sum().fetch() == 30
    # Over itself: all is read before the file gets its name.
    mt.save(path, mt.load(path) + 1)
    assert np.load(path).tolist() == [[6, 6, 6], [6, 6, 6]]
    narrow = mt.load(path)
    mt.save(path, narrow.astype("f4").reshape(3, 2))
    assert np.load(path).dtype == np.float32
    with pytest.raises(ValueError, match="has changed since it was opened"):
        mt.load(path).reshape(6).fetch() + (narrow * 1).fetch()
