/* Mars: an embeddable engine for large tensors.
 *
 * Calls build a graph of tensors and operators; nothing is computed until mars_execute.  ops.h beside this file has a function for every
 * operator; docs/operators.md describes them, and mars_op_describe_all does while a program runs.
 *
 * Conventions
 *   - Names are mars_noun_verb.  Outputs come first and are untouched on failure.
 *   - A function that can fail returns mars_status: MARS_OK or a negative code; mars_error_last then tells what happened, per thread.
 *   - Handles (mars_session, mars_graph, mars_tensor, mars_run) are reference counted, may be used from any thread and released in any
 *     order.  NULL is accepted by every release.  Each call is atomic; a read followed by a write (a += 1 is an apply and an assign) is not.
 *     As with free(), a handle released more often than it was had, or used after its last release, is undefined behaviour.
 *   - Structs start with struct_size: set it to sizeof the struct.  Zero every field that is not used.
 *   - Memory handed over travels with an owner and a release function.  A failing call has taken nothing: neither release nor destroy
 *     is called.
 *   - NULL where a handle or an output is needed, and a handle of another kind, give MARS_ERROR_HANDLE.
 *   - Callbacks (release, destroy, mars_chunk_function) come on any thread, several at once, and never while the library holds a lock.  They
 *     may call mars_*; inside a mars_chunk_function a call that would have to wait for a run fails with MARS_ERROR_VALUE, because it would
 *     hold up the threads that compute (what is at hand can be fetched, and tiny graphs run on the calling thread).
 *   - Strings are UTF-8 and end with NUL.  The library never prints, exits or installs signal handlers.
 */
#ifndef MARS_MARS_H
#define MARS_MARS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MARS_VERSION_MAJOR 0
#define MARS_VERSION_MINOR 1
#define MARS_VERSION_PATCH 0

/* Most axes that a tensor may have. */
#define MARS_MAX_DIMS 64

typedef struct mars_session mars_session;
typedef struct mars_graph mars_graph;
typedef struct mars_tensor mars_tensor;
typedef struct mars_run mars_run;
typedef struct mars_string mars_string;

/* ---- status and errors ---- */

typedef int32_t mars_status;
#define MARS_OK 0
#define MARS_ERROR_VALUE (-1)
#define MARS_ERROR_TYPE (-2)
#define MARS_ERROR_INDEX (-3)
#define MARS_ERROR_AXIS (-4)
#define MARS_ERROR_LINALG (-5)
#define MARS_ERROR_MEMORY (-6)
#define MARS_ERROR_OVERFLOW (-7)
#define MARS_ERROR_OS (-8)
#define MARS_ERROR_CANCELLED (-9)
#define MARS_ERROR_FORMAT (-10)
#define MARS_ERROR_UNSUPPORTED (-11)
#define MARS_ERROR_CALLBACK (-12)
#define MARS_ERROR_HANDLE (-13)
#define MARS_ERROR_TIMEOUT (-14)
#define MARS_ERROR_INTERNAL (-15)
/* The call has to know extents that only running finds: execute the tensors that have them, and call again. */
#define MARS_ERROR_UNKNOWN_EXTENTS (-16)

/* What the last failed call on this thread reported.  Successful calls leave it as it is.  Pointers stay valid until the next failing call
 * on the thread. */
typedef struct mars_error {
  uint32_t struct_size;
  mars_status code;
  const char *message; /* one sentence */
  const char *op;      /* operator that was applied, or "" */
  const char *origin;  /* where the failing node was created, as given to mars_graph_apply, or "" */
  int32_t system_error; /* errno of the call of the operating system that failed, or 0 */
  const char *path;     /* the file that it was for, or "" */
} mars_error;

/* Copies the record of the last failure on this thread; code MARS_OK if there was none.  Texts end after 1023 bytes (op 127, origin 511): the
 * record must not need memory.  A failure of this call itself (NULL, a struct_size that was not set) leaves the record as it is; a struct_size
 * that ends before system_error leaves out what follows. */
mars_status mars_error_last(mars_error *out);

/* "0.1.0". */
const char *mars_version(void);

/* ---- strings returned by the library ---- */

const char *mars_string_data(const mars_string *string);
/* Bytes, without the final NUL. */
int64_t mars_string_size(const mars_string *string);
void mars_string_release(mars_string *string);

/* ---- element types ---- */

typedef int32_t mars_dtype;
#define MARS_BOOL 1
#define MARS_INT8 2
#define MARS_INT16 3
#define MARS_INT32 4
#define MARS_INT64 5
#define MARS_UINT8 6
#define MARS_UINT16 7
#define MARS_UINT32 8
#define MARS_UINT64 9
#define MARS_FLOAT16 10
#define MARS_BFLOAT16 11
#define MARS_FLOAT32 12
#define MARS_FLOAT64 13
#define MARS_COMPLEX64 14
#define MARS_COMPLEX128 15

/* Common dtype of two, as numpy.promote_types. */
mars_status mars_dtype_promote(mars_dtype *out, mars_dtype a, mars_dtype b);
/* 1 or 0: numpy.can_cast(from, to, casting); casting is "no", "equiv", "safe", "same_kind" or "unsafe". */
mars_status mars_dtype_can_cast(int32_t *out, mars_dtype from, mars_dtype to, const char *casting);

/* ---- sessions ---- */

/* Opens a session.  Threads and memory belong to the process, and so do the limits on them: of the sessions that are open, the smallest
 * memory_limit holds for all, and for workers, spill_dir and cache_dir the one opened last that names them decides.  A session asks for what
 * its options say from its opening until its last handle is released, or until mars_session_claim says otherwise; mars_session_options shows
 * what holds.  An error about memory says so where the limit is that of another session.
 * Options are key/value strings, `count` of each; an unknown key is an error.
 *   "workers"       threads of the process-wide pool; "0" or absent: one per processor
 *   "memory_limit"  a whole number of bytes, or a number with a unit: K, M, G, T, KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB, TB (powers
 *                   of 1000), as in "1.5GiB"; decimal; "0" or absent: most of the machine's memory
 *   "spill_dir"     directory for chunks that do not fit; absent: below the system's temporary directory.  One that cannot be written to,
 *                   or made, is MARS_ERROR_OS here.  Chunks that lie elsewhere already stay there until nobody needs them
 *   "cache_dir"     directory of compiled kernels; "" turns the disk cache off
 *   "trace"         "1" records trace events
 * The whole list with texts is in mars_session_options. */
mars_status mars_session_open(mars_session **out, const char *const *keys, const char *const *values, size_t count);
/* The process's default session, opened at the first call. */
mars_status mars_session_default(mars_session **out);
/* JSON: [{"name", "value", "doc"}]: every option with its value in this session. */
mars_status mars_session_options(mars_string **out, mars_session *session);
mars_status mars_session_set_option(mars_session *session, const char *key, const char *value);
/* Whether what the session's options ask of the process counts: 1 as from its opening, 0 until it is 1 again.  For a session that stays open
 * while another takes its place. */
mars_status mars_session_claim(mars_session *session, int32_t claims);
/* JSON object of counters: tasks, inline_runs, compiles, cache_hits, disk_hits, spilled_bytes, unspilled_bytes, peak_bytes, ... */
mars_status mars_session_statistics(mars_string **out, mars_session *session);
/* Chrome trace JSON of events since the last call. */
mars_status mars_session_trace(mars_string **out, mars_session *session);
mars_session *mars_session_retain(mars_session *session);
void mars_session_release(mars_session *session);

/* ---- arrays: memory that crosses the interface ---- */

#define MARS_ARRAY_READONLY 1u /* of `flags`: the one there is; others are MARS_ERROR_VALUE */

typedef struct mars_array {
  uint32_t struct_size;
  mars_dtype dtype;
  int32_t ndim;
  uint32_t flags;
  void *data;
  const int64_t *shape;
  const int64_t *strides; /* in bytes; NULL: C order */
  void *owner;
  void (*release)(void *owner); /* NULL: nothing to release */
} mars_array;

/* Gives back what an array from mars_fetch holds; the array may be released after the session. */
void mars_array_release(mars_array *array);

/* ---- operators ---- */

/* JSON array of all operators, objects of:
 *   name, namespace (null: not for clients), numpy, summary, details, example (texts),
 *   also_in, aliases, method, operators (Python's), reduce_of, accumulate_of (ufuncs): where else clients find it
 *   signature   parameters of clients' functions, where they are not inputs and then attributes: names, "/" and "*" as in Python
 *   writes_first  whether it stores its result in its first operand
 *   separate    whether clients give tensors as arguments of their own, not as a list; with one input, one result for each
 *   source      whether it makes a tensor of what is none of that size
 *   device      whether NumPy's function has a parameter `device`
 *   inputs      [{name, variadic, optional, default, doc}]; a variadic input is the last one and stands for zero or more operands; an optional
 *               one, and one with a default, a number that then stands for it, may be left out (MARS_OPERAND_NONE); those that must be
 *               given come first
 *   attributes  [{name, kind, required, default, since, first, separate, role, doc}]: kind is "bool", "int", "float", "string", "dtype", "scalar", "ints", "strings"
 *               or "bytes", for MARS_ATTR_BOOL to MARS_ATTR_BYTES; an attribute that is not required and not given has its default; null is
 *               NumPy's None, which MARS_ATTR_NONE gives; first: clients give it before the inputs; separate: a method takes its integers as
 *               arguments of their own; role: what integers stand for, "number", "extent" (no truth value; beyond 64 bits an error of value), "axis" (no
 *               truth value) or "diagonal" (beyond 64 bits the nearest)
 *   outputs     names; the last may end in "...", see mars_graph_apply
 *   dtypes      of a ufunc what it gives for which dtypes, in words: "integers -> float64; floats, complex -> the same"; else ""
 *   ufunc       whether it also takes "dtype" (kind dtype: selects the loop, and so the dtype of the result) and "casting" (kind string:
 *               "no", "equiv", "safe", "same_kind", the default, or "unsafe"), as NumPy's ufuncs do
 *   effects     "pure", "readsExternal", "writes" or "callback"
 * Of random operators `seed` is a required MARS_ATTR_SCALAR of dtype MARS_UINT64 (mars_attr_uint64 of ops.h), `stream` an int: equal seeds
 * and streams give equal numbers, so take a new stream for every call. */
mars_status mars_op_describe_all(mars_string **out);
/* JSON object of one operator. */
mars_status mars_op_describe(mars_string **out, const char *name);
/* Number of an operator for mars_graph_apply; stable within the process. */
mars_status mars_op_find(int32_t *out, const char *name);

/* ---- graphs ---- */

/* A graph holds named inputs and outputs only; tensors own the nodes that they need. */
mars_status mars_graph_new(mars_graph **out);
mars_graph *mars_graph_retain(mars_graph *graph);
void mars_graph_release(mars_graph *graph);

/* Adds a named placeholder.  An extent of -1 is unknown until the graph is executed.  What is written to the tensor later does not change
 * what the name is bound to.  Names of inputs and outputs are not empty. */
mars_status mars_graph_input(mars_tensor **out, mars_graph *graph, const char *name, mars_dtype dtype, const int64_t *shape, int32_t ndim);
/* Names a result. */
mars_status mars_graph_output(mars_graph *graph, const char *name, mars_tensor *tensor);
mars_status mars_graph_input_count(int64_t *out, mars_graph *graph);
mars_status mars_graph_output_count(int64_t *out, mars_graph *graph);
/* The i-th input or output with its name; the tensor is a new reference. */
mars_status mars_graph_get_input(mars_tensor **out, mars_string **name, mars_graph *graph, int64_t i);
mars_status mars_graph_get_output(mars_tensor **out, mars_string **name, mars_graph *graph, int64_t i);

#define MARS_OPERAND_TENSOR 0
#define MARS_OPERAND_WEAK_BOOL 1
#define MARS_OPERAND_WEAK_INT 2
#define MARS_OPERAND_WEAK_UINT 3 /* integers above the range of int64: the value is the bits of `i` */
#define MARS_OPERAND_WEAK_FLOAT 4
#define MARS_OPERAND_WEAK_COMPLEX 5
#define MARS_OPERAND_WEAK_BIG 6 /* an integer that 64 bits do not hold: `re` is the nearest double, infinite from 2**1024 on */
#define MARS_OPERAND_NONE 7     /* nothing: the input in this place is left out */

/* A tensor, a scalar that takes its dtype from what it meets, as Python's scalars do in NumPy, or nothing. */
typedef struct mars_operand {
  uint32_t struct_size;
  int32_t kind;
  mars_tensor *tensor;
  int64_t i;
  double re;
  double im;
} mars_operand;

#define MARS_ATTR_NONE 0
#define MARS_ATTR_BOOL 1    /* i */
#define MARS_ATTR_INT 2     /* i */
#define MARS_ATTR_FLOAT 3   /* re */
#define MARS_ATTR_STRING 4  /* data: const char *, NUL terminated */
#define MARS_ATTR_DTYPE 5   /* i */
#define MARS_ATTR_SCALAR 6  /* dtype in `dtype`; value in i (integers, bool), re, im */
#define MARS_ATTR_INTS 7    /* data: const int64_t[count] */
#define MARS_ATTR_STRINGS 8 /* data: const char *const[count] */
#define MARS_ATTR_BYTES 9   /* data: const uint8_t[count] */

typedef struct mars_attribute {
  uint32_t struct_size;
  int32_t kind;
  const char *name;
  mars_dtype dtype;
  int32_t reserved;
  int64_t i;
  double re;
  double im;
  int64_t count;
  const void *data;
} mars_attribute;

/* Applies operator number `op` (mars_op_find).  Writes `out_count` new tensors, one per output of the operator.  An operator whose last
 * output is described with a name that ends in "..." has as many as its arguments say: `out_count` is room, what is left of it becomes NULL,
 * and too little of it is an error that names the number.
 * `inputs` are in the order in which they are described.  An input that may be left out (`optional`, or with a `default`) is left out by
 * MARS_OPERAND_NONE in its place, or, with all after it, by not being counted; MARS_OPERAND_NONE for any other input is MARS_ERROR_TYPE.
 * Operators that NumPy answers with a view give tensors that share storage with input 0.  `graph` is not looked at: the tensors own their
 * nodes, and it is there for graphs that may want to know of them one day; pass the graph that the call belongs to, or NULL.  An attribute of
 * kind int serves where a float, a scalar (of dtype int64) or ints are declared, a float where a scalar is.  `origin` names the place of the
 * call in the client's program for error messages, or NULL. */
mars_status mars_graph_apply(mars_tensor **out, size_t out_count, mars_graph *graph, int32_t op, const mars_operand *inputs, size_t input_count,
                             const mars_attribute *attributes, size_t attribute_count, const char *origin);

/* Graph file (graph.proto) of the graph's inputs and outputs and all that lies between. */
mars_status mars_graph_serialize(mars_string **out, mars_graph *graph);
#define MARS_PARSE_ALLOW_FILES 1u
/* Reads a graph file.  Operators that touch files are errors unless allowed by `flags`; those that call a client back always are.  Bits of
 * `flags` without a name here are MARS_ERROR_VALUE. */
mars_status mars_graph_parse(mars_graph **out, const void *bytes, size_t size, uint32_t flags);

/* ---- tensors ---- */

mars_tensor *mars_tensor_retain(mars_tensor *tensor);
void mars_tensor_release(mars_tensor *tensor);

#define MARS_COPY 0  /* snapshot now, which counts against memory_limit; the array's owner is released before the call returns */
#define MARS_ALIAS 1 /* use the memory in place; do not modify it until executed; released when no longer needed */
/* A tensor of an array.  `chunks`: preferred chunk extents, one per axis, positive or -1 for an axis in one piece; or NULL. */
mars_status mars_tensor_from_array(mars_tensor **out, const mars_array *array, int32_t mode, const int64_t *chunks);

typedef struct mars_tensor_info {
  uint32_t struct_size;
  mars_dtype dtype;
  int32_t ndim;
  int32_t is_executed; /* 1 if the value is at hand */
  int64_t shape[MARS_MAX_DIMS]; /* -1 where unknown */
  int32_t is_scalar;            /* 1 if it is a value without axes that never changes, as what a reduction or an index of integers gives */
  int32_t is_read_only;         /* 1 if it cannot be written to */
} mars_tensor_info;
/* Never runs anything. */
mars_status mars_tensor_describe(mars_tensor_info *out, const mars_tensor *tensor);
/* The same in parts: the cheap form.  Any of `dtype`, `ndim` and `shape` may be NULL; `shape` must have room for MARS_MAX_DIMS extents. */
mars_status mars_tensor_type(mars_dtype *dtype, int32_t *ndim, int64_t *shape, const mars_tensor *tensor);
/* JSON [[sizes along axis 0], ...] of the chunks that an execution would make or has made; null where unknown.  Never runs anything.
 * MARS_ERROR_VALUE for what depends on an input of a graph, which has no plan before data is bound. */
mars_status mars_tensor_chunks(mars_string **out, mars_session *session, mars_tensor *tensor);
/* The same for as long as `goes_on` answers what is not 0, or MARS_ERROR_CANCELLED.  Planning a large graph takes seconds: `goes_on` is asked
 * every millisecond or so, in the calling thread, and must not call Mars. */
typedef int32_t (*mars_patience)(void *user);
mars_status mars_tensor_chunks_while(
  mars_string **out, mars_session *session, mars_tensor *tensor, mars_patience goes_on, void *user);
/* Writes `value` (broadcast, cast) through the tensor's view into its storage: target[...] = value. */
mars_status mars_tensor_assign(mars_tensor *target, const mars_operand *value, const char *origin);
/* target[...] = result as NumPy's `out=` and `a += b` store what a function gave: the shapes must be equal (MARS_ERROR_VALUE) and the cast
 * allowed by `casting`, a rule of NumPy's (MARS_ERROR_TYPE); NULL: what `function` allows.  That is the name of the operator that gave it, or
 * NULL, which allows "same_kind".  The result of a ufunc broadcasts; that of any other function gives MARS_ERROR_UNKNOWN_EXTENTS while a shape is not known. */
mars_status mars_tensor_store(
  mars_tensor *target, const mars_tensor *result, const char *function, const char *casting, const char *origin);
/* 1 if the two tensors are views of one storage, also where these have no element in common. */
mars_status mars_tensor_shares_storage(int32_t *out, const mars_tensor *a, const mars_tensor *b);
/* 1 if a write to one of two tensors can change the other: with `exactly` 1 as numpy.shares_memory (and 1 where finding out takes too long),
 * with 0 as numpy.may_share_memory, by their first and last bytes.  1 where it depends on extents that are not known yet. */
mars_status mars_tensor_shares_memory(int32_t *out, const mars_tensor *a, const mars_tensor *b, int32_t exactly);
#define MARS_NEEDS_INPUTS 1    /* named inputs of a graph */
#define MARS_NEEDS_FILES 2     /* files that are read or written */
#define MARS_NEEDS_FUNCTIONS 4 /* functions of the client */
/* What executing the tensor needs beside its own data: bits MARS_NEEDS.  Looks at all of its graph. */
mars_status mars_tensor_needs(int32_t *out, const mars_tensor *tensor);
/* The tensor's current value as a tensor of its own, which later writes do not change. */
mars_status mars_tensor_snapshot(mars_tensor **out, const mars_tensor *tensor);

/* A function of the client called with one chunk: input and output have the same shape; `lower` is the place of the chunk in the tensor.
 * Chunks may be strided.  A call may end after its run was cancelled.  Returns 0, or non-zero with a message in `message` (NUL terminated,
 * `message_size` bytes at most).  Called by the threads that compute, as many at once as there are workers; see Conventions for what it may
 * call. */
typedef int32_t (*mars_chunk_function)(void *user, const mars_array *input, mars_array *output, const int64_t *lower, char *message, size_t message_size);
/* map_chunk: `function` applied to every chunk, result dtype `dtype`.  `destroy` (may be NULL) is called once, when nothing needs `user`
 * any more, on any thread. */
mars_status mars_tensor_map_chunk(mars_tensor **out, mars_tensor *tensor, mars_dtype dtype, mars_chunk_function function, void *user,
                                  void (*destroy)(void *user), const char *origin);

/* DLPack 1.0 (versioned).  `managed` is DLManagedTensorVersioned *. */
mars_status mars_tensor_to_dlpack(void **managed, mars_session *session, mars_tensor *tensor);
mars_status mars_tensor_from_dlpack(mars_tensor **out, void *managed);

/* ---- running ---- */

/* Binds data to a named input; binding a name twice is an error. */
typedef struct mars_binding {
  uint32_t struct_size;
  uint32_t reserved;
  const char *name;
  mars_tensor *tensor;
} mars_binding;

/* Computes tensors and waits.  Afterwards they hold their values and have dropped their history.  Without bindings, that is: with bindings the
 * tensors stay as they are and the values come as new tensors in `results` (count `count`); `results` may be NULL without bindings.  Names
 * may be bound that the tensors do not need, if they are of inputs of the same graph: one that has a tensor as an output, or an input that one
 * needs.  A result that fits neither the memory limit nor the free space of spill_dir is MARS_ERROR_MEMORY at once, and so is a plan of more
 * tasks than a 512th of the limit's bytes, or than a million where that is more: the plan itself lies outside of the limit. */
mars_status mars_execute(mars_tensor **results, mars_session *session, mars_tensor *const *tensors, size_t count, const mars_binding *bindings,
                         size_t binding_count);
/* The same without waiting.  What takes long to plan is planned in the background: errors of that come from mars_run_wait. */
mars_status mars_execute_async(mars_run **out, mars_session *session, mars_tensor *const *tensors, size_t count, const mars_binding *bindings,
                               size_t binding_count);

typedef struct mars_progress {
  uint32_t struct_size;
  int32_t is_done;
  int64_t tasks_done;
  int64_t tasks_total; /* known so far */
} mars_progress;
mars_status mars_run_progress(mars_progress *out, mars_run *run);
/* Waits up to `seconds`; MARS_ERROR_TIMEOUT if it is not done by then; the run's own error if it failed.  0 or less only looks; infinity waits
 * for ever; NaN is MARS_ERROR_VALUE.  Several threads may wait for one run. */
mars_status mars_run_wait(mars_run *run, double seconds);
/* The results of a finished run; an error while it is running. */
mars_status mars_run_results(mars_tensor **results, size_t count, mars_run *run);
/* Asks a run to stop; waiting then gives MARS_ERROR_CANCELLED, while tasks in progress end in the background. */
mars_status mars_run_cancel(mars_run *run);
/* Waits up to `seconds` until a run has ended, in whatever way, none of its tasks is in progress any more, and what a failure left behind (an
 * unfinished file) is gone: no mars_chunk_function is called for it from then on.  MARS_ERROR_TIMEOUT if that takes longer. */
mars_status mars_run_settle(mars_run *run, double seconds);
/* Releasing the last handle of a run that is not done cancels it. */
void mars_run_release(mars_run *run);

/* The values of a tensor as an array in memory, executed first if need be.  One piece of memory, aligned to its elements, shared with the
 * engine where it can be: of MARS_ALIAS memory that is not aligned it is a copy.  strides may be those of a view; NULL means C order.  Free with mars_array_release; shape and strides live until
 * then.  The memory is read-only, which `flags` says (MARS_ARRAY_READONLY): the engine may use it again.
 * What the limit counts: results of an execution of up to half of the memory limit in all are computed in one piece; that piece counts for as
 * long as a tensor or a fetched array holds it, and fetching copies nothing.  A larger result stays in chunks, which count and move to disk;
 * fetching copies it into memory of the client's own, which the limit does not count, as it does not count the destination of
 * mars_fetch_into.  MARS_ERROR_MEMORY says at once, before anything runs, that a machine has no memory for one piece of that size. */
mars_status mars_fetch(mars_array *out, mars_session *session, mars_tensor *tensor);
/* As mars_fetch, into memory of the caller with the tensor's dtype and shape, of any strides, not read-only. */
mars_status mars_fetch_into(mars_session *session, mars_tensor *tensor, const mars_array *destination);

/* Text of the plan that executing the tensors would run.  MARS_ERROR_VALUE for what depends on an input of a graph, as with
 * mars_tensor_chunks. */
mars_status mars_explain(mars_string **out, mars_session *session, mars_tensor *const *tensors, size_t count);
/* The same for as long as `goes_on` says, as mars_tensor_chunks_while. */
mars_status mars_explain_while(
  mars_string **out, mars_session *session, mars_tensor *const *tensors, size_t count, mars_patience goes_on, void *user);

/* ---- plans in pieces ---- */

/* Cuts the execution of tensors into self-contained subtasks for other processes.  JSON: {"subtasks": [{"graph": base64 of a graph file,
 * "inputs": [chunk names], "outputs": [chunk names], "after": [indices], "priority": n}], "results": [{"shape", "dtype",
 * "chunks": [{"name", "lower", "shape"}]}]}. */
mars_status mars_plan_cut(mars_string **out, mars_session *session, mars_tensor *const *tensors, size_t count, int64_t pieces);

#ifdef __cplusplus
}
#endif

#endif
