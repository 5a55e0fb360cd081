"""Signatures of functions made of operators: parameters in NumPy's order, and those that NumPy has and that ask for nothing here."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class Parameter:
    """One parameter of a Python function: an input or an attribute."""

    __slots__ = ("declared", "default", "doc", "kind", "name")

    def __init__(self, declared: str, name: str, kind: str, default: Any, doc: str) -> None:
        self.declared = declared  # in the library
        self.name = name
        self.kind = kind  # "input", "inputs" (variadic), "optional" (None: left out) or an attribute's kind
        self.default = default
        self.doc = doc


def parameters(description: dict[str, Any]) -> list[Parameter]:
    """Parameters in the order of Python's signature: those without a default first."""
    inputs = []
    for i in description["inputs"]:
        kind = "optional" if i["optional"] else "inputs" if i["variadic"] else "input"
        default = None if i["optional"] else i.get("default", inspect.Parameter.empty)
        inputs.append(Parameter(i["name"], i["name"], kind, default, i["doc"]))
    found = []
    for first in (True, False):
        for a in description["attributes"]:
            if a["first"] == first:
                default = a.get("default", inspect.Parameter.empty)
                found.append(Parameter(a["name"], a["name"], a["kind"], default, a["doc"]))
        if first:
            found += inputs
    required = [p for p in found if p.default is inspect.Parameter.empty]
    optional = [p for p in found if p.default is not inspect.Parameter.empty and p.kind != "optional"]
    return required + optional + [p for p in found if p.kind == "optional"]


# Parameters of NumPy's that ask for nothing here: results have no memory order of their own, there are no subclasses, inputs stay as they
# are, and the library chooses how it computes.  What they may be, None for anything.
_WITHOUT_MEANING: dict[str, tuple[Any, ...] | None] = {
    "assume_unique": None, "copy": None, "kind": (None, "sort", "table"), "order": ("K", "C", "F", "A", None), "overwrite_input": None,
    "subok": None, "writeable": (False,),
}  # fmt: skip


def checked_copy(copy: Any) -> bool | None:
    """Whether to copy, as a truth value or None, where that is needed; a text is refused, because every text would be true."""
    if isinstance(copy, str):
        raise ValueError("strings are not allowed for 'copy' keyword. Use True/False/None instead.")
    return None if copy is None else bool(copy)


def check_order(order: Any, allowed: tuple[Any, ...] = ("K", "C", "F", "A", None)) -> None:
    """Refuses what is no memory order."""
    if (order.upper() if isinstance(order, str) else order) not in allowed:
        if allowed == (None,):
            raise ValueError("Cannot specify order when the array has no fields.")
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")


def ordered(description: dict[str, Any], found: list[Parameter]) -> tuple[list[Parameter], list[str]]:
    """The parameters in the order of NumPy's function, with its marks `/` and `*`, and lines that check those without a meaning."""
    if not description["signature"]:
        return list(found), []
    known = {p.name: p for p in found}
    known["out"] = Parameter("out", "out", "", None, "")
    known["device"] = Parameter("device", "device", "", None, "")
    signature: list[Parameter] = []
    checks: list[str] = []
    for token in description["signature"]:
        name, _, default = token.partition("=")
        if not default:
            signature.append(known[name] if name in known else Parameter("", name, "mark", inspect.Parameter.empty, ""))
            continue
        value = {"None": None, "True": True, "False": False}.get(default, default)
        signature.append(Parameter("", name, "silent", value, ""))
        allowed = _WITHOUT_MEANING[name]
        if name == "order":
            checks.append(
                f"if order is not {value!r}: _check_order(order{'' if value else ', (None,)'})"
                if value is None
                else f"if order != {value!r}: _check_order(order)"
            )
        elif allowed is not None:
            checks.append(f'if {name} not in {allowed!r}: raise ValueError(f"Invalid {name}: {{{name}}}.")')
    given = {p.name for p in signature}
    rest = [p for p in found if p.name not in given]
    if rest and not any(p.name == "*" for p in signature):
        signature.append(Parameter("", "*", "mark", inspect.Parameter.empty, ""))
    return signature + rest, checks


def docstring(description: dict[str, Any], found: list[Parameter]) -> str:
    lines = [description["summary"]]
    if description["details"]:
        lines += ["", description["details"]]
    if description["dtypes"]:
        lines += ["", f"dtypes: {description['dtypes']}."]
    documented = [p for p in found if p.doc]
    if documented:
        lines += ["", "Parameters", "----------"]
        for p in documented:
            lines += [p.name, f"    {p.doc}"]
    if description["numpy"]:
        lines += ["", f"As {description['numpy']}."]
    if description["example"]:
        lines += ["", "Example", "-------", *description["example"].splitlines()]
    return "\n".join(lines)


def define(
    name: str, found: list[Parameter], lines: list[str], scope: dict[str, Any], first: str = "", keywords: dict[str, Any] | None = None
) -> Callable[..., Any]:
    """A function of these parameters (after a parameter `first`, before those by keyword only) with this body.

    Its defaults are the very objects of the declaration: `apply` knows by them what the caller did not give.
    """
    text = [first] if first else []
    defaults: list[Any] = []
    only: dict[str, Any] = {}
    is_only = first.startswith("*")
    for p in found:
        if p.kind == "mark":
            text.append(p.name)
            is_only = is_only or p.name == "*"
        elif p.default is inspect.Parameter.empty:
            text.append(p.name)
        else:
            text.append(f"{p.name}=None")
            if is_only:
                only[p.name] = p.default
            else:
                defaults.append(p.default)
    if keywords:
        text += [*([] if is_only else ["*"]), *(f"{k}=None" for k in keywords)]
        only |= keywords
    source = f"def {name}({', '.join(text)}):\n    " + "\n    ".join(lines)
    exec(compile(source, f"<mars {name}>", "exec"), scope)
    made: Any = scope[name]
    made.__defaults__, made.__kwdefaults__ = tuple(defaults), only
    return made  # type: ignore[no-any-return]
