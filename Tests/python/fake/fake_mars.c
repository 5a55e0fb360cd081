/* A stand-in for libmars.so that computes nothing: it writes down what the binding asks for, so that marshalling is tested by itself.
 * fake_log() gives the calls since the last fake_clear(), one per line. */
#include "mars/mars.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mars_tensor { int32_t dtype, ndim, refs, executed; int64_t shape[MARS_MAX_DIMS]; char data[4096]; mars_array held; };
struct mars_string { char *data; int64_t size; };
struct mars_run { int32_t slices, cancelled; };
struct mars_session { int32_t refs; };
struct mars_graph { int32_t refs; };

static char text[1 << 16];
static size_t length;
static int live, quiet;
static mars_error last = {sizeof(mars_error), 0, "", "", ""};

static void say(const char *format, ...) {
  if (quiet) return;
  va_list a;
  va_start(a, format);
  length += (size_t)vsnprintf(text + length, sizeof text - length, format, a);
  va_end(a);
}
const char *fake_log(void) { return text; }
void fake_clear(void) { length = 0; text[0] = 0; }
void fake_quiet(int on) { quiet = on; }
int fake_live(void) { return live; }
static int slices_to_run;
void fake_slices(int n) { slices_to_run = n; }

static mars_status fail(mars_status code, const char *message) { last.code = code; last.message = message; return code; }
mars_status mars_error_last(mars_error *out) { *out = last; return MARS_OK; }
const char *mars_version(void) { return "0.0.0"; }

static mars_string *string_of(const char *s) {
  mars_string *r = malloc(sizeof *r);
  r->data = strdup(s); r->size = (int64_t)strlen(s);
  return r;
}
const char *mars_string_data(const mars_string *s) { return s->data; }
int64_t mars_string_size(const mars_string *s) { return s->size; }
void mars_string_release(mars_string *s) { if (s) { free(s->data); free(s); } }

static const char *names[] = {"add", "negative", "sum", "divmod", "concatenate", "index_view", "random", "kinds", "equal", "bad", "made_up", "spread", "each", "together", "basic_index"};
#define FULL(name, space, also, aliases, method, operators, flags, inputs, attributes, outputs) \
  "{\"name\":\"" name "\",\"namespace\":" space ",\"also_in\":[" also "],\"aliases\":[" aliases "],\"method\":" method ",\"operators\":[" operators "]," \
  "\"reduce_of\":[],\"accumulate_of\":[]," flags ",\"numpy\":\"numpy." name "\",\"summary\":\"S.\",\"details\":\"\",\"dtypes\":\"\",\"example\":\"\",\"ufunc\":false," \
  "\"effects\":\"pure\",\"inputs\":[" inputs "],\"attributes\":[" attributes "],\"outputs\":[" outputs "]}"
#define FLAGS(separate, source, device) "\"separate\":" separate ",\"source\":" source ",\"signature\":[],\"device\":" device ",\"writes_first\":false"
#define OP(name, space, method, operators, inputs, attributes, outputs) \
  FULL(name, space, "", "", method, operators, FLAGS("false", "false", "false"), inputs, attributes, outputs)
#define INPUT(name, variadic, optional, value) "{\"name\":\"" name "\",\"variadic\":" variadic ",\"optional\":" optional ",\"stored\":false" value ",\"doc\":\"\"}"
#define IN(name) INPUT(name, "false", "false", "")
#define REQUIRED ",\"required\":true,\"default\":null"
#define ATTRIBUTE(name, kind, value, first, separate) \
  "{\"name\":\"" name "\",\"kind\":\"" kind "\"" value ",\"since\":1,\"first\":" first ",\"separate\":" separate ",\"doc\":\"\"}"
#define ATTR(name, kind, value) ATTRIBUTE(name, kind, value, "false", "false")
static const char *all =
  "[" OP("add", "\"\"", "false", "\"__add__\"", IN("x1") "," IN("x2"), "", "\"out\"")
  "," OP("negative", "\"\"", "false", "\"__neg__\"", IN("x"), "", "\"out\"")
  "," OP("equal", "\"\"", "false", "\"__eq__\"", IN("x1") "," IN("x2"), "", "\"out\"")
  "," OP("sum", "\"\"", "true", "", IN("a"), ATTR("axis", "ints", ",\"default\":null") "," ATTR("dtype", "dtype", ",\"default\":null") ","
      ATTR("keepdims", "bool", ",\"default\":false"), "\"out\"")
  "," OP("divmod", "\"\"", "false", "\"__divmod__\"", IN("x1") "," IN("x2"), "", "\"quotient\",\"remainder\"")
  "," OP("concatenate", "\"\"", "false", "", INPUT("arrays", "true", "false", ""), ATTR("axis", "int", ",\"default\":0"), "\"out\"")
  "," OP("index_view", "null", "false", "", IN("a"), ATTR("items", "ints", REQUIRED), "\"out\"")
  "," OP("basic_index", "null", "false", "", IN("a"), ATTR("items", "ints", REQUIRED), "\"out\"")
  "," OP("random", "\"random\"", "false", "", "", ATTR("size", "ints", ",\"default\":[]") "," ATTR("dtype", "dtype", ",\"default\":\"float64\"") ","
      ATTR("seed", "scalar", REQUIRED) "," ATTR("stream", "int", REQUIRED), "\"out\"")
  "," OP("kinds", "\"\"", "false", "", IN("a"), ATTR("b", "bool", ",\"default\":null") "," ATTR("i", "int", ",\"default\":null") "," ATTR("f", "float", ",\"default\":null") ","
      ATTR("s", "string", ",\"default\":null") "," ATTR("d", "dtype", ",\"default\":null") "," ATTR("c", "scalar", ",\"default\":null") "," ATTR("n", "ints", ",\"default\":null") ","
      ATTR("t", "strings", ",\"default\":null") "," ATTR("y", "bytes", ",\"default\":null"), "\"out\"")
  "," FULL("made_up", "\"\"", "\"linalg\"", "\"other\"", "true", "", FLAGS("false", "true", "true"),
      INPUT("a", "false", "false", "") "," INPUT("b", "false", "false", ",\"default\":0.5") "," INPUT("mask", "false", "true", ""),
      ATTR("n", "int", ",\"default\":3") "," ATTRIBUTE("extents", "ints", REQUIRED, "true", "false"), "\"out\"")
  "," FULL("spread", "\"\"", "", "", "true", "", FLAGS("false", "false", "false"), IN("a"), ATTRIBUTE("places", "ints", REQUIRED, "false", "true") ","
      ATTR("n", "int", ",\"default\":3"), "\"out\"")
  "," FULL("each", "\"\"", "", "", "false", "", FLAGS("true", "false", "false"), IN("a"), ATTR("n", "int", ",\"default\":3"), "\"out\"")
  "," FULL("together", "\"\"", "", "", "false", "", FLAGS("true", "false", "false"), INPUT("a", "true", "false", ""), "", "\"out...\"")
  "," OP("bad", "\"\"", "false", "", IN("a"), ATTR("code", "int", REQUIRED), "\"out\"") "]";
mars_status mars_op_describe_all(mars_string **out) { *out = string_of(all); return MARS_OK; }
mars_status mars_op_describe(mars_string **out, const char *name) { (void)name; *out = string_of("{}"); return MARS_OK; }
mars_status mars_op_find(int32_t *out, const char *name) {
  for (int i = 0; i < (int)(sizeof names / sizeof *names); i++) if (!strcmp(name, names[i])) { *out = i; return MARS_OK; }
  return fail(MARS_ERROR_VALUE, "unknown operator");
}

static mars_tensor *tensor_of(int32_t dtype, int32_t ndim, const int64_t *shape) {
  mars_tensor *t = calloc(1, sizeof *t);
  t->dtype = dtype; t->ndim = ndim; t->refs = 1;
  for (int i = 0; i < ndim; i++) t->shape[i] = shape[i];
  live++;
  return t;
}
mars_tensor *mars_tensor_retain(mars_tensor *t) { t->refs++; return t; }
void mars_tensor_release(mars_tensor *t) {
  if (!t || --t->refs) return;
  if (t->held.release) t->held.release(t->held.owner);
  live--;
  free(t);
}
static void ints(const void *data, int64_t n) {
  say("(");
  for (int64_t i = 0; i < n; i++) say("%s%" PRId64, i ? " " : "", ((const int64_t *)data)[i]);
  say(")");
}
static void operand(const mars_operand *o) {
  if (o->struct_size != sizeof *o) say("!size");
  switch (o->kind) {
    case MARS_OPERAND_TENSOR: say("T%d", o->tensor->dtype); ints(o->tensor->shape, o->tensor->ndim); break;
    case MARS_OPERAND_WEAK_BOOL: say("bool:%" PRId64, o->i); break;
    case MARS_OPERAND_WEAK_INT: say("int:%" PRId64, o->i); break;
    case MARS_OPERAND_WEAK_UINT: say("uint:%" PRIu64, (uint64_t)o->i); break;
    case MARS_OPERAND_WEAK_FLOAT: say("float:%g", o->re); break;
    case MARS_OPERAND_WEAK_COMPLEX: say("complex:%g,%g", o->re, o->im); break;
    case MARS_OPERAND_WEAK_BIG: say("big:%g", o->re); break;
    case MARS_OPERAND_NONE: say("none"); break;
    default: say("?%d", o->kind);
  }
}
mars_status mars_graph_apply(mars_tensor **out, size_t out_count, mars_graph *graph, int32_t op, const mars_operand *inputs, size_t input_count,
                             const mars_attribute *attributes, size_t attribute_count, const char *origin) {
  (void)graph;
  say("%s", names[op]);
  int64_t shape[MARS_MAX_DIMS];
  int32_t ndim = 0, dtype = MARS_FLOAT64;
  if (op == 9) { last.op = "bad"; last.origin = origin; return fail((mars_status)attributes[0].i, "it is bad"); }
  for (size_t i = 0; i < input_count; i++) {
    say(" ");
    operand(&inputs[i]);
    if (inputs[i].kind == MARS_OPERAND_TENSOR && inputs[i].tensor->ndim >= ndim) {
      ndim = inputs[i].tensor->ndim; dtype = inputs[i].tensor->dtype;
      memcpy(shape, inputs[i].tensor->shape, sizeof shape);
    }
  }
  if (op == 2) ndim = 0;
  if (op == 8) dtype = MARS_BOOL;
  for (size_t i = 0; i < attribute_count; i++) {
    const mars_attribute *a = &attributes[i];
    if (a->struct_size != sizeof *a) say("!size");
    say(" %s=", a->name);
    switch (a->kind) {
      case MARS_ATTR_NONE: say("none"); break;
      case MARS_ATTR_BOOL: say("%s", a->i ? "true" : "false"); break;
      case MARS_ATTR_INT: say("%" PRId64, a->i); break;
      case MARS_ATTR_FLOAT: say("%g", a->re); break;
      case MARS_ATTR_STRING: say("'%s'", (const char *)a->data); break;
      case MARS_ATTR_DTYPE: say("d%" PRId64, a->i); break;
      case MARS_ATTR_SCALAR: say("s%d:%" PRIu64 ",%g,%g", a->dtype, (uint64_t)a->i, a->re, a->im); break;
      case MARS_ATTR_INTS: ints(a->data, a->count); break;
      case MARS_ATTR_STRINGS:
        for (int64_t k = 0; k < a->count; k++) say("'%s'", ((const char *const *)a->data)[k]);
        break;
      case MARS_ATTR_BYTES: say("%d bytes %02x", (int)a->count, a->count ? ((const uint8_t *)a->data)[0] : 0); break;
    }
    if (!strcmp(a->name, "items") && a->count == 2 && !((const int64_t *)a->data)[0]) memmove(shape, shape + 1, sizeof(int64_t) * (size_t)--ndim);
    if (!strcmp(a->name, "shape") || !strcmp(a->name, "size")) {
      ndim = (int32_t)a->count;
      memcpy(shape, a->data, sizeof(int64_t) * (size_t)a->count);
    }
  }
  const char *file = origin ? strrchr(origin, '/') : NULL;
  say(" @%s\n", file ? file + 1 : origin ? origin : "-");
  for (size_t i = 0; i < out_count; i++) out[i] = tensor_of(dtype, ndim, shape);
  return MARS_OK;
}

mars_status mars_tensor_from_array(mars_tensor **out, const mars_array *array, int32_t mode, const int64_t *chunks) {
  say("array %s d%d ", mode == MARS_ALIAS ? "alias" : "copy", array->dtype);
  ints(array->shape, array->ndim);
  if (array->strides) { say(" strides "); ints(array->strides, array->ndim); }
  if (chunks) { say(" chunks "); ints(chunks, array->ndim); }
  say("%s\n", array->flags & MARS_ARRAY_READONLY ? " readonly" : "");
  mars_tensor *t = tensor_of(array->dtype, array->ndim, array->shape);
  t->executed = 1;
  if (!array->strides) {
    int64_t n = array->dtype == MARS_FLOAT64 || array->dtype == MARS_INT64 ? 8 : 1;
    for (int i = 0; i < array->ndim; i++) n *= array->shape[i];
    if (n <= (int64_t)sizeof t->data) memcpy(t->data, array->data, (size_t)n);
  }
  if (mode == MARS_ALIAS) t->held = *array;
  *out = t;
  return MARS_OK;
}
mars_status mars_tensor_describe(mars_tensor_info *out, const mars_tensor *t) {
  out->dtype = t->dtype; out->ndim = t->ndim; out->is_executed = t->executed; out->is_scalar = 0; out->is_read_only = 0;
  memcpy(out->shape, t->shape, sizeof out->shape);
  return MARS_OK;
}
mars_status mars_tensor_type(mars_dtype *dtype, int32_t *ndim, int64_t *shape, const mars_tensor *t) {
  *dtype = t->dtype; *ndim = t->ndim; memcpy(shape, t->shape, sizeof(int64_t) * (size_t)t->ndim);
  return MARS_OK;
}
mars_status mars_tensor_assign(mars_tensor *target, const mars_operand *value, const char *origin) {
  (void)origin;
  say("assign T%d", target->dtype); ints(target->shape, target->ndim); say(" = "); operand(value); say("\n");
  return MARS_OK;
}
mars_status mars_tensor_store(
  mars_tensor *target, const mars_tensor *result, const char *function, const char *casting, const char *origin) {
  (void)origin;
  (void)casting;
  say("store T%d", target->dtype); ints(target->shape, target->ndim);
  say(" = T%d", result->dtype); ints(result->shape, result->ndim); say(" of %s\n", function ? function : "nothing");
  return MARS_OK;
}
mars_status mars_dtype_can_cast(int32_t *out, mars_dtype from, mars_dtype to, const char *casting) {
  (void)casting;
  *out = from <= to;
  return MARS_OK;
}
mars_status mars_session_open(mars_session **out, const char *const *keys, const char *const *values, size_t count) {
  say("session");
  for (size_t i = 0; i < count; i++) {
    say(" %s=%s", keys[i], values[i]);
    if (!strcmp(keys[i], "nonsense")) return fail(MARS_ERROR_VALUE, "unknown option 'nonsense'");
  }
  say("\n");
  *out = calloc(1, sizeof **out);
  return MARS_OK;
}
mars_status mars_session_claim(mars_session *s, int32_t claims) { (void)s; say("claim %d\n", claims); return MARS_OK; }
mars_status mars_session_default(mars_session **out) { *out = calloc(1, sizeof **out); return MARS_OK; }
void mars_session_release(mars_session *s) { free(s); }
mars_session *mars_session_retain(mars_session *s) { return s; }
mars_status mars_session_options(mars_string **out, mars_session *s) { (void)s; *out = string_of("[{\"name\":\"workers\",\"value\":\"2\",\"doc\":\"\"}]"); return MARS_OK; }
mars_status mars_session_statistics(mars_string **out, mars_session *s) { (void)s; *out = string_of("{\"tasks\":1}"); return MARS_OK; }

mars_status mars_execute_async(mars_run **out, mars_session *session, mars_tensor *const *tensors, size_t count, const mars_binding *bindings, size_t binding_count) {
  (void)session; (void)bindings; (void)binding_count;
  for (size_t i = 0; i < count; i++) tensors[i]->executed = 1;
  *out = calloc(1, sizeof **out);
  (*out)->slices = slices_to_run;
  return MARS_OK;
}
mars_status mars_run_wait(mars_run *run, double seconds) {
  if (run->cancelled) return fail(MARS_ERROR_CANCELLED, "cancelled");
  if (run->slices <= 0) return MARS_OK;
  if (seconds > 0) { usleep((unsigned)(seconds * 1e6)); run->slices--; }
  return MARS_ERROR_TIMEOUT;
}
mars_status mars_run_cancel(mars_run *run) { run->cancelled = 1; say("cancel\n"); return MARS_OK; }
mars_status mars_run_settle(mars_run *run, double seconds) { (void)run; (void)seconds; return MARS_OK; }
mars_status mars_run_progress(mars_progress *out, mars_run *run) { out->tasks_done = 3; out->tasks_total = 3 + run->slices; return MARS_OK; }
void mars_run_release(mars_run *run) { free(run); }
mars_status mars_fetch(mars_array *out, mars_session *session, mars_tensor *t) {
  (void)session;
  out->dtype = t->dtype; out->ndim = t->ndim; out->flags = 0; out->data = t->data; out->shape = t->shape; out->strides = NULL;
  out->owner = mars_tensor_retain(t);
  return MARS_OK;
}
void mars_array_release(mars_array *array) { mars_tensor_release(array->owner); }
mars_status mars_fetch_into(mars_session *session, mars_tensor *t, const mars_array *destination) {
  (void)session;
  memcpy(destination->data, t->data, 8);
  return MARS_OK;
}

