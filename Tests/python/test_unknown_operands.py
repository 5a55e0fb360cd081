"""Every function called with operands whose extents are known only when they have run gives what it gives for known ones."""

import inspect
import itertools

import mars.tensor as mt
import numpy as np
import pytest
from mars.tensor._registry import descriptions


def hidden(x, axes):
    """The same elements, with `axes` (of those that there are) of extents that are found by running."""
    t = mt.tensor(x)
    for k in axes:
        if k < t.ndim:
            t = t[(slice(None),) * k + (mt.ones(t._type()[1][k], dtype=bool),)]
    return t


def is_array(x):
    """Whether an argument stands for an array with axes."""
    if isinstance(x, (mt.Tensor, np.ndarray)):
        return x.ndim > 0
    return isinstance(x, list) and bool(x) and np.asarray(x).dtype != object


class Hider:
    """`mars.tensor`, or a namespace of it, with functions that hide extents of their operands."""

    def __init__(self, namespace, choose, axes, prefix=""):
        self._namespace, self._choose, self._axes, self._prefix = namespace, choose, axes, prefix

    def __getattr__(self, name):
        found = getattr(self._namespace, name)
        if inspect.ismodule(found):
            return Hider(found, self._choose, self._axes, name)
        description = descriptions.get(name)
        if description is None or description["namespace"] != self._prefix or description["writes_first"]:
            return found
        return lambda *args, **kwargs: self._call(found, {i["name"]: i for i in description["inputs"]}, args, kwargs)

    def _call(self, function, inputs, args, kwargs):
        if next(iter(inspect.signature(function).parameters.values())).kind is inspect.Parameter.VAR_POSITIONAL:
            return function(*(self._hide(a) for a in args), **kwargs)
        bound = inspect.signature(function).bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in inputs:
                if inputs[name]["variadic"] and isinstance(value, (list, tuple)):
                    value = type(value)(self._hide(v) for v in value)
                else:
                    value = self._hide(value)
                bound.arguments[name] = value
        return function(*bound.args, **bound.kwargs)

    def _hide(self, x):
        return hidden(x, self._axes) if is_array(x) and next(self._choose) else x


def outcome(run):
    """What a call gives: arrays, or the kind of its error."""
    try:
        results = run()
        several = results if isinstance(results, (tuple, list)) else [results]
        return [r.to_numpy() if isinstance(r, mt.Tensor) else np.asarray(r) for r in several]
    except Exception as e:
        return e


def check(ours, theirs):
    if isinstance(theirs, Exception):
        assert isinstance(ours, Exception), f"gives {ours} in place of {theirs!r}"
        assert isinstance(ours, ValueError if isinstance(theirs, ValueError) else type(theirs)), f"raises {ours!r} in place of {theirs!r}"
        return
    if isinstance(ours, Exception):
        raise ours
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-12)


def evaluate(text, xp):
    *lines, last = text.split("\n")
    scope = {"mt": xp}
    for line in lines:
        exec(line, scope)
    return eval(last, scope)


# Which operands hide extents, and of which axes.
WAYS = list(itertools.product([(True,), (True, False), (False, True)], [(0,), (1,), (0, 1)]))
EXAMPLES = [n for n, d in descriptions.items() if d["namespace"] not in (None, "random") and d["inputs"] and d["effects"] == "pure"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    text = descriptions[name]["example"]
    expected = outcome(lambda: evaluate(text, mt))
    for which, axes in WAYS:
        check(outcome(lambda which=which, axes=axes: evaluate(text, Hider(mt, itertools.cycle(which), axes))), expected)


# ---- calls whose extents decide between a result and an error ----

ARRAYS = {f"V{n}": np.linspace(-1.5, 3.0, n) for n in range(5)}
for rows, columns in [(1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 3), (0, 3)]:
    ARRAYS[f"M{rows}{columns}"] = np.cos(np.arange(rows * columns)).reshape(rows, columns)
ARRAYS |= {"T112": np.ones((1, 1, 2)), "T132": np.ones((1, 3, 2)), "C3": np.array([1j, 2, 3 - 1j])}
ARRAYS |= {"I1": np.array([0]), "I2": np.array([0, 2]), "I3": np.array([2, 0, 1]), "I5": np.array([0, 5])}
ARRAYS |= {"P3": np.array([0.25, 0.5, 0.25])}
ARRAYS |= {"B3": np.array([True, False, True]), "B4": np.array([False, True, True, False])}
ARRAYS |= {"B23": np.array([[True, False, True], [False, False, True]])}

PAIRS = """
V3 V3 | V3 V1 | V1 V3 | V3 V4 | V0 V1 | V0 V3 | M23 V3 | M23 V1 | M23 V2 | V3 M23 | V2 M23 | M23 M23 | M23 M13 | M13 M23 | M23 M21
M31 M13 | M23 M33 | M33 M23 | M03 V3 | M03 M33 | M22 M23 | T112 M22 | T132 M23 | T132 M22
"""
OF_TWO = """
np.add({}, {}) | np.matmul({}, {}) | np.dot({}, {}) | np.vdot({}, {}) | np.inner({}, {}) | np.outer({}, {}) | np.vecdot({}, {})
np.kron({}, {}) | np.cross({}, {}) | np.concatenate([{}, {}]) | np.concatenate([{}, {}], axis=-1) | np.concatenate([{}, {}], axis=None)
np.stack([{}, {}]) | np.stack([{}, {}], axis=-1) | np.vstack([{}, {}]) | np.hstack([{}, {}]) | np.dstack([{}, {}])
np.column_stack([{}, {}]) | np.where(True, {}, {}) | np.clip({}, -1, {}) | np.average({}, weights=abs({}) + 1)
np.average({}, axis=0, weights=abs({}) + 1) | np.average({}, axis=-1, weights=abs({}) + 1) | np.array_equal({}, {})
np.array_equiv({}, {}) | np.allclose({}, {}) | np.append({}, {}) | np.append({}, {}, axis=0) | np.broadcast_arrays({}, {})
np.trapezoid({}, {}) | np.tensordot({}, {}, 1) | np.polyval({}, {}) | np.histogram({}, 3, weights={}) | np.isin({}, {})
np.convolve({}, {}) | np.interp({}, [1, 2, 3], {}) | np.cov({}, {}) | np.einsum('i,i', {}, {}) | np.einsum('ij,j', {}, {})
np.sum({}, where={} > 0) | np.array([{}, {}]) | np.select([{} > 0], [{}]) | np.lexsort(({}, {})) | np.gradient({}, {})[0]
np.matvec({}, {}) | np.copysign({}, {}) | np.searchsorted({}, {}) | np.digitize({}, {}) | np.linspace({}, {}, 3)
np.quantile({}, abs({}) / 4) | np.meshgrid({}, {}) | np.union1d({}, {}) | np.take_along_axis({}, {}.astype(int), axis=0)
"""
OF_ONE = """
np.squeeze({}) | np.squeeze({}, axis=0) | np.squeeze({}, axis=-1) | np.broadcast_to({}, (2,)) | np.broadcast_to({}, (3,))
np.broadcast_to({}, (2, 3)) | np.broadcast_to({}, (2, 2, 3)) | np.broadcast_to({}, (4, 3)) | np.ravel({}) | np.ravel({}, order='F')
np.ravel({}.T, order='A') | np.ravel({}.T, order='K') | np.reshape({}, -1) | np.reshape({}, (-1, 1)) | np.reshape({}, (3, -1))
np.reshape({}, (-1, 2), order='F') | np.reshape({}.T, (-1, 2), order='A') | np.reshape({}, (2, 2)) | np.reshape({}, (1, -1, 1))
np.max({}) | np.min({}, axis=0) | np.argmax({}) | np.argmin({}, axis=-1) | np.ptp({}) | np.sort({}) | np.sort({}, axis=None)
np.unique({}) | np.unique({}, axis=0) | np.median({}, axis=0) | np.quantile({}, [0.2, 0.5], axis=-1) | np.percentile({}, 30)
np.cov({}) | np.corrcoef({}) | np.cov({}, rowvar=False) | np.diff({}, axis=0) | np.diff({}, n=2) | np.trace({}) | np.diag({})
np.diagonal({}) | np.rot90({}) | np.flip({}) | np.flip({}, axis=0) | np.fliplr({}) | np.roll({}, 1) | np.roll({}, 1, axis=-1)
np.tile({}, 2) | np.repeat({}, 2) | np.repeat({}, 2, axis=0) | np.repeat({}, [1, 2, 0], axis=-1) | np.pad({}, 1)
np.pad({}, 1, mode='edge') | np.split({}, 3) | np.array_split({}, 2) | np.hsplit({}, 3) | np.vsplit({}, 2) | np.unstack({})[0]
np.take({}, 2) | np.take({}, [0, 2], axis=0) | np.take({}, [-1, 1], axis=-1) | np.take({}, [5], axis=0)
np.take({}, [5], axis=0, mode='clip') | np.compress([True, False, True], {}, axis=0) | np.compress([True, False, True], {})
np.extract({} > 0, {}) | np.nonzero({} > 0) | np.argwhere({} > 0) | np.flatnonzero({} > 0) | np.where({} > 0) | np.delete({}, 1)
np.delete({}, 1, axis=-1) | np.insert({}, 1, 7) | np.insert({}, 1, 7, axis=0) | np.trim_zeros({}) | np.ediff1d({}) | np.cumsum({})
np.cumsum({}, axis=0) | np.cumulative_sum({}) | np.linalg.norm({}) | np.linalg.norm({}, axis=0) | np.linalg.norm({}, 1)
np.matrix_transpose({}) | np.swapaxes({}, 0, 1) | np.moveaxis({}, 0, -1) | np.transpose({}) | np.expand_dims({}, 1) | np.atleast_3d({})
np.triu({}) | np.vander({}) | np.unwrap({}) | np.gradient({}) | np.trapezoid({}) | np.histogram({}, 3) | np.resize({}, 5)
np.resize({}, (2, 2)) | np.nanmedian({}) | np.nanmax({}, axis=0) | np.interp({}, [0, 1], [1, 0]) | np.digitize({}, [0, 1])
np.searchsorted([0.0, 1], {}) | np.average({}) | np.average({}, axis=0, weights=[1, 2]) | np.partition({}, 1)
np.argpartition({}, 2)[..., 2] | np.sum({}, axis=(0, 1)) | np.mean({}, axis=0, keepdims=True) | np.var({}, ddof=1) | np.std({}, axis=-1)
np.zeros_like({}) | np.full_like({}, 2) | np.count_nonzero({}, axis=0) | np.ix_({}) | np.column_stack([{}]) | np.concatenate({})
np.stack({}) | np.vstack({}) | np.einsum('ij->ji', {}) | np.einsum('ii', {}) | np.apply_along_axis(np.sum, 0, {})
np.geomspace({} + 9, 2, 3) | np.add.reduce({}) | np.add.accumulate({}) | np.maximum.reduce({}) | np.add.outer({}, [1, 2])
np.polyval({}, 2) | np.polyval([1, 2], {}) | np.bincount({}.astype(int) + 2) | np.choose([0, 1, 0], [{}, {}]) | np.correlate({}, [1, 2])
np.ptp({}, axis=0) | np.shape({}) | np.size({}) | np.ndim({}) | np.array({}) | np.copy({}, order='K') | {}[0] | {}[-1] | {}[1:]
{}[::2] | {}[[0, -1]] | {}[{} > 0] | {}.T | {}.flatten('F') | {}[None] | {}[..., 0] | {}.item() | len({}) | {}.tolist()
bool(({} > 9).any()) | {}.sum() / {}.size | float({}.max()) | list({})[0] | 0.5 in {} | {} @ {} | divmod({}, 2) | {} + {}.T | {} == {}.T
"""
OTHERS = """
np.where(B3, V3, M23) | np.where(B3, V1, V4) | np.where(B4, V3, 0) | np.where(B23, V3, M21) | np.compress(B4, V3) | np.compress(B3, V4)
np.extract(B3, V4) | np.extract(B4, V3) | np.take(V4, I3) | np.take(M23, I3, axis=1) | np.take(V3, I5) | np.take(V3, I5, mode='wrap')
V4[I3] | V4[I5] | M33[I3, I3] | M33[I3, I1] | M33[I3, I5] | M23[:, I3] | V3[B3] | V4[B3] | V3[B4] | M23[B23] | M33[B23] | M23[:, B3]
M23[B3] | np.cov(V3, fweights=I3) | np.cov(V4, fweights=I3) | np.cov(M23, aweights=I3) | np.cov(M13) | np.cov(M12, M12)
np.bincount(I3, weights=V3) | np.bincount(I3, weights=V4) | np.searchsorted(V3, 1, sorter=I3) | np.searchsorted(V4, 1, sorter=I3)
np.choose(I3, [V3, V3, V3]) | np.choose(I3, [V3, V4, V3]) | np.choose(I5, [V2, V2], mode='clip') | np.select([B3, B4], [V3, V4])
np.interp(V4, V3, I3) | np.interp(V4, V3, V2) | np.interp(V2, V0, V0) | np.sum(M23, where=B23) | np.sum(M23, where=B3)
np.sum(M23, where=B4) | np.mean(M23, axis=0, where=B23) | np.quantile(V3, 0.4, weights=I3, method='inverted_cdf')
np.quantile(V4, 0.4, weights=I3, method='inverted_cdf') | np.concatenate([V3, M23]) | np.concatenate([M23, M33, M13])
np.concatenate([M23, M33, M22]) | np.stack([V3, I3, V3]) | np.stack([V3, I3, V4]) | np.array([[V3, V3], [V3, V3]])
np.histogram(V4, V3) | np.histogram(V4, V0) | np.histogram2d(V3, V3, 2) | np.histogram2d(V3, V4, 2) | np.insert(V4, I3, V3)
np.insert(V4, I3, V2) | np.delete(V4, I3) | np.delete(V4, I5) | np.delete(V3, B3) | np.einsum('ij,jk', M23, M33)
np.einsum('ij,jk', M23, M23) | np.einsum('ij,j->ij', M23, V1) | np.take_along_axis(M23, I3[None], axis=1) | np.ix_(I3, B3)
np.trapezoid(M23, V3) | np.trapezoid(M23, V2) | np.gradient(V3, V4) | np.gradient(M23, V2, V3) | np.gradient(M23, V3, V2)
np.repeat(V3, I3) | np.repeat(V4, I3) | np.roll(M23, I3) | np.pad(V3, I1[0]) | np.digitize(V4, V3) | np.linalg.norm(C3)
np.vdot(C3, C3) | np.real(C3) | np.imag(C3) | np.add(V3, V3, where=B3)[0] | np.add(V3, 1, where=B23)[0, 0]
np.broadcast_to(M21, (2, 3)) | np.ravel_multi_index((I3, I3), (3, 3)) | np.ravel_multi_index((I3, I5), (6, 6))
np.unravel_index(I3, (2, 2)) | np.lexsort((V3, I3)) | np.histogramdd(M23, [V3, V4, V2])[0] | np.histogramdd(M23, 2)[0] | np.random.choice(V3, 2, p=P3).shape | np.random.choice(V4, 2, p=P3)
np.random.permutation(V3).shape | np.random.permuted(M23).shape | np.random.normal(V3, 1).shape | np.random.normal(V3, P3).shape
np.random.normal(V4, P3) | np.random.normal(V3, 1, size=(2, 3)).shape | np.random.normal(V3, 1, size=2) | np.random.multinomial(5, P3).shape
np.random.dirichlet(P3).shape | np.random.poisson(P3).shape | np.random.integers(0, I3 + 1).shape | np.lexsort((V3, V4)) | np.tensordot(M23, M33, axes=([1], [0]))
np.tensordot(M23, M23, axes=([1], [0]))
"""


def pieces(text):
    return [p.strip() for line in text.strip().split("\n") for p in line.split(" | ")]


def used(text):
    return [n for n in ARRAYS if n in text]


def ways(text):
    """What to hide of a call's arrays: axes of all of them, all axes of some."""
    found = used(text)
    yield from (dict.fromkeys(found, axes) for axes in ([(0,), (1,), (0, 1)] if any(ARRAYS[n].ndim > 1 for n in found) else [(0,)]))
    if len(found) > 1:
        yield {found[0]: (0, 1)}
        yield dict.fromkeys(found[1:], (0, 1))


def names(text, way):
    return {"np": mt, **{n: hidden(ARRAYS[n], way.get(n, ())) for n in used(text)}}


# Beside an array stands another one of the same values, which may be known where the first is not.
ARRAYS |= {n.lower(): a for n, a in ARRAYS.items()}
CALLS = {f: [f.replace("{}", a, 1).replace("{}", b.lower()) for a, b in (pair.split() for pair in pieces(PAIRS))] for f in pieces(OF_TWO)}
CALLS |= {f: [f.replace("{}", n) for n in ["V0", "V1", "V3", "V4", "M13", "M31", "M23", "M33", "M03"]] for f in pieces(OF_ONE)}
CALLS |= {f: [f] for f in pieces(OTHERS)}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    for text in CALLS[name]:
        expected = outcome(lambda text=text: eval(text, names(text, {})))
        for way in ways(text):
            check(outcome(lambda text=text, way=way: eval(text, names(text, way))), expected)


# ---- writes through views, and writes of what may not fit: NumPy says what `a` is then ----

WRITES = """
a = V3; v=a.ravel(); v[0]=99
a = V3; a.reshape(-1,1)[...]=9
a = M23; a.reshape(-1)[...]=9
a = M23; np.ravel(a)[1]=9
a = M23; a.T.reshape(-1)[...]=9
a = M13; a.T.reshape(-1)[...]=9
a = M23; a.reshape(3,-1)[...]=V1
a = M23; a.reshape(3,-1)[...]=V2
a = M23; a.reshape(3,-1)[...]=V3
a = V4; a[1:].reshape(-1)[0]=9
a = V3; a[None].reshape(-1)[...]=9
a = V3; a[:,None].ravel()[...]=9
a = M23; a.T.ravel()[...]=9
a = M23; a.T.ravel(order='K')[...]=9
a = M23; a.T.ravel('F')[...]=9
a = M23; a.ravel('F')[...]=9
a = M23; a.flatten()[...]=9
a = M13; a.squeeze()[...]=9
a = M13; a.squeeze(0)[...]=9
a = M23; a.squeeze()[...]=9
a = M23; np.swapaxes(a,0,1)[0]=V2
a = M23; a[0]=V3
a = M23; a[0]=V2
a = M23; a[:,1]=V2
a = M23; a[...]=V3
a = M23; a[...]=V2
a = M23; a[...]=M13
a = M13; a[...]=M23
a = V3; a[...]=M13
a = V3; a[...]=M23
a = V3; a[B3]=0
a = V3; a[B3]=V2
a = V3; a[B3]=V3
a = V4; a[B3]=0
a = M23; a[B3]=0
a = M23; a[:,B3]=0
a = M23; a[:,B3]=V2
a = M23; a[B23]=0
a = M33; a[B23]=0
a = M23; a[B23]=V3
a = M23; a[B23]=V2
a = M23; a[:,I2]=V2
a = V3; a[I2]=V2
a = V3; a[I2]=V3
a = V3; a+=V1
a = V1; a+=V3
a = V3; a+=V4
a = M23; a+=V3
a = V3; a*=M13
a = V3; np.add(a,1,out=a)
a = V3; np.add(V3,V1,out=a)
a = V1; np.add(V3,V3,out=a)
a = M23; np.add(V3,1,out=a)
a = V3; np.cumsum(V3,out=a)
a = V3; np.cumsum(V1,out=a)
a = V1; np.cumsum(V3,out=a)
a = V3; np.cumsum(a,out=a)
a = V3; np.sum(M23,axis=0,out=a)
a = V1; np.sum(M23,axis=1,out=a)
a = V3; np.take(V4,I2,out=a)
a = V2; np.take(V4,I2,out=a)
a = V3; np.sort(V1); a.sort()
a = M23; a.sort(axis=0)
a = M23; a.T.sort()
a = V3; a.partition(1)
a = V3; a.fill(3)
a = V3; np.copyto(a,V1)
a = V3; np.copyto(a,V4)
a = V3; np.copyto(a,9,where=B3)
a = M23; np.copyto(a,9,where=B3)
a = V4; np.copyto(a,9,where=B3)
a = V3; np.put(a,I2,V2)
a = V3; np.putmask(a,B3,V2)
a = V4; np.putmask(a,B3,V2)
a = V3; np.place(a,B3,V2)
a = V4; np.place(a,B3,V2)
a = M33; np.fill_diagonal(a,V3)
a = M23; np.fill_diagonal(a,0)
a = M23; np.put_along_axis(a,I2[None],9,axis=1)
a = V3; a.real[...]=2
a = V3; a.flat[1]=9
a = V3; b=a.reshape(-1); a+=1; a=b
a = V3; b=a.ravel(); a[0]=7; a=b
a = M23; b=a.T.ravel(); a[0]=7; a=b
a = M13; b=a.squeeze(); a+=1; a=b
a = V3; b=np.broadcast_to(a,(2,3)); a[0]=7; a=b
a = M13; b=np.broadcast_to(a,(2,3)); a+=7; a=b
a = V3; np.atleast_2d(a)[...]=0
a = V3; np.expand_dims(a,0)[...]=0
a = V3; np.split(a,3)[1][...]=0
a = M23; np.unstack(a)[1][...]=0
a = M23; a.diagonal()[...]=0
a = V3; a[::-1][...]=V3
a = V3; a[::2]=V2
a = V3; np.flip(a)[0]=9
a = V3; a.reshape(-1).reshape(-1,1).ravel()[...]=3
a = M23; a.reshape(-1).reshape(2,-1)[0]=3
a = M23; a.reshape(6)[...]=3
a = V4; a.reshape(2,2).T.ravel()[...]=3
a = V3; np.reshape(a,-1)[...]=1
a = V3; a.reshape(-1,order='F')[...]=1
a = M23; a.reshape(-1,order='F')[...]=1
a = M23; a.reshape(-1,order='A')[...]=1
a = M23; a.T.reshape(-1,order='A')[...]=1
a = V3; a.swapaxes(0,0)[...]=1
a = V3; a.transpose()[...]=V4
a = V3; a.reshape(2,2)[...]=0
a = V3; a.reshape(2,-1)[...]=0
"""


def written(text, scope):
    exec(text, scope)
    return scope["a"]


@pytest.mark.parametrize("text", WRITES.strip().split("\n"))
def test_writes(text):
    expected = outcome(lambda: written(text, {"np": np, **{n: a.copy() for n, a in ARRAYS.items()}}))
    for way in [{}, *ways(text)]:
        check(outcome(lambda way=way: written(text, names(text, way))), expected)
