"""Which session's options hold for the process, and since when."""

import copy
import gc
import os
import pickle
import re
import subprocess
import sys

import mars
import mars._session as sessions
import mars.tensor as mt
import numpy as np
import pytest

from test_elementwise import same


@pytest.fixture(autouse=True)
def own_default(monkeypatch):
    """The default session of a test ends with it."""
    gc.collect()
    before = sessions._default
    yield
    if sessions._default is not before and before is not None:
        sessions._default._claim(False)
        before._claim(True)
    sessions._default = before


def limit():
    return int(mars.current_session().options()["memory_limit"])


def test_the_end_of_a_block_is_the_end_of_its_limits():
    free, workers = limit(), mars.current_session().options()["workers"]
    with mars.Session(workers=1, memory_limit="64MiB") as s:
        assert limit() == 64 << 20 and s.options()["workers"] == "1"
    assert limit() == free and mars.current_session().options()["workers"] == workers
    with s:
        assert limit() == 64 << 20
        with s:
            pass
        assert limit() == 64 << 20
    assert limit() == free


def test_a_new_default_session_takes_the_place_of_the_last():
    a = mars.new_session(memory_limit="64MiB")
    b = mars.new_session(memory_limit="2GiB")
    assert b.options()["memory_limit"] == str(2 << 30) == a.options()["memory_limit"]
    with b:
        pass
    assert limit() == 2 << 30  # it is the default one still
    with a:
        assert limit() == 64 << 20
    assert limit() == 2 << 30


def test_a_session_that_is_held_limits_all():
    held = mars.Session(memory_limit="1MiB")
    with mars.Session(memory_limit="1GiB") as s:
        assert limit() == 1 << 20
        with pytest.raises(MemoryError, match=r"that of another open session"):
            mt.searchsorted(mt.random.rand(1 << 20), 0.5).execute(s)
    with pytest.raises(MemoryError, match=r"raise memory_limit, or chunk") as caught:
        mt.searchsorted(mt.random.rand(1 << 20), 0.5).execute(held)
    assert "another open session" not in str(caught.value)


def test_what_is_no_session():
    t = mt.ones(2)
    for call in (t.fetch, t.execute, t.to_numpy, t.explain):
        with pytest.raises(TypeError, match=r"session must be a mars\.Session, not int"):
            call(5)
    with pytest.raises(TypeError, match=r"must be a mars\.Session"):
        mars.fetch(t, session="here")


def test_sessions_do_not_travel():
    for go in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="a Session cannot be pickled"):
            go(mars.current_session())


@pytest.mark.parametrize(("text", "size"), [("1G", 1 << 30), ("1GiB", 1 << 30), ("1GB", 10**9), ("512M", 512 << 20), ("2T", 2 << 40)])
def test_sizes(text, size):
    with mars.Session(memory_limit=text) as s:
        assert s.options()["memory_limit"] == str(size)


def test_sizes_that_are_none():
    with pytest.raises(ValueError, match="KiB, MiB, GiB, TiB, KB, MB, GB, TB, K, M, G, T, but is '1 pound'"):
        mars.Session(memory_limit="1 pound")


# ---- eager mode ----


@pytest.fixture
def eager():
    mars.options.eager_mode = True
    yield
    mars.options.eager_mode = False


def test_everything_is_executed(eager):
    t = mt.ones(3)
    made = [t + 1, -t, mt.sum(t), t.map_chunk(np.sqrt), mt.unstack(t)[0], t.copy(), mt.asarray([1, 2]).astype(float)]
    assert all(m.is_executed for m in made)


def test_graphs_wait_for_their_inputs(eager):
    g = mars.Graph()
    x = g.input("x", float, (3,))
    g.output("y", ((x + 1) * 2).sum())
    assert g.execute(x=[1, 2, 3])["y"].fetch() == 18


def test_switches_are_switches():
    for name in ("eager_mode", "progress"):
        with pytest.raises(TypeError, match=f"{name} must be True"):
            setattr(mars.options, name, "no")
    assert mars.options.eager_mode is False


def test_errors_of_eager_calls(eager):
    with pytest.raises(IndexError):
        mt.tensor([1, 2])[mt.tensor([7])]


# ---- pickling ----


def test_a_file_goes_into_a_pickle_as_its_values(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(3))
    t = mt.load(tmp_path / "x.npy") + 1
    data = pickle.dumps(t)
    (tmp_path / "x.npy").unlink()
    assert pickle.loads(data).fetch().tolist() == [1, 2, 3]
    assert pickle.loads(pickle.dumps(mt.arange(3).map_chunk(np.negative))).fetch().tolist() == [0, -1, -2]


def test_inputs_of_graphs_cannot_be_pickled():
    x = mars.Graph().input("x", float, (3,))
    with pytest.raises(TypeError, match=r"depends on an input of a graph: write the graph, with Graph\.serialize"):
        pickle.dumps(x + 1)


# ---- the progress bar ----


def test_the_bar_fits_the_terminal():
    from mars._progress import Bar

    for columns in (1, 10, 20, 40, 60, 80, 200):
        line = Bar.line(0.5, " 50% 120/240 tasks 1.2 s", columns)
        assert len(line) < columns
    assert line.startswith("[" + "#" * 15 + "." * 15 + "]")


def written_below(folder):
    return sum(p.stat().st_size for p in folder.rglob("chunks"))


def test_spill_dir_is_that_of_the_session_opened_last(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    mars.new_session(memory_limit="16MiB", spill_dir=a)
    kept = mt.random.rand(4_000_000).execute()
    assert written_below(a) > 1_000_000
    first = kept[:1000].fetch()
    session = mars.new_session(memory_limit="16MiB", spill_dir=b)
    # What lies in the old folder is read there, what is new goes to the other one.
    more = mt.random.rand(4_000_000).execute()
    assert written_below(b) > 1_000_000
    same(kept[:1000].fetch(), first)
    del kept, more
    gc.collect()
    mt.ones(3).execute()
    assert not list(a.rglob("chunks")) and not list(b.rglob("chunks"))
    c = tmp_path / "c"
    mars.options.spill_dir = c
    before = session.statistics()["spilled_bytes"]
    mt.sort(mt.random.rand(4_000_000)).execute()
    assert session.statistics()["spilled_bytes"] > before and c.exists() and not list(a.iterdir())


def test_results_that_fit_nowhere_name_the_folder(tmp_path):
    mars.new_session(memory_limit="64MiB", spill_dir=tmp_path)
    with pytest.raises(MemoryError, match=re.escape(f"free in '{tmp_path}'")):
        mt.ones((10**6, 10**6)).execute()


@pytest.mark.parametrize("bad", [True, False, 2.5, "2.5", "0x10", "1e", "inf", "nan", "", "GiB", "0.0001K", "-1", "1 000"])
def test_sizes_are_decimal_and_whole(bad):
    with pytest.raises(ValueError, match=r"memory_limit.*bytes"):
        mars.Session(memory_limit=bad)


@pytest.mark.parametrize(
    ("good", "size"),
    [("1.5GiB", 3 << 29), ("64 MiB", 64 << 20), ("1e8", 10**8), (1e8, 10**8), ("2K", 2048), ("3KB", 3000), (70_000, 70_000)],
)
def test_sizes_have_units(good, size):
    with mars.Session(memory_limit=good) as s:
        assert s.options()["memory_limit"] == str(size)


def test_counts_are_no_flags_and_flags_may_be():
    with pytest.raises(ValueError, match="workers"):
        mars.Session(workers=True)
    assert mars.Session(trace=True).options()["trace"] == "1" and mars.Session(fuse=False).options()["fuse"] == "0"


CACHES = """
import sys, mars, mars.tensor as mt
mars.new_session(**({"cache_dir": sys.argv[1]} if len(sys.argv) > 1 else {}))
assert (mt.arange(100000.0) * 3 + 1).sum().fetch() == 14999950000
"""


@pytest.mark.parametrize(("used", "option", "environment"), [
    ("option", "option", {"MARS_CACHE_DIR": "variable"}),
    ("variable", None, {"MARS_CACHE_DIR": "variable", "XDG_CACHE_HOME": "xdg"}),
    ("xdg/mars", None, {"XDG_CACHE_HOME": "xdg"}),
    ("home/.cache/mars", None, {}),
    (None, None, {"MARS_CACHE_DIR": ""}),
    (None, "", {"MARS_CACHE_DIR": "variable"}),
])  # fmt: skip
def test_where_kernels_are_kept(used, option, environment, tmp_path):
    paths = {k: v and str(tmp_path / v) for k, v in {"HOME": "home", **environment}.items()}
    rest = {k: v for k, v in os.environ.items() if k not in ("MARS_CACHE_DIR", "XDG_CACHE_HOME")}
    arguments = [] if option is None else [option and str(tmp_path / option)]
    subprocess.run([sys.executable, "-c", CACHES, *arguments], env={**rest, **paths}, check=True, timeout=120)
    assert {p.parent for p in tmp_path.rglob("*.mko")} == ({tmp_path / used} if used else set())
