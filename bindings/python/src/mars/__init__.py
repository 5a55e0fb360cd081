"""Mars: NumPy's interface over an engine that computes large tensors chunk by chunk.

>>> import mars.tensor as mt
>>> (mt.random.rand(1000, 2000) + 1).sum(axis=1).execute()
"""

from mars import tensor as tensor
from mars._abi import version as library_version
from mars._graph import Graph
from mars._options import options
from mars._session import Session, execute, explain, fetch, new_session
from mars._session import current as current_session
from mars._version import __version__ as __version__

__all__ = [
    "Graph", "Session", "current_session", "execute", "explain", "fetch", "library_version", "new_session", "options", "tensor",
]  # fmt: skip
