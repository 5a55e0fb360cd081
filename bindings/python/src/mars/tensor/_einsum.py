"""`einsum`, whose subscripts are a text or stand beside the operands as numbers."""

from __future__ import annotations

import operator
from typing import Any

from mars._operators import apply
from mars.tensor import _registry, _signatures
from mars.tensor._functions import attributes, written
from mars.tensor._registry import op
from mars.tensor._tensor import Tensor


@written
def einsum(
    subscripts: Any = None, *operands: Any, out: Any = None, dtype: Any = None, casting: str = "safe", optimize: Any = True,
    order: str = "K",
) -> Tensor:  # fmt: skip
    _signatures.check_order(order)
    if subscripts is None and not operands:
        raise ValueError(
            "must specify the einstein sum subscripts string and at least one operand, or at least one operand and its corresponding "
            "subscripts list"
        )
    if not isinstance(subscripts, str):
        subscripts, operands = _lettered((subscripts, *operands))
    made = apply(op("einsum"), operands, attributes("einsum", subscripts=subscripts, dtype=dtype, casting=casting))
    return _registry.finish(made, out, "einsum", casting)  # type: ignore[no-any-return]


def _lettered(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Subscripts as letters, of operands that are each followed by the numbers of their axes."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    def letter(i: Any) -> str:
        if i is Ellipsis:
            return "..."
        if not 0 <= operator.index(i) < len(letters):
            raise ValueError("subscript is not within the valid range [0, 52)")
        return letters[operator.index(i)]

    def text(numbers: Any) -> str:
        return "".join(map(letter, numbers))

    operands, numbers = given[0 : len(given) // 2 * 2 : 2], given[1::2]
    subscripts = ",".join(map(text, numbers))
    return (f"{subscripts}->{text(given[-1])}" if len(given) % 2 else subscripts), operands
