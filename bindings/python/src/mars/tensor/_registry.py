"""The operators that the library describes, and the Python functions made of them when they are first asked for.

Names, parameters, defaults and docstrings come from the library's registry, so that this binding and the library cannot differ.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from mars import _abi
from mars._operators import SAME_KIND, Handle, Op, apply, assign, hooks, store
from mars.tensor._objects import numbers
from mars.tensor._signatures import Parameter, check_order, define, docstring, ordered, parameters

descriptions: dict[str, dict[str, Any]] = {d["name"]: d for d in _abi.json_of(_abi.lib.mars_op_describe_all)}
for _description in descriptions.values():
    for _declared in _description["attributes"]:
        if _declared.get("required"):
            _declared.pop("default", None)
        elif isinstance(_declared.get("default"), list):
            _declared["default"] = tuple(_declared["default"])

_ops: dict[str, Op] = {}


def op(name: str) -> Op:
    """An operator by its name in the library."""
    found = _ops.get(name)
    if found is None:
        description = descriptions.get(name)
        if description is None:
            raise NotImplementedError(f"this libmars has no operator {name!r}")
        found = _ops[name] = Op(description)
    return found


def names(namespace: str) -> list[str]:
    """Functions of a namespace of `mars.tensor`: "" for itself, "random", "linalg"."""
    return [n for n, d in descriptions.items() if d["namespace"] == namespace or namespace in d["also_in"]]


def aliases(namespace: str) -> dict[str, str]:
    """Operators of a namespace by their other names."""
    return {a: n for n, d in descriptions.items() if d["namespace"] == namespace for a in d["aliases"]}


# ---- functions ----


def convert_all(items: Any) -> list[Any]:
    """The elements of a sequence given for a variadic input."""
    if not hasattr(items, "__getitem__"):
        raise TypeError('arrays to stack must be passed as a "sequence" type such as list or tuple.')
    return list(items)


def targets(out: Any, count: int, name: str | None = None) -> tuple[Any, ...]:
    """Where each of `count` results goes, None for nowhere: one place is given as it is or in a tuple, several in a tuple."""
    if out is None:
        return (None,) * count
    called = f"{name}(): " if name else ""
    if count > 1 and not isinstance(out, tuple):
        raise TypeError(f"{called}'out' must be a tuple of arrays")
    given: tuple[Any, ...] = out if isinstance(out, tuple) else (out,)
    if len(given) != count:
        raise ValueError(f"{called}The 'out' tuple must have exactly one entry per output")
    for target in given:
        if target is not None and not isinstance(target, (Handle, np.ndarray)):
            raise TypeError(f"{called}return arrays must be of ArrayType, not {type(target).__name__}")
    return given


def finish(result: Any, out: Any, name: str | None = None, casting: str | None = None) -> Any:
    """Puts a result where `out` says, if it says something.

    `name`: of the operator that gave it, which says what `out` may be where no `casting` does.
    """
    if out is None:
        return result
    if isinstance(result, tuple):
        return hooks.several(finish(r, o, name, casting) for r, o in zip(result, targets(out, len(result), name), strict=True))
    (out,) = targets(out, 1, name)
    if out is None:
        return result
    if isinstance(out, np.ndarray):
        try:
            # A tensor of its type stands for it: what it may be is the library's to say.
            stored = function("empty")(out.shape, out.dtype)
        except TypeError:  # a dtype that only NumPy has
            np.copyto(out, result.to_numpy(), casting=casting or SAME_KIND)  # type: ignore[arg-type]
            return out
        store(stored, result, name, casting)
        np.copyto(out, stored.to_numpy(), casting="unsafe")
        return out
    store(out, result, name, casting)
    return out


def dtype_of_out(out: Any, dtype: Any, name: str) -> Any:
    """The dtype in which a function computes that casts its operands to it: that of `out`, where it is given."""
    if out is None:
        return dtype
    if dtype is not None:
        raise TypeError(f"{name}() only takes `out` or `dtype` as an argument, but both were provided.")
    return getattr(out, "dtype", None)


def check_device(device: Any) -> None:
    """Refuses a device that is not the CPU."""
    if device is not None and device != "cpu":
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')


def check_target(a: Any, name: str) -> None:
    """Refuses what is no tensor that a function could write into."""
    if not isinstance(a, Handle):
        raise TypeError(f"{name}() argument 1 must be a tensor, not {type(a).__name__}")


def is_open(description: dict[str, Any]) -> bool:
    """Whether the number of an operator's outputs follows from its arguments."""
    return bool(description["outputs"][-1].endswith("..."))


# Outputs that follow from extents are at most this many: as many as a tensor has axes.
_ROOM = _abi.MAX_DIMS


def room_for(operands: Sequence[Any], values: Sequence[Any]) -> int:
    """Room that suffices for the outputs of an operator with an open number of them: one per operand, axis, section or place."""
    wanted = [_ROOM, len(operands)]
    for v in values:
        if isinstance(v, int):
            wanted.append(min(v, 1 << 20))
        elif isinstance(v, (tuple, list)):
            wanted.append(len(v) + 1)
    return max(wanted)


def apply_open(made: Op, operands: Sequence[Any], values: Sequence[Any] = ()) -> Any:
    """The outputs of an operator with an open number of them, as a tuple."""
    return apply(made, operands, values, room_for(operands, values))


def chunk_extents(chunk_size: Any) -> Any:
    """`chunk_size` as an integer, or a list with, for each axis, an integer or a list of integers; the library says what they may be."""

    def integer(x: Any) -> int:
        if isinstance(x, (bool, np.bool_)) or not hasattr(x, "__index__"):
            raise TypeError(f"chunk_size must be made of integers, but {x!r} is none")
        return operator.index(x)

    def extents(x: Any) -> Any:
        return [integer(n) for n in x] if isinstance(x, (tuple, list)) else integer(x)

    return [extents(c) for c in chunk_size] if isinstance(chunk_size, (tuple, list, np.ndarray)) else integer(chunk_size)


def rechunked(made: Any, chunk_size: Any) -> Any:
    """A new tensor in chunks of `chunk_size`: one extent for all axes, or for each axis an extent or the sizes of all its chunks."""
    if chunk_size is None:
        return made
    chunks = chunk_extents(chunk_size)
    if isinstance(chunks, int):
        return function("rechunk")(made, [chunks])
    if not any(isinstance(c, list) for c in chunks):
        return function("rechunk")(made, chunks)
    splits: list[int] = []
    for sizes in chunks:
        splits += (len(sizes), *sizes) if isinstance(sizes, list) else (-1, sizes)
    return function("rechunk")(made, splits=splits)


@cache
def function(name: str) -> Callable[..., Any]:
    """The Python function of an operator."""
    from mars.tensor import _einsum, _functions, _histograms  # noqa: F401

    made = op(name)
    f = _functions.WRITTEN.get(name)
    if f is None:
        return make(made)
    f.__doc__, f.__module__ = docstring(made.info, parameters(made.info)), "mars.tensor"
    return f


def make(made: Op) -> Callable[..., Any]:
    """A function as an operator's description says."""
    description = made.info
    found = parameters(description)
    inputs, attributes = description["inputs"], description["attributes"]
    is_source = description["source"]
    if description["separate"]:
        return _separate(description, made, found)
    fixed = [i["name"] for i in inputs if not i["variadic"] and not i["optional"]]
    stored = [i["name"] for i in inputs if i["stored"]]
    optional = [i["name"] for i in inputs if i["optional"]]
    first, every = ("".join("_mask_of(where), " if n == "where" else f"{n}, " for n in some) for some in (fixed, fixed + optional))
    if inputs and inputs[-1]["variadic"]:
        operands = f"({every}*_convert_all({inputs[-1]['name']}),)"
    elif optional:
        # Mostly all of them are left out: the short call.
        operands = f"({first}) if {' and '.join(f'{n} is None' for n in optional)} else ({every})"
    else:
        operands = f"({first})"
    signature, lines = ordered(description, found)
    if is_source:
        signature.append(Parameter("chunk_size", "chunk_size", "", None, ""))
    writes = description["writes_first"]
    # Of NumPy's functions with several results only ufuncs take places for them.
    takes_out = description["ufunc"] or not (is_open(description) or len(description["outputs"]) > 1)
    if inputs and not is_source and not writes and not description["signature"] and takes_out:
        # As NumPy has it: a ufunc takes it right after its inputs.
        required = sum(p.default is inspect.Parameter.empty for p in found)
        is_plain = not attributes and len(fixed) == len(inputs)
        signature.insert(required if is_plain else len(signature), Parameter("out", "out", "", None, ""))
    values = "".join(f"{a['name']}, " for a in attributes)
    if description["device"]:
        if not description["signature"]:
            signature.append(Parameter("device", "device", "", None, ""))
        lines.append("_check_device(device)")
    if description["ufunc"] and not is_open(description) and not is_source:
        return _ufunc(description, made, signature, operands, values)
    if {"dtype", "casting"} <= {a["name"] for a in attributes} and any(p.name == "out" for p in signature):
        lines.append("dtype = _dtype_of_out(out, dtype, _op.name)")
    if writes:
        lines.append(f"_check_target({fixed[0]}, {made.name!r})")
        # As NumPy: of lists it makes arrays of the dtype that they are written into.
        lines += [f"{n} = _numbers({n}, {fixed[0]}.dtype)" for n in stored]
    lines.append(f"result = {'_apply_open' if is_open(description) else '_apply'}(_op, {operands}, ({values}))")
    if writes:
        lines.append(f"_assign({fixed[0]}, result)")
    elif is_source:
        lines.append("return _rechunked(result, chunk_size) if chunk_size is not None else result")
    elif not any(p.name == "out" for p in signature):
        lines.append("return result")
    else:
        lines.append("return _finish(result, out, _op.name) if out is not None else result")
    scope = {
        "_apply": apply, "_op": made, "_finish": finish, "_convert_all": convert_all, "_rechunked": rechunked, "_apply_open": apply_open,
        "_check_device": check_device, "_check_order": check_order, "_check_target": check_target, "_assign": assign,
        "_dtype_of_out": dtype_of_out, "_mask_of": mask_of, "_numbers": numbers,
    }  # fmt: skip
    f = define(made.name, signature, lines, scope)
    f.__doc__ = docstring(description, found)
    f.__module__ = "mars.tensor" + (f".{description['namespace']}" if description["namespace"] else "")
    return f


# Keywords of NumPy's ufuncs.  Results have no memory order of their own, and there are no subclasses: `order` and `subok` say nothing here.
_UFUNC_KEYWORDS = {"where": True, "casting": SAME_KIND, "order": "K", "dtype": None, "subok": True}


def call_ufunc(
    o: Op, operands: Any, values: Any = (), *, out: Any = None, where: Any = True, casting: Any = SAME_KIND, dtype: Any = None
) -> Any:
    """A ufunc with NumPy's keywords.  `values` are its own attributes."""
    values = (*values, *(a.default for a in o.own[len(values) :]), dtype, casting)
    result = apply(o, operands, values)
    if where is True:
        return finish(result, out, o.name, casting)
    results = result if isinstance(result, tuple) else (result,)
    masked = [_masked(o, r, to, where, casting) for r, to in zip(results, targets(out, len(results), o.name), strict=True)]
    return hooks.several(masked) if isinstance(result, tuple) else masked[0]


def mask_of(where: Any) -> Any:
    """A mask as NumPy takes it: what is no array yet becomes one of bool.  True lets everything through, and is left to the library."""
    return where if where is None or where is True or isinstance(where, (Handle, np.ndarray)) else np.asarray(where, bool)


def _masked(o: Op, result: Any, out: Any, where: Any, casting: Any) -> Any:
    """A result of a ufunc where a mask holds; elsewhere what `out` has."""
    where = function("astype")(mask_of(where), bool, casting="safe")
    if out is None:
        # Elements that the mask leaves out have no value in NumPy; here they are zeros.
        return function("where")(where, result, False)
    if isinstance(out, np.ndarray):
        np.copyto(out, result.to_numpy(), casting, np.asarray(where))
        return out
    return finish(function("where")(where, function("astype")(result, out.dtype, casting=casting), out), out, o.name, casting)


def _ufunc(description: dict[str, Any], made: Op, signature: list[Parameter], operands: str, values: str) -> Callable[..., Any]:
    """The function of a ufunc, with NumPy's keywords and methods."""
    name = description["name"]
    own = {p.name for p in signature}
    keywords = {k: v for k, v in _UFUNC_KEYWORDS.items() if k not in own}
    given = [k for k in ("where", "casting", "dtype") if k in keywords]
    is_plain = " and ".join(f"{k} is {'None' if k == 'dtype' else 'True' if k == 'where' else '_same_kind'}" for k in given)
    outputs = description["outputs"]
    if len(outputs) > 1:
        # As NumPy: several results may be given places one by one.
        at = next(i for i, p in enumerate(signature) if p.name == "out")
        places = [f"out{i + 1}" for i in range(len(outputs))]
        signature[at:at] = [*(Parameter("", p, "", None, "") for p in places), Parameter("", "*", "mark", inspect.Parameter.empty, "")]
        given_one = " or ".join(f"{p} is not None" for p in places)
        lines = [f"out = _places(out, ({', '.join(places)})) if {given_one} else out"]
    else:
        lines = []
    if "order" in keywords:
        lines.append("if order != 'K': _check_order(order)")
    lines += [
        f"if not ({is_plain}):",
        f"    return _call_ufunc(_op, {operands}, ({values}), out=out, {', '.join(f'{k}={k}' for k in given)})",
        f"result = _apply(_op, {operands}, ({values}))",
        "return _finish(result, out, _op.name) if out is not None else result",
    ]
    scope = {"_apply": apply, "_op": made, "_finish": finish, "_call_ufunc": call_ufunc, "_same_kind": SAME_KIND}
    scope |= {"_check_order": check_order, "_places": _places}
    f: Any = define(name, signature, lines, scope, keywords=keywords)
    f.__doc__ = docstring(description, signature)
    f.__module__ = "mars.tensor"
    for m in ("reduce", "accumulate", "reduceat", "outer", "at"):
        setattr(f, m, _ufunc_method(name, m))
    f.nin, f.nout = len(description["inputs"]), len(outputs)
    f.nargs = f.nin + f.nout
    return f  # type: ignore[no-any-return]


def _places(out: Any, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where the results of a ufunc go that were named one by one."""
    if out is not None:
        raise TypeError("cannot specify 'out' as both a positional and keyword argument")
    return given


def _ufunc_method(name: str, which: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        from mars.tensor import _dispatch

        return _dispatch.ufunc_method(name, which, args, kwargs)

    call.__name__, call.__qualname__ = which, f"{name}.{which}"
    return call


def _separate(description: dict[str, Any], made: Op, found: list[Parameter]) -> Callable[..., Any]:
    """A function of separate tensors, with attributes by keyword."""
    attributes = description["attributes"]
    only = [Parameter(a["name"], a["name"], a["kind"], a.get("default"), "") for a in attributes]
    for name, _, default in (t.partition("=") for t in description["signature"]):
        if default:
            only.append(Parameter("", name, "silent", default == "True", ""))
    values = "".join(f"{p.name}, " for p in only)
    if is_open(description):
        # One for each argument: a tuple and nothing else, as the array API standard has it.
        lines = [f"return tuple(_apply_open(_op, tensors, ({values}))) if tensors else ()"]
    else:
        lines = [f"made = [_apply(_op, (t,), ({values})) for t in tensors]", "return made[0] if len(made) == 1 else tuple(made)"]
    f: Any = define(made.name, only, lines, {"_apply": apply, "_apply_open": apply_open, "_op": made}, "*tensors")
    f.__doc__ = docstring(description, found)
    f.__module__ = "mars.tensor"
    return f  # type: ignore[no-any-return]
