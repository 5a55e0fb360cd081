"""The C interface of mars.h through ctypes: library, structs, prototypes and errors.

Nothing here knows an operator or a rule of NumPy.  Functions that are called often are reached twice: with checked prototypes as
attributes of `lib`, and without prototypes through `unchecked` for callers that prepare their arguments once.
"""

from __future__ import annotations

import ctypes
import json
import os
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from typing import Any, NoReturn

import numpy as np

MAX_DIMS = 64


# ---- the library ----


def _find() -> str:
    """Path of libmars.so: the environment variable MARS_LIBRARY, then the file beside this package."""
    named = os.environ.get("MARS_LIBRARY")
    if named:
        return named
    packaged = os.path.join(os.path.dirname(__file__), "libmars.so")
    if os.path.exists(packaged):
        return packaged
    raise ImportError(f"libmars.so was not found at {packaged}; set MARS_LIBRARY to its path")


_path = _find()
try:
    lib = ctypes.CDLL(_path)
    unchecked = ctypes.CDLL(_path)
except OSError as error:
    raise ImportError(f"cannot load {_path}: {error}") from error


# ---- structs, in the order of mars.h ----


class Error(Structure):
    _fields_ = [
        ("struct_size", c_uint32), ("code", c_int32), ("message", c_char_p), ("op", c_char_p), ("origin", c_char_p),
        ("system_error", c_int32), ("path", c_char_p),
    ]  # fmt: skip


class Array(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("flags", c_uint32),
        ("data", c_void_p),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("owner", c_void_p),
        ("release", c_void_p),
    ]


class Operand(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("tensor", c_void_p),
        ("i", c_int64),
        ("re", c_double),
        ("im", c_double),
    ]


class Attribute(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("kind", c_int32),
        ("name", c_void_p),
        ("dtype", c_int32),
        ("reserved", c_int32),
        ("i", c_int64),
        ("re", c_double),
        ("im", c_double),
        ("count", c_int64),
        ("data", c_void_p),
    ]


class TensorInfo(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("dtype", c_int32),
        ("ndim", c_int32),
        ("is_executed", c_int32),
        ("shape", c_int64 * MAX_DIMS),
        ("is_scalar", c_int32),
        ("is_read_only", c_int32),
    ]


class Binding(Structure):
    _fields_ = [("struct_size", c_uint32), ("reserved", c_uint32), ("name", c_char_p), ("tensor", c_void_p)]


class Progress(Structure):
    _fields_ = [("struct_size", c_uint32), ("is_done", c_int32), ("tasks_done", c_int64), ("tasks_total", c_int64)]


ARRAY_READONLY = 1
COPY, ALIAS = 0, 1
PARSE_ALLOW_FILES = 1
NEEDS_INPUTS, NEEDS_FILES, NEEDS_FUNCTIONS = 1, 2, 4

Release = ctypes.CFUNCTYPE(None, c_void_p)
ChunkFunction = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Array), POINTER(Array), POINTER(c_int64), c_void_p, c_size_t)
Patience = ctypes.CFUNCTYPE(c_int32, c_void_p)


def for_ever(callback: Any) -> Any:
    """Keeps a callback until the process ends: memory may still be released when the interpreter has taken its modules apart."""
    increment = ctypes.PyDLL(None).Py_IncRef
    increment.argtypes, increment.restype = [ctypes.py_object], None
    increment(callback)
    return callback


# ---- prototypes ----

_handle = c_void_p
_out = c_void_p  # address of what a function writes

_status_functions: dict[str, list[Any]] = {
    "mars_error_last": [POINTER(Error)],
    "mars_dtype_promote": [POINTER(c_int32), c_int32, c_int32],
    "mars_dtype_can_cast": [POINTER(c_int32), c_int32, c_int32, c_char_p],
    "mars_session_open": [POINTER(_handle), POINTER(c_char_p), POINTER(c_char_p), c_size_t],
    "mars_session_default": [POINTER(_handle)],
    "mars_session_options": [POINTER(_handle), _handle],
    "mars_session_set_option": [_handle, c_char_p, c_char_p],
    "mars_session_claim": [_handle, c_int32],
    "mars_session_statistics": [POINTER(_handle), _handle],
    "mars_session_trace": [POINTER(_handle), _handle],
    "mars_op_describe_all": [POINTER(_handle)],
    "mars_op_describe": [POINTER(_handle), c_char_p],
    "mars_op_find": [POINTER(c_int32), c_char_p],
    "mars_graph_new": [POINTER(_handle)],
    "mars_graph_input": [POINTER(_handle), _handle, c_char_p, c_int32, POINTER(c_int64), c_int32],
    "mars_graph_output": [_handle, c_char_p, _handle],
    "mars_graph_input_count": [POINTER(c_int64), _handle],
    "mars_graph_output_count": [POINTER(c_int64), _handle],
    "mars_graph_get_input": [POINTER(_handle), POINTER(_handle), _handle, c_int64],
    "mars_graph_get_output": [POINTER(_handle), POINTER(_handle), _handle, c_int64],
    "mars_graph_apply": [_out, c_size_t, _handle, c_int32, c_void_p, c_size_t, c_void_p, c_size_t, c_char_p],
    "mars_graph_serialize": [POINTER(_handle), _handle],
    "mars_graph_parse": [POINTER(_handle), c_char_p, c_size_t, c_uint32],
    "mars_tensor_from_array": [POINTER(_handle), POINTER(Array), c_int32, POINTER(c_int64)],
    "mars_tensor_describe": [POINTER(TensorInfo), _handle],
    "mars_tensor_chunks_while": [POINTER(_handle), _handle, _handle, Patience, c_void_p],
    "mars_tensor_assign": [_handle, c_void_p, c_char_p],
    "mars_tensor_store": [_handle, _handle, c_char_p, c_char_p, c_char_p],
    "mars_tensor_shares_storage": [POINTER(c_int32), _handle, _handle],
    "mars_tensor_shares_memory": [POINTER(c_int32), _handle, _handle, c_int32],
    "mars_tensor_needs": [POINTER(c_int32), _handle],
    "mars_tensor_snapshot": [POINTER(_handle), _handle],
    "mars_tensor_map_chunk": [POINTER(_handle), _handle, c_int32, ChunkFunction, c_void_p, Release, c_char_p],
    "mars_tensor_to_dlpack": [POINTER(c_void_p), _handle, _handle],
    "mars_tensor_from_dlpack": [POINTER(_handle), c_void_p],
    "mars_execute_async": [_out, _handle, c_void_p, c_size_t, c_void_p, c_size_t],
    "mars_run_progress": [POINTER(Progress), _handle],
    "mars_run_wait": [_handle, c_double],
    "mars_run_results": [c_void_p, c_size_t, _handle],
    "mars_run_cancel": [_handle],
    "mars_run_settle": [_handle, c_double],
    "mars_fetch": [POINTER(Array), _handle, _handle],
    "mars_fetch_into": [_handle, _handle, POINTER(Array)],
    "mars_explain_while": [POINTER(_handle), _handle, c_void_p, c_size_t, Patience, c_void_p],
    "mars_plan_cut": [POINTER(_handle), _handle, c_void_p, c_size_t, c_int64],
}
_void_functions: dict[str, list[Any]] = {
    "mars_string_release": [_handle],
    "mars_session_release": [_handle],
    "mars_graph_release": [_handle],
    "mars_tensor_release": [_handle],
    "mars_run_release": [_handle],
    "mars_array_release": [POINTER(Array)],
}

for _name, _arguments in _status_functions.items():
    _function = getattr(lib, _name)
    _function.argtypes = _arguments
    _function.restype = c_int32
for _name, _arguments in _void_functions.items():
    _function = getattr(lib, _name)
    _function.argtypes = _arguments
    _function.restype = None
lib.mars_version.restype = c_char_p
lib.mars_version.argtypes = []
lib.mars_string_data.argtypes = [_handle]
lib.mars_string_data.restype = c_void_p
lib.mars_string_size.argtypes = [_handle]
lib.mars_string_size.restype = c_int64


_instance_method = ctypes.PyDLL(None).PyInstanceMethod_New
_instance_method.argtypes, _instance_method.restype = [ctypes.py_object], ctypes.py_object


def finalizer(release: Any) -> Any:
    """A `__del__` that gives the object itself, by its `_as_parameter_`, to a function of the library.

    In a `__del__` of Python the handler of a signal may run, and KeyboardInterrupt would be lost there.
    """
    return _instance_method(release)


def received(release: Any, function: Any, *arguments: Any) -> int:
    """The handle that a function of the library writes; released where an interrupt comes instead of the answer.

    Whoever calls this must store what it gives before anything else is called.
    """
    out = c_void_p()
    try:
        check(function(byref(out), *arguments))
        return out.value or 0
    except BaseException:
        release(out)
        raise


def content(string: c_void_p) -> bytes:
    """Bytes of a string of the library, which stays."""
    return ctypes.string_at(lib.mars_string_data(string), lib.mars_string_size(string))


def text(function: Any, *arguments: Any) -> bytes:
    """Bytes of the string that a function of the library writes."""
    out = c_void_p()
    try:
        check(function(byref(out), *arguments))
        return content(out)
    finally:
        lib.mars_string_release(out)


def json_of(function: Any, *arguments: Any) -> Any:
    """What a function of the library that writes a JSON string says."""
    return json.loads(text(function, *arguments))


# ---- errors ----

OS, CANCELLED, CALLBACK, TIMEOUT, UNKNOWN_EXTENTS = -8, -9, -12, -14, -16

_exceptions: dict[int, type[BaseException]] = {
    -1: ValueError,
    -2: TypeError,
    -3: IndexError,
    -4: np.exceptions.AxisError,
    -5: np.linalg.LinAlgError,
    -6: MemoryError,
    -7: OverflowError,
    OS: OSError,
    CANCELLED: KeyboardInterrupt,
    -10: ValueError,
    -11: NotImplementedError,
    CALLBACK: RuntimeError,
    -13: ValueError,
    TIMEOUT: TimeoutError,
    UNKNOWN_EXTENTS: NotImplementedError,
}

# Exceptions that functions of the client raised inside runs, by the number that stands before their message: what another run fails with
# at the same time is another's.  Those that nobody asks for are dropped.
raised_exceptions: dict[int, BaseException] = {}
_numbers = iter(range(1, 1 << 62))
_MOST_RAISED = 64


def c_text(text: str, what: str) -> bytes:
    """UTF-8 for a C string."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a string, not {type(text).__name__}")
    return c_bytes(text.encode(), what)


def c_bytes(text: bytes, what: str) -> bytes:
    """Bytes for a C string, which ends at a NUL: what has one inside is refused instead of cut."""
    if b"\0" in text:
        raise ValueError(f"{what} must not contain a null character: {text!r}")
    return text


_MARK = "\x1e"


def raised(error: BaseException) -> bytes:
    """The message by which the library reports an exception of the client's function."""
    number = next(_numbers)
    raised_exceptions[number] = error
    for old in list(raised_exceptions)[:-_MOST_RAISED]:
        raised_exceptions.pop(old, None)
    return f"{number}{_MARK}{type(error).__name__}: {error}".encode(errors="replace")


def _cause(message: str) -> tuple[str, BaseException | None]:
    """A message without its number, and the exception that it stands for."""
    number, mark, text = message.partition(_MARK)
    if not mark or not number.isdigit():
        return message, None
    return text, raised_exceptions.pop(int(number), None)


def fail(status: int, running: bool = False) -> NoReturn:
    """Raises what the last failed call on this thread reported; `running` adds the operator and the place of its creation."""
    record = Error(struct_size=ctypes.sizeof(Error))
    lib.mars_error_last(byref(record))
    message = (record.message or b"").decode(errors="replace") if record.code == status else f"error {status} of libmars"
    cause = None
    if status == CALLBACK:
        message, cause = _cause(message)
        if cause is not None and not isinstance(cause, Exception):
            raise cause  # KeyboardInterrupt or SystemExit: not an error of the function
    if running and record.code == status and (record.op or record.origin):
        op, origin = (record.op or b"").decode(), (record.origin or b"").decode()
        where = ", ".join(([f"operator {op}"] if op else []) + ([f"created at {origin}"] if origin else []))
        message = f"{message} [{where}]"
    if status == OS and record.code == status and record.system_error:
        # Of the subclass that the number says; Python puts the file behind the message.
        file = os.fsdecode(record.path) if record.path else None
        raise OSError(record.system_error, message.replace(f" '{file}'", ""), *([file] if file else []))
    raise _exceptions.get(status, RuntimeError)(message) from cause


def check(status: int) -> None:
    if status:
        fail(status)


# ---- element types ----

_names = [
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
BFLOAT16 = 11

# Codes of mars.h, for everything that names a dtype and has been seen.
_codes: dict[Any, int] = {}
# dtypes of NumPy by code; None where it is not known.
_dtypes: list[np.dtype[Any] | None] = [None]
for _code, _name in enumerate(_names, 1):
    if _code == BFLOAT16:
        _codes["bfloat16"] = _code
        _dtypes.append(None)
        continue
    _dtype = np.dtype(_name)
    _dtypes.append(_dtype)
    _codes[_dtype] = _codes[_dtype.type] = _codes[_name] = _code
_codes.update({bool: 1, int: 5, float: 13, complex: 15})


def _bfloat16() -> np.dtype[Any]:
    """The bfloat16 of the package ml_dtypes, which NumPy does not have itself."""
    try:
        import ml_dtypes
    except ImportError:
        raise ImportError("bfloat16 in Python needs the package ml_dtypes") from None
    dtype: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    _dtypes[BFLOAT16] = dtype
    _codes[dtype] = _codes[dtype.type] = BFLOAT16
    return dtype


def dtype_of(code: int) -> np.dtype[Any]:
    return _dtypes[code] or _bfloat16()


def dtype_name(code: int) -> str:
    return _names[code - 1]


def code_of(dtype: Any) -> int:
    """The code of anything that NumPy takes as a dtype."""
    try:
        code = _codes.get(dtype)
        if code is not None:
            return code
    except TypeError:  # not hashable
        pass
    d = np.dtype(dtype)
    if d.name == "bfloat16" and _dtypes[BFLOAT16] is None:
        _bfloat16()
    code = _codes.get(d.newbyteorder("="))
    if code is None:
        raise TypeError(f"dtype {d} is not supported")
    return code


def can_cast(source: int, target: int, casting: str) -> bool:
    """Whether the library casts from one code to another under a rule of NumPy's."""
    answer = c_int32()
    check(lib.mars_dtype_can_cast(byref(answer), source, target, c_text(casting, "casting")))
    return answer.value != 0


def version() -> str:
    """Version of the library, such as '0.1.0'."""
    return str(lib.mars_version().decode())
