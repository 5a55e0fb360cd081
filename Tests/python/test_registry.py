"""What the library describes: every example runs, every function has what a user needs to read."""

import inspect

import mars
import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor import _registry
from mars.tensor._registry import descriptions

PUBLIC = [n for n, d in descriptions.items() if d["namespace"] is not None]


@pytest.mark.parametrize("name", [n for n in PUBLIC if descriptions[n]["example"]])
def test_example(name):
    *statements, expression = descriptions[name]["example"].strip().splitlines()
    scope = {"mt": mt, "np": np}
    exec("\n".join(statements), scope)
    value = eval(expression, scope)
    for v in value if isinstance(value, tuple) else (value,):
        if isinstance(v, mt.Tensor):
            v.fetch()


@pytest.mark.parametrize("name", PUBLIC)
def test_function(name):
    d = descriptions[name]
    if d["namespace"] == "random":
        assert hasattr(mt.random, name) or name.startswith("_")
        return
    f = getattr(mt.linalg if d["namespace"] == "linalg" else mt, name)
    assert f.__name__ == name and f.__doc__.startswith(d["summary"])
    inspect.signature(f)
    if d["method"]:
        assert callable(getattr(mt.Tensor, name))


@pytest.mark.parametrize("name", [n for n in PUBLIC if descriptions[n]["numpy"]])
def test_numpy_name_exists(name):
    target = np
    for part in descriptions[name]["numpy"].removeprefix("numpy.").split("."):
        target = getattr(target, part)


OURS = {
    mt: {"Tensor", "argtopk", "bfloat16", "rechunk", "sliding_window_view", "tensor", "topk"},
    mt.linalg: set(),
    # Methods of NumPy's generators; and `power`, as the library calls it beside the ufunc of that name.
    mt.random: {"integers", "permuted", "power_distribution", "random_raw"},
}


@pytest.mark.parametrize(
    ("place", "numpys"), [(mt, np), (mt.linalg, np.linalg), (mt.random, np.random)], ids=["tensor", "linalg", "random"]
)
@pytest.mark.filterwarnings("ignore")
def test_public_names_are_numpys_or_said_to_be_ours(place, numpys):
    """What a function is made of has no name of its own: operators for that are hidden, and the binding finds them by name."""
    assert {n for n in dir(place) if not n.startswith("_") and not hasattr(numpys, n)} == OURS[place]


PLACES = [
    mars, mars.Session, mars.Graph, type(mars.options), mt, mt.Tensor, mt.linalg, mt.random, mt.random.RandomState, mt.random.Generator,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda p: p.__name__)
def test_whatever_is_public_has_a_text(place):
    for name in dir(place):
        if name.startswith("_"):
            continue
        found = getattr(place, name)
        if callable(found) or isinstance(found, property):
            assert found.__doc__, f"{place.__name__}.{name}"


def test_names_are_listed():
    assert set(_registry.names("")) <= set(dir(mt))
    with pytest.raises(AttributeError):
        mt.no_such_function
    with pytest.raises(AttributeError):
        mt.ones(1).no_such_method
