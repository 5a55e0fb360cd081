"""Calls that type checkers must refuse: every line with the error that it is."""

import mars.tensor as mt

a = mt.ones((2, 3))
a.sum(axes=1)  # call-arg
a.summ()  # attr-defined
mt.no_such_function(a)  # attr-defined
mt.sum(a, axis="x")  # arg-type
mt.zeros()  # call-arg
n: int = a + 1  # assignment
mt.random.uniform(size="x")  # arg-type
mt.concatenate(a, 0, dtype=1.5)  # arg-type
mt.random.no_such_distribution()  # attr-defined
mt.random.RandomState(1).no_such_distribution()  # attr-defined
mt.linalg.no_such_function(a)  # attr-defined
mt.random.rand("x")  # arg-type
a[0].summ()  # attr-defined
