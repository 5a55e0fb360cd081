"""Random numbers, with both of NumPy's interfaces: functions and `RandomState`, `default_rng` and `Generator`.

Numbers depend on the seed, on the number of the call and on the place of the element, and on nothing else: not on chunks, threads or the
client's language.  They are not those of NumPy's generators for the same seed.

Seeds: an integer from 0 to 2**64 - 1 is handed to the library as it is; longer integers and sequences of integers are folded into 64 bits,
word by word, by the finalizer of SplitMix64 (Steele, Lea, Flood 2014); None takes entropy from the system.  The n-th call of a generator
uses stream n - 1 of its seed.
"""

from __future__ import annotations

import inspect
import operator
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from mars._operators import Handle, apply
from mars.tensor import _registry, _signatures

if TYPE_CHECKING:
    from mars.tensor._described_random import *  # noqa: F403
    from mars.tensor._described_random import Distributions
    from mars.tensor._tensor import Tensor
else:
    Distributions = object

_MASK = 0xFFFFFFFFFFFFFFFF
_STREAMS = 1 << 32


def _mix(z: int) -> int:
    """The finalizer of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _words(entropy: Any) -> Iterable[int]:
    if hasattr(entropy, "__index__"):
        n = operator.index(entropy)
        if n < 0:
            raise ValueError("expected non-negative integer")
        while True:
            yield n & _MASK
            n >>= 64
            if not n:
                return
    if isinstance(entropy, (str, bytes)) or not hasattr(entropy, "__iter__"):
        raise TypeError(f"a seed is an integer or a sequence of integers, not {entropy!r}")
    for item in entropy:
        yield from _words(item)


def seed_of(entropy: Any) -> int:
    """64 bits of what NumPy takes as a seed."""
    if entropy is None:
        return int.from_bytes(os.urandom(8), "little")
    if isinstance(entropy, np.random.SeedSequence):
        entropy = entropy.generate_state(2, np.uint64)
    if isinstance(entropy, np.ndarray):
        entropy = entropy.tolist()
    words = list(_words(entropy))
    if len(words) == 1 and hasattr(entropy, "__index__"):
        return words[0]
    key = 0
    for w in words:
        key = _mix(((key ^ w) + 0x9E3779B97F4A7C15) & _MASK)
    return key


class _Source:
    """A seed, and the number of the next stream; safe to share between threads."""

    __slots__ = ("_lock", "_next", "seed")

    def __init__(self, entropy: Any = None) -> None:
        self._lock = threading.Lock()
        self.restart(entropy)

    def restart(self, entropy: Any = None) -> None:
        seed = seed_of(entropy)
        with self._lock:
            self.seed = seed
            self._next = 0

    def take(self) -> tuple[np.uint64, int]:
        """Seed and stream of one call."""
        with self._lock:
            n = self._next
            self._next = n + 1
            seed = self.seed
        if n >= _STREAMS:  # a new key for every 2**32 calls
            return np.uint64(_mix(seed ^ (n // _STREAMS))), n % _STREAMS
        return np.uint64(seed), n

    def get(self) -> tuple[int, int]:
        with self._lock:
            return self.seed, self._next

    def set(self, state: tuple[int, int]) -> None:
        with self._lock:
            self.seed, self._next = state


# ---- distributions: operators of the library, less seed and stream ----


_drawers: dict[str, Callable[..., Tensor]] = {}


def _drawer(name: str) -> Callable[..., Tensor]:
    """A function `draw(source, *args, **kwargs)` for a random operator; parameters are those that the library declares."""
    found = _drawers.get(name)
    if found is not None:
        return found
    o = _registry.op(name)
    description = o.info
    declared = [p for p in _signatures.parameters(description) if p.name not in ("seed", "stream")]
    operands = "".join(f"{i['name']}, " for i in description["inputs"])
    values = "".join(f"{a['name']}, " for a in description["attributes"])
    lines = [
        "seed, stream = _source.take()",
        f"result = _apply(_op, ({operands}), ({values}))",
        "return _rechunked(result, chunk_size) if chunk_size is not None else result",
    ]
    signature = [*declared, _signatures.Parameter("chunk_size", "chunk_size", "", None, "preferred extents of chunks")]
    made = _signatures.define(name, signature, lines, {"_apply": apply, "_op": o, "_rechunked": _registry.rechunked}, first="_source")
    made.__doc__ = _signatures.docstring(description, declared)
    _drawers[name] = made
    return made


@cache
def _signature(name: str) -> inspect.Signature:
    """Of a distribution as a method: without the source."""
    whole = inspect.signature(_drawer(name))
    return whole.replace(parameters=list(whole.parameters.values())[1:])


# NumPy's older names for the same distributions.
_OTHER_NAMES = _registry.aliases("random")


class _Distributions(Distributions):
    """Methods of a random source: every operator of the namespace `random`."""

    __slots__ = ("_source",)

    _source: _Source

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]:
            target = _OTHER_NAMES.get(name, name)
            description = _registry.descriptions.get(target)
            if description is None or description["namespace"] != "random":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            draw, source = _drawer(target), self._source

            def method(*args: Any, **kwargs: Any) -> Any:
                return draw(source, *args, **kwargs)

            method.__name__, method.__doc__ = name, draw.__doc__
            method.__qualname__, method.__module__ = f"{type(self).__name__}.{name}", "mars.tensor.random"
            method.__signature__ = _signature(target)
            return method

    def __repr__(self) -> str:
        seed, stream = self._source.get()
        return f"mars.tensor.random.{type(self).__name__}(Philox4x32-10, seed={seed}, stream={stream})"

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *_registry.names("random")})


class RandomState(_Distributions):
    """NumPy's older interface: `rand`, `randn`, `randint`, `uniform`, ..."""

    __slots__ = ()

    def __init__(self, seed: Any = None) -> None:
        self._source = _Source(seed)

    def seed(self, seed: Any = None) -> None:
        """Starts again from a seed."""
        self._source.restart(seed)

    def rand(self, *shape: int, dtype: Any = None, chunk_size: int | Sequence[int] | None = None) -> Tensor:
        """Uniform on [0, 1), of the given extents."""
        return _drawer("random")(self._source, size=shape, chunk_size=chunk_size, **_asked(dtype=dtype))

    def randn(self, *shape: int, dtype: Any = None, chunk_size: int | Sequence[int] | None = None) -> Tensor:
        """Standard normal, of the given extents."""
        return _drawer("standard_normal")(self._source, size=shape, chunk_size=chunk_size, **_asked(dtype=dtype))

    def randint(
        self, low: Any, high: Any = None, size: Any = None, dtype: Any = int, *, chunk_size: int | Sequence[int] | None = None
    ) -> Tensor:
        """Integers from low up to high, which is not included; from 0 up to low where high is None."""
        return _integers(self._source, low, high, size=size, dtype=dtype, chunk_size=chunk_size)

    def random_integers(
        self, low: Any, high: Any = None, size: Any = None, *, chunk_size: int | Sequence[int] | None = None
    ) -> Tensor:  # fmt: skip
        """Integers from low up to high, which is one of them; from 1 up to low where high is None."""
        ends = (1, low) if high is None else (low, high)
        return _integers(self._source, *ends, size=size, endpoint=True, chunk_size=chunk_size)

    def permutation(self, x: Any) -> Any:
        """The numbers below x, or the slices of x along its first axis, in random order."""
        return _permutation(self._source, x, 0)

    def shuffle(self, x: Any) -> None:
        """Puts the slices along the first axis in random order, in place."""
        _shuffle(self._source, x, 0)

    def choice(self, a: Any, size: Any = None, replace: bool = True, p: Any = None, *, chunk_size: Any = None) -> Any:
        """Numbers below a, or elements of a, drawn at random, with probabilities p."""
        if np.ndim(a) > 1:
            raise ValueError("a must be 1-dimensional")
        return _choice(self._source, a, p, size=size, replace=replace, chunk_size=chunk_size)

    def get_state(self) -> tuple[int, int]:
        """The seed and the number of the next stream, for `set_state`; not the state that NumPy has."""
        return self._source.get()

    def set_state(self, state: tuple[int, int]) -> None:
        """Goes on from what `get_state` gave."""
        self._source.set(state)

    def __reduce__(self) -> Any:
        return _restore, (type(self), self._source.get())


class Generator(_Distributions):
    """NumPy's newer interface: `random`, `integers`, `normal`, ...; made by `default_rng`."""

    __slots__ = ()

    def __init__(self, seed: Any = None) -> None:
        self._source = _Source(seed)

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = np.int64,
        endpoint: bool = False,
        *,
        chunk_size: int | Sequence[int] | None = None,
    ) -> Tensor:
        """Integers from low up to high (with `endpoint` included); from 0 up to low where high is None."""
        return _integers(self._source, low, high, size=size, dtype=dtype, endpoint=endpoint, chunk_size=chunk_size)

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """The numbers below x, or the slices of x along an axis, in random order."""
        return _permutation(self._source, x, axis)

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Puts the slices along an axis in random order, in place."""
        _shuffle(self._source, x, axis)

    def choice(
        self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, shuffle: bool = True, *, chunk_size: Any = None
    ) -> Any:
        """Numbers below a, or slices of a along an axis, drawn at random, with probabilities p; always in random order."""
        return _choice(self._source, a, p, size=size, replace=replace, axis=axis, chunk_size=chunk_size)

    def spawn(self, n_children: int) -> list[Generator]:
        """New generators whose seeds follow from this one's."""
        made = []
        for _ in range(n_children):
            seed, stream = self._source.take()
            made.append(Generator([int(seed), stream, 1]))
        return made

    def __reduce__(self) -> Any:
        return _restore, (type(self), self._source.get())


def _restore(cls: type[Any], state: tuple[int, int]) -> Any:
    made = cls(0)
    made._source.set(state)
    return made


def _asked(**given: Any) -> dict[str, Any]:
    """What a caller has said; the library knows the rest."""
    return {k: v for k, v in given.items() if v is not None}


def _integers(source: _Source, low: Any, high: Any, **options: Any) -> Tensor:
    low, high = (0, low) if high is None else (low, high)
    # As NumPy, which cuts off fractions of numbers.
    low, high = (int(x) if isinstance(x, (float, np.floating)) else x for x in (low, high))
    if type(high) is int and high == 1 << 64 and not options.get("endpoint"):
        # No integer of C holds it.
        high, options["endpoint"] = high - 1, True
    return _drawer("integers")(source, low, high, **options)


def _population(a: Any) -> Any:
    """What the library draws from: it takes numbers, but those of tensors have to be computed."""
    return operator.index(a) if isinstance(a, Handle) and not a.ndim else a  # type: ignore[attr-defined,arg-type]


def _permutation(source: _Source, x: Any, axis: int) -> Any:
    return _drawer("permutation")(source, _population(x), axis=axis)


def _shuffle(source: _Source, x: Any, axis: int) -> None:
    from mars.tensor._tensor import Tensor

    if not isinstance(x, Tensor):
        raise TypeError(f"shuffle works in place on tensors, not on {type(x).__name__}")
    x[...] = _permutation(source, x, axis)


def _choice(source: _Source, a: Any, p: Any, *, size: Any, chunk_size: Any, **options: Any) -> Any:
    seed, stream = source.take()
    o = _registry.op("choice")
    given = {"seed": seed, "stream": stream, "size": size, **options}
    values = [given.get(a["name"], a.get("default")) for a in o.info["attributes"]]
    made = apply(o, (_population(a),) if p is None else (_population(a), p), values)
    return _registry.rechunked(made, chunk_size)


def default_rng(seed: Any = None) -> Generator:
    """A Generator; of a Generator, itself."""
    return seed if isinstance(seed, Generator) else Generator(seed)


# The generator of the functions of this module: one for the process.
_global = RandomState()

seed = _global.seed
rand = _global.rand
randn = _global.randn
randint = _global.randint
random_integers = _global.random_integers
permutation = _global.permutation  # type: ignore[assignment]
shuffle = _global.shuffle
choice = _global.choice  # type: ignore[assignment]
get_state = _global.get_state
set_state = _global.set_state


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            found = globals()[name] = getattr(_global, name)
        except AttributeError:
            raise AttributeError(f"module 'mars.tensor.random' has no attribute {name!r}") from None
        return found


def __dir__() -> list[str]:
    return sorted(
        {
            "Generator",
            "RandomState",
            "default_rng",
            "rand",
            "randint",
            "random_integers",
            "randn",
            "seed",
            "shuffle",
            *_OTHER_NAMES,
            *_registry.names("random"),
        }
    )
