/* The conventions of mars.h, tested through nothing but mars.h.  Compiled as C99 and, by abi_test.cpp, as C++11.
 *
 *   abi_test [TEST]...
 * MARS_TEST_SCALE=100 divides the counts of the repetition tests by 100, for slow builds. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include <mars/mars.h>
#include <math.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* ---- help ---- */

static mars_session *session; /* the session of all tests that do not need their own */

static int scale(int count) {
  const char *text = getenv("MARS_TEST_SCALE");
  const int by = text ? atoi(text) : 1;
  return by > 1 ? (count + by - 1) / by : count;
}

static void sleep_ms(long ms) {
  struct timespec t;
  t.tv_sec = ms / 1000;
  t.tv_nsec = ms % 1000 * 1000000;
  nanosleep(&t, NULL);
}

static mars_error last_error(void) {
  mars_error e;
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  mars_error_last(&e);
  return e;
}
static int error_names(const char *text) { return strstr(last_error().message, text) != NULL; }

static mars_operand of_tensor(mars_tensor *t) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_TENSOR;
  o.tensor = t;
  return o;
}
static mars_operand of_int(int64_t i) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_WEAK_INT;
  o.i = i;
  return o;
}
static int32_t op(const char *name) {
  int32_t n = -1;
  mars_op_find(&n, name);
  return n;
}
static mars_tensor *apply2(const char *name, mars_tensor *a, mars_operand b) {
  mars_operand in[2];
  mars_tensor *out = NULL;
  in[0] = of_tensor(a);
  in[1] = b;
  mars_graph_apply(&out, 1, NULL, op(name), in, 2, NULL, 0, "abi_test");
  return out;
}
static mars_tensor *apply1(const char *name, mars_tensor *a) {
  mars_operand in = of_tensor(a);
  mars_tensor *out = NULL;
  mars_graph_apply(&out, 1, NULL, op(name), &in, 1, NULL, 0, "abi_test");
  return out;
}

static mars_array array1(mars_dtype dtype, void *data, const int64_t *shape) {
  mars_array a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.dtype = dtype;
  a.ndim = 1;
  a.data = data;
  a.shape = shape;
  return a;
}
/* 0, 1, 2, ... as float64. */
static mars_tensor *range(int64_t count) {
  double *data = (double *)malloc((size_t)(count > 0 ? count : 1) * sizeof *data);
  mars_array a = array1(MARS_FLOAT64, data, &count);
  mars_tensor *t = NULL;
  int64_t i;
  for (i = 0; i < count; i++) data[i] = (double)i;
  mars_tensor_from_array(&t, &a, MARS_COPY, NULL);
  free(data);
  return t;
}

static mars_array empty_array(void) {
  mars_array a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  return a;
}
/* Element `i` of a tensor of at most one axis and type float64; -1e300 if that fails. */
static double element(mars_tensor *t, int64_t i) {
  mars_array a = empty_array();
  double x = -1e300;
  if (mars_fetch(&a, session, t) != MARS_OK) return x;
  if (a.dtype == MARS_FLOAT64 && a.ndim <= 1)
    memcpy(&x, (const char *)a.data + (a.ndim == 0 ? 0 : i * (a.strides ? a.strides[0] : 8)), sizeof x);
  mars_array_release(&a);
  return x;
}

/* Resident memory in KiB. */
static long resident(void) {
  char line[256];
  long kib = 0;
  FILE *f = fopen("/proc/self/status", "r");
  if (!f) return 0;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "VmRSS: %ld kB", &kib) == 1) break;
  fclose(f);
  return kib;
}

/* Runs `body` in a child process and returns whether it came back with 0 within 60 seconds: for what may crash or hang. */
static int in_child(int (*body)(void)) {
  int status = 0, waited;
  pid_t ended = 0;
  const pid_t child = fork();
  if (child == 0) _exit(body());
  if (child < 0) return 0;
  for (waited = 0; waited < 60000 && (ended = waitpid(child, &status, WNOHANG)) == 0; waited++) sleep_ms(1);
  if (ended == 0) {
    fprintf(stderr, "child hangs\n");
    kill(child, SIGKILL);
    ended = waitpid(child, &status, 0);
  }
  if (ended != child) return 0;
  if (WIFSIGNALED(status)) fprintf(stderr, "child ended by signal %d\n", WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) fprintf(stderr, "child ended with %d\n", WEXITSTATUS(status));
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- the header ---- */

typedef void (*any_function)(void);
#define MARS_FUNCTION(name) {#name, (any_function)name},
static const struct {
  const char *name;
  any_function function;
} functions[] = {
#include "functions.inc"
};
#undef MARS_FUNCTION

static void every_function_links(void) {
  size_t i;
  CHECK(sizeof functions / sizeof *functions >= 54);
  for (i = 0; i < sizeof functions / sizeof *functions; i++) CHECK(functions[i].function != NULL);
}

static void layouts(void) {
  CHECK(sizeof(mars_status) == 4);
  CHECK(sizeof(mars_error) == 32);
  CHECK(sizeof(mars_array) == 56);
  CHECK(sizeof(mars_operand) == 40);
  CHECK(sizeof(mars_attribute) == 64);
  CHECK(sizeof(mars_tensor_info) == 16 + 8 * MARS_MAX_DIMS);
  CHECK(sizeof(mars_binding) == 24);
  CHECK(sizeof(mars_progress) == 24);
  CHECK(offsetof(mars_array, release) == 48);
  CHECK(offsetof(mars_operand, im) == 32);
  CHECK(offsetof(mars_attribute, data) == 56);
  CHECK(offsetof(mars_tensor_info, shape) == 16);
}

static void version(void) {
  char text[32];
  snprintf(text, sizeof text, "%d.%d.%d", MARS_VERSION_MAJOR, MARS_VERSION_MINOR, MARS_VERSION_PATCH);
  CHECK(strcmp(mars_version(), text) == 0);
}

/* ---- NULL and wrong handles ---- */

static void releases_accept_null(void) {
  mars_array a = empty_array();
  mars_session_release(NULL);
  mars_graph_release(NULL);
  mars_tensor_release(NULL);
  mars_run_release(NULL);
  mars_string_release(NULL);
  mars_array_release(NULL);
  mars_array_release(&a);
  CHECK(mars_session_retain(NULL) == NULL);
  CHECK(mars_graph_retain(NULL) == NULL);
  CHECK(mars_tensor_retain(NULL) == NULL);
}

static void null_handles_are_errors(void) {
  mars_string *string = NULL;
  mars_tensor *tensor = NULL, *t = range(3);
  mars_run *run = NULL;
  mars_array array = empty_array();
  mars_tensor_info info;
  mars_progress progress;
  mars_operand one = of_int(1), null_tensor = of_tensor(NULL);
  mars_dtype dtype = 0;
  int32_t ndim = 0, flag = 0;
  int64_t count = 0, shape[MARS_MAX_DIMS];
  void *managed = NULL;
  double data[3];
  const int64_t three = 3;
  const mars_array destination = array1(MARS_FLOAT64, data, &three);
  mars_tensor *nothing[1] = {NULL};
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  memset(&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
#define NULL_HANDLE(call) \
  CHECK((call) == MARS_ERROR_HANDLE); \
  CHECK(last_error().code == MARS_ERROR_HANDLE && last_error().message[0] != 0)
  NULL_HANDLE(mars_session_options(&string, NULL));
  NULL_HANDLE(mars_session_set_option(NULL, "workers", "1"));
  NULL_HANDLE(mars_session_statistics(&string, NULL));
  NULL_HANDLE(mars_session_trace(&string, NULL));
  NULL_HANDLE(mars_graph_input(&tensor, NULL, "x", MARS_FLOAT64, NULL, 0));
  NULL_HANDLE(mars_graph_output(NULL, "y", t));
  NULL_HANDLE(mars_graph_input_count(&count, NULL));
  NULL_HANDLE(mars_graph_output_count(&count, NULL));
  NULL_HANDLE(mars_graph_get_input(&tensor, &string, NULL, 0));
  NULL_HANDLE(mars_graph_get_output(&tensor, &string, NULL, 0));
  NULL_HANDLE(mars_graph_serialize(&string, NULL));
  NULL_HANDLE(mars_graph_apply(&tensor, 1, NULL, op("sin"), &null_tensor, 1, NULL, 0, NULL));
  NULL_HANDLE(mars_tensor_describe(&info, NULL));
  NULL_HANDLE(mars_tensor_type(&dtype, &ndim, shape, NULL));
  NULL_HANDLE(mars_tensor_chunks(&string, session, NULL));
  NULL_HANDLE(mars_tensor_assign(NULL, &one, NULL));
  NULL_HANDLE(mars_tensor_shares_storage(&flag, NULL, t));
  NULL_HANDLE(mars_tensor_shares_storage(&flag, t, NULL));
  NULL_HANDLE(mars_tensor_snapshot(&tensor, NULL));
  NULL_HANDLE(mars_tensor_to_dlpack(&managed, session, NULL));
  NULL_HANDLE(mars_execute(NULL, session, nothing, 1, NULL, 0));
  NULL_HANDLE(mars_execute(NULL, NULL, &t, 1, NULL, 0));
  NULL_HANDLE(mars_execute_async(&run, session, nothing, 1, NULL, 0));
  NULL_HANDLE(mars_execute_async(&run, NULL, &t, 1, NULL, 0));
  NULL_HANDLE(mars_run_progress(&progress, NULL));
  NULL_HANDLE(mars_run_wait(NULL, 1));
  NULL_HANDLE(mars_run_results(&tensor, 1, NULL));
  NULL_HANDLE(mars_run_cancel(NULL));
  NULL_HANDLE(mars_fetch(&array, session, NULL));
  NULL_HANDLE(mars_fetch(&array, NULL, t));
  NULL_HANDLE(mars_fetch_into(session, NULL, &destination));
  NULL_HANDLE(mars_explain(&string, session, nothing, 1));
  NULL_HANDLE(mars_plan_cut(&string, session, nothing, 1, 2));
#undef NULL_HANDLE
  CHECK(!string && !tensor && !run && !managed && !array.data && dtype == 0 && ndim == 0 && count == 0);
  mars_tensor_release(t);
}

/* NULL where a result or a text belongs: an error of some kind, never a crash. */
static void null_arguments_are_errors(void) {
  mars_session *s = NULL;
  mars_graph *g = NULL;
  mars_tensor *t = range(3), *out = NULL;
  mars_operand one = of_int(1);
  mars_attribute unnamed;
  int32_t n = 0;
  const char *keys[1] = {NULL};
  memset(&unnamed, 0, sizeof unnamed);
  unnamed.struct_size = sizeof unnamed;
  CHECK(mars_graph_new(&g) == MARS_OK);
  CHECK(mars_error_last(NULL) < 0);
  CHECK(mars_session_open(NULL, NULL, NULL, 0) < 0);
  CHECK(mars_session_open(&s, NULL, NULL, 1) < 0);
  CHECK(mars_session_open(&s, keys, keys, 1) < 0);
  CHECK(mars_session_default(NULL) < 0);
  CHECK(mars_session_options(NULL, session) < 0);
  CHECK(mars_session_set_option(session, NULL, "1") < 0);
  CHECK(mars_session_set_option(session, "workers", NULL) < 0);
  CHECK(mars_session_statistics(NULL, session) < 0);
  CHECK(mars_session_trace(NULL, session) < 0);
  CHECK(mars_op_find(NULL, "add") < 0);
  CHECK(mars_op_find(&n, NULL) < 0);
  CHECK(mars_op_describe(NULL, "add") < 0);
  CHECK(mars_op_describe_all(NULL) < 0);
  CHECK(mars_graph_new(NULL) < 0);
  CHECK(mars_graph_input(NULL, g, "x", MARS_FLOAT64, NULL, 0) < 0);
  CHECK(mars_graph_input(&out, g, NULL, MARS_FLOAT64, NULL, 0) < 0);
  CHECK(mars_graph_input(&out, g, "x", MARS_FLOAT64, NULL, 2) < 0);
  CHECK(mars_graph_output(g, NULL, t) < 0);
  CHECK(mars_graph_output(g, "y", NULL) < 0);
  CHECK(mars_graph_apply(NULL, 1, NULL, op("add"), &one, 1, NULL, 0, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, op("add"), NULL, 2, NULL, 0, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), &one, 1, NULL, 1, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), &one, 1, &unnamed, 1, NULL) < 0);
  CHECK(mars_graph_serialize(NULL, g) < 0);
  CHECK(mars_graph_parse(&g, NULL, 10, 0) < 0);
  CHECK(mars_tensor_from_array(&out, NULL, MARS_COPY, NULL) < 0);
  CHECK(mars_tensor_describe(NULL, t) < 0);
  CHECK(mars_tensor_assign(t, NULL, NULL) < 0);
  CHECK(mars_tensor_snapshot(NULL, t) < 0);
  CHECK(mars_tensor_map_chunk(&out, t, MARS_FLOAT64, NULL, NULL, NULL, NULL) < 0);
  CHECK(mars_tensor_from_dlpack(&out, NULL) < 0);
  CHECK(mars_execute(NULL, session, NULL, 1, NULL, 0) < 0);
  CHECK(mars_execute(NULL, session, &t, 1, NULL, 1) < 0);
  CHECK(mars_execute_async(NULL, session, &t, 1, NULL, 0) < 0);
  CHECK(mars_fetch(NULL, session, t) < 0);
  CHECK(mars_fetch_into(session, t, NULL) < 0);
  CHECK(mars_explain(NULL, session, &t, 1) < 0);
  CHECK(s == NULL && out == NULL);
  mars_tensor_release(t);
  mars_graph_release(g);
}

static int wrong_kinds(void) {
  mars_graph *g = NULL;
  mars_tensor *t = range(3);
  mars_tensor_info info;
  mars_array array = empty_array();
  int64_t count = 0;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  if (mars_graph_new(&g) != MARS_OK) return 1;
  if (mars_tensor_describe(&info, (const mars_tensor *)(void *)g) != MARS_ERROR_HANDLE) return 2;
  if (mars_graph_input_count(&count, (mars_graph *)(void *)t) != MARS_ERROR_HANDLE) return 3;
  if (mars_fetch(&array, (mars_session *)(void *)t, t) != MARS_ERROR_HANDLE) return 4;
  if (mars_run_wait((mars_run *)(void *)session, 0) != MARS_ERROR_HANDLE) return 5;
  return 0;
}
static void handles_of_another_kind_are_errors(void) { CHECK(in_child(wrong_kinds)); }

static void structs_of_unknown_size_are_errors(void) {
  mars_tensor *t = range(3), *out = NULL;
  mars_tensor_info info;
  mars_array array = empty_array();
  mars_operand one = of_int(1);
  mars_error e;
  memset(&e, 0, sizeof e);
  memset(&info, 0, sizeof info);
  CHECK(mars_error_last(&e) < 0);
  CHECK(mars_tensor_describe(&info, t) < 0);
  array.struct_size = 0;
  CHECK(mars_fetch(&array, session, t) < 0);
  CHECK(array.data == NULL);
  one.struct_size = 8;
  CHECK(mars_tensor_assign(t, &one, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, op("sin"), &one, 1, NULL, 0, NULL) < 0 && out == NULL);
  mars_tensor_release(t);
}

static void outputs_stay_on_failure(void) {
  mars_tensor *const mark = (mars_tensor *)(void *)&session;
  mars_tensor *a = range(3), *b = range(4), *out = mark;
  mars_operand in[2];
  int32_t n = 77;
  mars_graph *g = (mars_graph *)(void *)&session;
  mars_array array;
  mars_session *s = (mars_session *)(void *)mark;
  const char *key = "no_such_option", *value = "1";
  in[0] = of_tensor(a);
  in[1] = of_tensor(b);
  CHECK(mars_graph_apply(&out, 1, NULL, op("add"), in, 2, NULL, 0, NULL) == MARS_ERROR_VALUE && out == mark);
  CHECK(mars_op_find(&n, "no_such_operator") < 0 && n == 77);
  CHECK(mars_graph_parse(&g, "garbage", 7, 0) == MARS_ERROR_FORMAT && g == (mars_graph *)(void *)&session);
  CHECK(mars_session_open(&s, &key, &value, 1) < 0 && s == (mars_session *)(void *)mark);
  memset(&array, 0x5a, sizeof array);
  array.struct_size = sizeof array;
  CHECK(mars_fetch(&array, session, NULL) < 0 && array.ndim == 0x5a5a5a5a);
  mars_tensor_release(a);
  mars_tensor_release(b);
}

/* ---- errors ---- */

static void *fail_elsewhere(void *user) {
  int32_t n = 0;
  int *ok = (int *)user;
  *ok = last_error().code == MARS_OK;
  mars_op_find(&n, "operator_of_thread_two");
  *ok = *ok && error_names("operator_of_thread_two");
  return NULL;
}

static void errors_are_per_thread(void) {
  pthread_t thread;
  int ok = 0;
  int32_t n = 0;
  CHECK(mars_op_find(&n, "operator_of_thread_one") < 0);
  CHECK(error_names("operator_of_thread_one"));
  REQUIRE(pthread_create(&thread, NULL, fail_elsewhere, &ok) == 0);
  pthread_join(thread, NULL);
  CHECK(ok);
  CHECK(error_names("operator_of_thread_one"));
}

static void errors_tell_operator_and_origin(void) {
  mars_tensor *a = range(3), *b = range(4), *out = NULL;
  mars_operand in[2];
  in[0] = of_tensor(a);
  in[1] = of_tensor(b);
  CHECK(mars_graph_apply(&out, 1, NULL, op("add"), in, 2, NULL, 0, "model.c:7") == MARS_ERROR_VALUE);
  CHECK(strcmp(last_error().op, "add") == 0);
  CHECK(strcmp(last_error().origin, "model.c:7") == 0);
  CHECK(error_names("(3,)") && error_names("(4,)"));
  mars_tensor_release(a);
  mars_tensor_release(b);
}

static void unknown_operator_and_attribute_are_named(void) {
  mars_tensor *t = range(3), *out = NULL;
  mars_operand in = of_tensor(t);
  mars_attribute a;
  mars_string *s = NULL;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.kind = MARS_ATTR_INT;
  a.name = "no_such_attribute";
  CHECK(mars_op_describe(&s, "no_such_operator") < 0 && error_names("no_such_operator"));
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), &in, 1, &a, 1, NULL) == MARS_ERROR_TYPE && error_names("no_such_attribute"));
  a.name = "axis";
  a.i = 5;
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), &in, 1, &a, 1, NULL) == MARS_ERROR_AXIS && error_names("5"));
  a.kind = 1234;
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), &in, 1, &a, 1, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, -1, &in, 1, NULL, 0, NULL) < 0);
  CHECK(mars_graph_apply(&out, 1, NULL, 1 << 30, &in, 1, NULL, 0, NULL) < 0);
  CHECK(mars_graph_apply(&out, 2, NULL, op("sum"), &in, 1, NULL, 0, NULL) < 0);
  CHECK(mars_graph_apply(&out, 0, NULL, op("sum"), &in, 1, NULL, 0, NULL) < 0);
  CHECK(out == NULL);
  mars_tensor_release(t);
}

/* ---- sessions ---- */

static void session_options(void) {
  const char *keys[2] = {"workers", "no_such_option"}, *values[2] = {"1", "1"};
  const char *limit = "memory_limit", *bad = "many";
  mars_session *s = NULL;
  mars_string *text = NULL;
  CHECK(mars_session_open(&s, keys, values, 2) == MARS_ERROR_VALUE && error_names("no_such_option"));
  CHECK(mars_session_open(&s, &limit, &bad, 1) == MARS_ERROR_VALUE && error_names("many"));
  REQUIRE(mars_session_open(&s, keys, values, 1) == MARS_OK);
  CHECK(mars_session_set_option(s, "no_such_option", "1") == MARS_ERROR_VALUE && error_names("no_such_option"));
  CHECK(mars_session_set_option(s, "memory_limit", "2GiB") == MARS_OK);
  REQUIRE(mars_session_options(&text, s) == MARS_OK);
  CHECK(mars_string_size(text) == (int64_t)strlen(mars_string_data(text)));
  CHECK(strstr(mars_string_data(text), "\"workers\"") != NULL);
  CHECK(strstr(mars_string_data(text), "\"memory_limit\"") != NULL);
  CHECK(strstr(mars_string_data(text), "\"spill_dir\"") != NULL);
  mars_string_release(text);
  mars_session_release(s);
}

static void default_session_is_one(void) {
  mars_session *a = NULL, *b = NULL;
  CHECK(mars_session_default(&a) == MARS_OK);
  CHECK(mars_session_default(&b) == MARS_OK);
  CHECK(a == b && a != NULL);
  mars_session_release(a);
  mars_session_release(b);
}

static void statistics_and_trace(void) {
  const char *key = "trace", *on = "1";
  mars_session *s = NULL;
  mars_string *text = NULL;
  mars_tensor *t, *sum;
  REQUIRE(mars_session_open(&s, &key, &on, 1) == MARS_OK);
  t = range(100);
  sum = apply1("sum", t);
  CHECK(mars_execute(NULL, s, &sum, 1, NULL, 0) == MARS_OK);
  REQUIRE(mars_session_statistics(&text, s) == MARS_OK);
  CHECK(strstr(mars_string_data(text), "\"tasks\"") != NULL);
  CHECK(strstr(mars_string_data(text), "\"peak_bytes\"") != NULL);
  mars_string_release(text);
  text = NULL;
  REQUIRE(mars_session_trace(&text, s) == MARS_OK);
  CHECK(strchr(mars_string_data(text), '[') != NULL);
  mars_string_release(text);
  mars_tensor_release(t);
  mars_tensor_release(sum);
  mars_session_release(s);
}

/* ---- dtypes, operators ---- */

static void dtypes(void) {
  mars_dtype d = 0;
  int32_t can = -1;
  CHECK(mars_dtype_promote(&d, MARS_INT32, MARS_FLOAT32) == MARS_OK && d == MARS_FLOAT64);
  CHECK(mars_dtype_promote(&d, MARS_UINT64, MARS_INT64) == MARS_OK && d == MARS_FLOAT64);
  CHECK(mars_dtype_promote(&d, MARS_COMPLEX64, MARS_FLOAT64) == MARS_OK && d == MARS_COMPLEX128);
  CHECK(mars_dtype_promote(&d, 0, MARS_FLOAT64) < 0);
  CHECK(mars_dtype_promote(&d, MARS_FLOAT64, 99) < 0);
  CHECK(mars_dtype_can_cast(&can, MARS_INT32, MARS_FLOAT64, "safe") == MARS_OK && can == 1);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "safe") == MARS_OK && can == 0);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "same_kind") == MARS_OK && can == 1);
  CHECK(mars_dtype_can_cast(&can, MARS_FLOAT64, MARS_FLOAT32, "hopeful") < 0 && error_names("hopeful"));
}

static void operators_describe_themselves(void) {
  mars_string *all = NULL, *one = NULL;
  int32_t a = -1, b = -1;
  REQUIRE(mars_op_describe_all(&all) == MARS_OK);
  CHECK(strstr(mars_string_data(all), "\"add\"") != NULL);
  CHECK(strstr(mars_string_data(all), "\"matmul\"") != NULL);
  REQUIRE(mars_op_describe(&one, "add") == MARS_OK);
  CHECK(strstr(mars_string_data(one), "numpy.add") != NULL);
  CHECK(mars_op_find(&a, "add") == MARS_OK && mars_op_find(&b, "add") == MARS_OK && a == b);
  CHECK(mars_op_find(&b, "sum") == MARS_OK && a != b);
  mars_string_release(all);
  mars_string_release(one);
}

/* ---- arrays ---- */

static void count_release(void *owner) { ++*(int *)owner; }

static void ownership_of_arrays(void) {
  double data[3] = {1, 2, 3};
  const int64_t n = 3;
  int released = 0;
  mars_array a = array1(MARS_FLOAT64, data, &n);
  mars_array back = empty_array();
  mars_tensor *t = NULL, *sum;
  a.owner = &released;
  a.release = count_release;

  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  CHECK(released == 1);
  data[0] = 100; /* a copy does not see this */
  CHECK(element(t, 0) == 1);
  mars_tensor_release(t);
  data[0] = 1;

  released = 0;
  t = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_ALIAS, NULL) == MARS_OK);
  CHECK(released == 0);
  CHECK(mars_fetch(&back, session, t) == MARS_OK);
  CHECK(back.data == (void *)data);
  sum = apply1("sum", t);
  mars_tensor_release(t);
  CHECK(element(sum, 0) == 6);
  mars_tensor_release(sum);
  CHECK(released == 0); /* `back` still needs it */
  mars_array_release(&back);
  CHECK(released == 1);
  mars_array_release(&back); /* a second time: nothing */
  CHECK(released == 1);

  /* A failing call has taken nothing. */
  released = 0;
  t = NULL;
  a.dtype = 99;
  CHECK(mars_tensor_from_array(&t, &a, MARS_ALIAS, NULL) < 0 && t == NULL);
  CHECK(released == 0);
}

static void arrays_that_make_no_sense(void) {
  double data[4] = {1, 2, 3, 4};
  int64_t n = 4;
  mars_tensor *t = NULL;
  mars_array a = array1(MARS_FLOAT64, data, &n);
  n = -1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  n = INT64_MAX;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  n = 4;
  a.ndim = -1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.ndim = MARS_MAX_DIMS + 1;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.ndim = 1;
  a.shape = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.shape = &n;
  a.data = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) < 0);
  a.data = data;
  CHECK(mars_tensor_from_array(&t, &a, 7, NULL) < 0);
  CHECK(t == NULL);
  n = 0; /* no elements: no memory needed */
  a.data = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  mars_tensor_release(t);
}

static void strided_arrays_and_fetch_into(void) {
  double data[6] = {0, 1, 2, 3, 4, 5}, into[6] = {9, 9, 9, 9, 9, 9};
  const int64_t n = 3, backwards = -16, every_second = 16;
  mars_array a = array1(MARS_FLOAT64, data + 4, &n);
  mars_array destination = array1(MARS_FLOAT64, into, &n);
  mars_tensor *t = NULL;
  a.strides = &backwards;
  REQUIRE(mars_tensor_from_array(&t, &a, MARS_COPY, NULL) == MARS_OK);
  CHECK(element(t, 0) == 4 && element(t, 1) == 2 && element(t, 2) == 0);
  destination.strides = &every_second;
  CHECK(mars_fetch_into(session, t, &destination) == MARS_OK);
  CHECK(into[0] == 4 && into[1] == 9 && into[2] == 2 && into[3] == 9 && into[4] == 0 && into[5] == 9);
  destination.dtype = MARS_INT64;
  CHECK(mars_fetch_into(session, t, &destination) < 0);
  destination.dtype = MARS_FLOAT64;
  destination.flags = MARS_ARRAY_READONLY;
  CHECK(mars_fetch_into(session, t, &destination) < 0);
  mars_tensor_release(t);
}

static void a_tensor_tells_its_type(void) {
  mars_graph *g = NULL;
  mars_tensor *x = NULL;
  mars_tensor_info info;
  mars_dtype dtype = 0;
  int32_t ndim = 0;
  int64_t shape[MARS_MAX_DIMS];
  const int64_t extents[2] = {-1, 5};
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  REQUIRE(mars_graph_new(&g) == MARS_OK);
  REQUIRE(mars_graph_input(&x, g, "x", MARS_INT16, extents, 2) == MARS_OK);
  CHECK(mars_tensor_describe(&info, x) == MARS_OK);
  CHECK(info.dtype == MARS_INT16 && info.ndim == 2 && info.shape[0] == -1 && info.shape[1] == 5 && info.is_executed == 0);
  CHECK(mars_tensor_type(&dtype, &ndim, shape, x) == MARS_OK);
  CHECK(dtype == MARS_INT16 && ndim == 2 && shape[0] == -1 && shape[1] == 5);
  mars_tensor_release(x);
  mars_graph_release(g);
}

static void dlpack_round_trip(void) {
  mars_tensor *t = range(5), *back = NULL;
  void *managed = NULL;
  REQUIRE(mars_tensor_to_dlpack(&managed, session, t) == MARS_OK);
  REQUIRE(managed != NULL);
  mars_tensor_release(t);
  REQUIRE(mars_tensor_from_dlpack(&back, managed) == MARS_OK);
  CHECK(element(back, 4) == 4);
  mars_tensor_release(back);
}

/* ---- views, writing ---- */

static void writes_go_through_storage(void) {
  mars_tensor *a = range(4), *view, *kept = NULL, *other = range(4);
  mars_operand nine = of_int(9), five = of_tensor(NULL);
  mars_tensor *five_values = range(5);
  int32_t shares = -1;
  five.tensor = five_values;
  view = apply1("transpose", a);
  REQUIRE(view != NULL);
  CHECK(mars_tensor_shares_storage(&shares, a, view) == MARS_OK && shares == 1);
  CHECK(mars_tensor_shares_storage(&shares, a, other) == MARS_OK && shares == 0);
  CHECK(mars_tensor_snapshot(&kept, a) == MARS_OK);
  CHECK(mars_tensor_assign(view, &nine, "here") == MARS_OK);
  CHECK(element(a, 0) == 9 && element(view, 3) == 9);
  CHECK(element(kept, 0) == 0 && element(kept, 3) == 3);
  CHECK(mars_tensor_assign(a, &five, "there") == MARS_ERROR_VALUE);
  mars_tensor_release(a);
  CHECK(element(view, 0) == 9);
  mars_tensor_release(view);
  mars_tensor_release(kept);
  mars_tensor_release(other);
  mars_tensor_release(five_values);
}

/* ---- graphs ---- */

/* y = x + 1, x a vector of any length. */
static mars_graph *plus_one(mars_tensor **x, mars_tensor **y) {
  const int64_t any = -1;
  mars_graph *g = NULL;
  if (mars_graph_new(&g) != MARS_OK) return NULL;
  if (mars_graph_input(x, g, "x", MARS_FLOAT64, &any, 1) != MARS_OK) return NULL;
  *y = apply2("add", *x, of_int(1));
  if (mars_graph_output(g, "y", *y) != MARS_OK) return NULL;
  return g;
}

static void graphs_with_named_inputs(void) {
  mars_tensor *x = NULL, *y = NULL, *value = NULL, *t = range(3), *in = NULL;
  mars_graph *g = plus_one(&x, &y);
  mars_string *name = NULL;
  mars_binding b[2];
  int64_t count = 0;
  REQUIRE(g != NULL);
  memset(b, 0, sizeof b);
  b[0].struct_size = b[1].struct_size = sizeof *b;
  b[0].name = "x";
  b[0].tensor = t;
  CHECK(mars_execute(&value, session, &y, 1, b, 1) == MARS_OK);
  CHECK(element(value, 2) == 3);
  mars_tensor_release(value);
  value = NULL;
  CHECK(mars_graph_input_count(&count, g) == MARS_OK && count == 1);
  CHECK(mars_graph_output_count(&count, g) == MARS_OK && count == 1);
  CHECK(mars_graph_get_input(&in, &name, g, 0) == MARS_OK && strcmp(mars_string_data(name), "x") == 0);
  mars_tensor_release(in);
  mars_string_release(name);
  in = NULL;
  name = NULL;
  CHECK(mars_graph_get_input(&in, &name, g, 1) == MARS_ERROR_INDEX);
  CHECK(mars_graph_get_output(&in, &name, g, -1) == MARS_ERROR_INDEX);
  CHECK(in == NULL && name == NULL);

  CHECK(mars_execute(NULL, session, &y, 1, NULL, 0) < 0 && error_names("x")); /* nothing bound */
  b[0].name = "z";
  CHECK(mars_execute(&value, session, &y, 1, b, 1) < 0 && error_names("z"));
  b[0].name = "x";
  b[1] = b[0];
  CHECK(mars_execute(&value, session, &y, 1, b, 2) < 0); /* twice */
  b[0].tensor = NULL;
  CHECK(mars_execute(&value, session, &y, 1, b, 1) == MARS_ERROR_HANDLE);
  b[0].tensor = t;
  CHECK(mars_execute(NULL, session, &y, 1, b, 1) < 0); /* nowhere to put the value */
  CHECK(mars_graph_input(&in, g, "x", MARS_FLOAT64, NULL, 0) < 0 && error_names("x")); /* the name is taken */
  CHECK(value == NULL && in == NULL);
  mars_tensor_release(x);
  mars_tensor_release(y);
  mars_tensor_release(t);
  mars_graph_release(g);
}

static void graph_files(void) {
  mars_tensor *x = NULL, *y = NULL;
  mars_graph *g = plus_one(&x, &y), *read = NULL, *no = NULL;
  mars_string *first = NULL, *second = NULL;
  int64_t i, size;
  char *bytes;
  REQUIRE(g != NULL);
  REQUIRE(mars_graph_serialize(&first, g) == MARS_OK);
  size = mars_string_size(first);
  REQUIRE(mars_graph_parse(&read, mars_string_data(first), (size_t)size, 0) == MARS_OK);
  CHECK(mars_graph_serialize(&second, read) == MARS_OK);
  CHECK(mars_string_size(second) == size && memcmp(mars_string_data(second), mars_string_data(first), (size_t)size) == 0);
  for (i = 0; i < size; i++) {
    if (mars_graph_parse(&no, mars_string_data(first), (size_t)i, 0) != MARS_ERROR_FORMAT) {
      fprintf(stderr, "first %ld of %ld bytes\n", (long)i, (long)size);
      CHECK(!"a cut file is an error of format");
      break;
    }
  }
  /* One byte changed: an error or another graph, never a crash. */
  bytes = (char *)malloc((size_t)size);
  for (i = 0; i < size; i++) {
    memcpy(bytes, mars_string_data(first), (size_t)size);
    bytes[i] = (char)(bytes[i] ^ 0xff);
    no = NULL;
    if (mars_graph_parse(&no, bytes, (size_t)size, 0) == MARS_OK) mars_graph_release(no);
    else CHECK(no == NULL);
  }
  free(bytes);
  mars_string_release(first);
  mars_string_release(second);
  mars_tensor_release(x);
  mars_tensor_release(y);
  mars_graph_release(g);
  mars_graph_release(read);
}

static void deep_graphs(void) {
  mars_tensor *t = range(2);
  int i;
  const int n = scale(50000);
  for (i = 0; i < n && t; i++) {
    mars_tensor *next = apply2("add", t, of_int(1));
    mars_tensor_release(t);
    t = next;
  }
  REQUIRE(t != NULL);
  CHECK(element(t, 1) == n + 1);
  mars_tensor_release(t);
  t = range(2);
  for (i = 0; i < n && t; i++) {
    mars_tensor *next = apply2("add", t, of_int(1));
    mars_tensor_release(t);
    t = next;
  }
  mars_tensor_release(t); /* never executed */
}

/* ---- callbacks ---- */

typedef struct call_log {
  pthread_mutex_t lock;
  int calls, destroyed, fail, held;
} call_log;

static void log_init(call_log *log) {
  memset(log, 0, sizeof *log);
  pthread_mutex_init(&log->lock, NULL);
}
static int log_get(call_log *log, const int *field) {
  int v;
  pthread_mutex_lock(&log->lock);
  v = *field;
  pthread_mutex_unlock(&log->lock);
  return v;
}
static void log_add(call_log *log, int *field, int by) {
  pthread_mutex_lock(&log->lock);
  *field += by;
  pthread_mutex_unlock(&log->lock);
}

static int32_t tenfold(void *user, const mars_array *in, mars_array *out, const int64_t *lower, char *message, size_t size) {
  call_log *log = (call_log *)user;
  int64_t i;
  int waited;
  (void)lower;
  log_add(log, &log->calls, 1);
  for (waited = 0; log_get(log, &log->held) && waited < 20000; waited += 5) sleep_ms(5);
  if (log_get(log, &log->fail)) {
    snprintf(message, size, "the tenfold is out of stock");
    return 1;
  }
  for (i = 0; i < in->shape[0]; i++) {
    double x;
    memcpy(&x, (const char *)in->data + i * (in->strides ? in->strides[0] : 8), 8);
    x *= 10;
    memcpy((char *)out->data + i * (out->strides ? out->strides[0] : 8), &x, 8);
  }
  return 0;
}
static void log_destroy(void *user) {
  call_log *log = (call_log *)user;
  log_add(log, &log->destroyed, 1);
}
/* Waits until something has been counted; whether it has. */
static int log_wait(call_log *log, const int *field) {
  int waited;
  for (waited = 0; !log_get(log, field) && waited < 20000; waited += 5) sleep_ms(5);
  return log_get(log, field) == 1;
}

static void callbacks(void) {
  static call_log log;
  mars_tensor *t = range(4), *m = NULL;
  log_init(&log);
  REQUIRE(mars_tensor_map_chunk(&m, t, MARS_FLOAT64, tenfold, &log, log_destroy, "callbacks") == MARS_OK);
  CHECK(log.calls == 0); /* nothing runs before it is asked for */
  CHECK(element(m, 3) == 30);
  CHECK(log.calls == 1);
  mars_tensor_release(m);
  CHECK(log_wait(&log, &log.destroyed));

  log_init(&log);
  log.fail = 1;
  m = NULL;
  REQUIRE(mars_tensor_map_chunk(&m, t, MARS_FLOAT64, tenfold, &log, log_destroy, "callbacks") == MARS_OK);
  CHECK(mars_execute(NULL, session, &m, 1, NULL, 0) == MARS_ERROR_CALLBACK);
  CHECK(error_names("out of stock"));
  CHECK(strcmp(last_error().origin, "callbacks") == 0);
  mars_tensor_release(m);
  CHECK(log_wait(&log, &log.destroyed));

  /* A failing call has taken nothing. */
  log_init(&log);
  m = NULL;
  CHECK(mars_tensor_map_chunk(&m, NULL, MARS_FLOAT64, tenfold, &log, log_destroy, NULL) == MARS_ERROR_HANDLE);
  CHECK(mars_tensor_map_chunk(&m, t, 99, tenfold, &log, log_destroy, NULL) < 0);
  CHECK(m == NULL && log.destroyed == 0);
  mars_tensor_release(t);
}

/* Asks the library to wait from inside a callback: it may refuse, but must not stand still. */
static int32_t reenter(void *user, const mars_array *in, mars_array *out, const int64_t *lower, char *message, size_t size) {
  mars_tensor *t = range(1000), *sum = apply1("sum", t);
  (void)user, (void)in, (void)out, (void)lower, (void)message, (void)size;
  mars_execute(NULL, session, &sum, 1, NULL, 0);
  mars_tensor_release(t);
  mars_tensor_release(sum);
  memset(out->data, 0, 8);
  return 0;
}
static int reentering(void) {
  mars_session *s = NULL;
  mars_tensor *t = range(1), *m = NULL;
  const char *key = "workers", *one = "1";
  if (mars_session_open(&s, &key, &one, 1) != MARS_OK) return 1;
  if (mars_tensor_map_chunk(&m, t, MARS_FLOAT64, reenter, NULL, NULL, NULL) != MARS_OK) return 2;
  return mars_execute(NULL, s, &m, 1, NULL, 0) == MARS_OK ? 0 : 3;
}
static void callbacks_may_call_back(void) { CHECK(in_child(reentering)); }

/* ---- runs ---- */

static void runs(void) {
  static call_log log;
  mars_tensor *t = range(4), *m = NULL, *value = NULL;
  mars_run *run = NULL;
  mars_progress p;
  memset(&p, 0, sizeof p);
  p.struct_size = sizeof p;

  log_init(&log);
  log.held = 1;
  REQUIRE(mars_tensor_map_chunk(&m, t, MARS_FLOAT64, tenfold, &log, log_destroy, NULL) == MARS_OK);
  REQUIRE(mars_execute_async(&run, session, &m, 1, NULL, 0) == MARS_OK);
  CHECK(mars_run_wait(run, 0.02) == MARS_ERROR_TIMEOUT);
  CHECK(mars_run_progress(&p, run) == MARS_OK && !p.is_done);
  CHECK(mars_run_results(&value, 1, run) < 0 && value == NULL); /* not finished */
  log_add(&log, &log.held, -1);
  CHECK(mars_run_wait(run, HUGE_VAL) == MARS_OK); /* for as long as it takes */
  CHECK(mars_run_progress(&p, run) == MARS_OK && p.is_done && p.tasks_done == p.tasks_total && p.tasks_total > 0);
  CHECK(mars_run_results(&value, 1, run) == MARS_OK);
  CHECK(element(value, 3) == 30);
  CHECK(mars_run_cancel(run) == MARS_OK); /* too late: nothing */
  CHECK(mars_run_wait(run, 0) == MARS_OK);
  CHECK(mars_run_wait(run, -1) == MARS_OK);
  CHECK(mars_run_wait(run, HUGE_VAL) == MARS_OK);
  CHECK(mars_run_wait(run, NAN) == MARS_ERROR_VALUE);
  mars_run_release(run);
  mars_tensor_release(value);
  mars_tensor_release(m);
  mars_tensor_release(t);
  CHECK(log_wait(&log, &log.destroyed));
}

/* A run whose only task is in its callback: `*run` of the tensor `*m`. */
static void start_held(call_log *log, mars_run **run, mars_tensor **m) {
  mars_tensor *t = range(4);
  log_init(log);
  log->held = 1;
  if (mars_tensor_map_chunk(m, t, MARS_FLOAT64, tenfold, log, log_destroy, NULL) == MARS_OK &&
      mars_execute_async(run, session, m, 1, NULL, 0) == MARS_OK)
    log_wait(log, &log->calls);
  mars_tensor_release(t);
}

static void runs_can_be_cancelled(void) {
  static call_log log;
  mars_tensor *t = range(4), *m = NULL;
  mars_run *run = NULL;
  start_held(&log, &run, &m);
  REQUIRE(run != NULL);
  CHECK(mars_run_cancel(run) == MARS_OK);
  CHECK(mars_run_cancel(run) == MARS_OK);
  log_add(&log, &log.held, -1);
  CHECK(mars_run_wait(run, 30) == MARS_ERROR_CANCELLED);
  CHECK(last_error().code == MARS_ERROR_CANCELLED);
  mars_run_release(run);
  CHECK(element(t, 3) == 3); /* the session goes on */
  mars_tensor_release(m);
  mars_tensor_release(t);
  CHECK(log_wait(&log, &log.destroyed)); /* the call may end after the run */
}

static void explain_chunks_cut(void) {
  mars_tensor *t = range(4), *sum = apply1("sum", t);
  mars_string *text = NULL;
  CHECK(mars_explain(&text, session, &sum, 1) == MARS_OK && mars_string_size(text) > 0);
  mars_string_release(text);
  text = NULL;
  CHECK(mars_tensor_chunks(&text, session, t) == MARS_OK && mars_string_data(text)[0] == '[');
  mars_string_release(text);
  text = NULL;
  CHECK(mars_plan_cut(&text, session, &sum, 1, 2) == MARS_OK && strstr(mars_string_data(text), "\"subtasks\"") != NULL);
  mars_string_release(text);
  text = NULL;
  CHECK(mars_plan_cut(&text, session, &sum, 1, 0) < 0 && text == NULL);
  mars_tensor_release(t);
  mars_tensor_release(sum);
}

/* ---- lifetimes ---- */

static void release_in_any_order(void) {
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  int o, i;
  for (o = 0; o < 6; o++) {
    mars_session *s = NULL;
    mars_tensor *x = NULL, *y = NULL, *t = range(3);
    mars_graph *g = plus_one(&x, &y);
    mars_run *run = NULL;
    mars_array a = empty_array();
    mars_binding b;
    double got = 0;
    memset(&b, 0, sizeof b);
    b.struct_size = sizeof b;
    b.name = "x";
    b.tensor = t;
    REQUIRE(g != NULL && mars_session_open(&s, NULL, NULL, 0) == MARS_OK);
    REQUIRE(mars_fetch(&a, s, t) == MARS_OK);
    REQUIRE(mars_execute_async(&run, s, &y, 1, &b, 1) == MARS_OK);
    mars_tensor_release(x);
    mars_tensor_release(t);
    for (i = 0; i < 3; i++) {
      if (orders[o][i] == 0) mars_session_release(s);
      if (orders[o][i] == 1) mars_graph_release(g);
      if (orders[o][i] == 2) mars_tensor_release(y);
    }
    memcpy(&got, (const char *)a.data + 16, 8);
    CHECK(got == 2);
    mars_run_wait(run, 30);
    mars_run_release(run);
    mars_array_release(&a);
  }
}

static void sessions_without_growth(void) {
  const int n = scale(10000);
  long before = 0;
  int i;
  for (i = 0; i < n + n / 10; i++) {
    mars_session *s = NULL;
    if (i == n / 10) before = resident();
    if (mars_session_open(&s, NULL, NULL, 0) != MARS_OK) break;
    mars_session_release(s);
  }
  CHECK(i == n + n / 10);
  CHECK(resident() - before < 8 * 1024);
}

static void graphs_without_growth(void) {
  const int n = scale(1000000);
  const int64_t shape[2] = {-1, 3};
  long before = 0;
  int i;
  for (i = 0; i < n + n / 10; i++) {
    mars_graph *g = NULL;
    mars_tensor *x = NULL;
    if (i == n / 10) before = resident();
    if (mars_graph_new(&g) != MARS_OK || mars_graph_input(&x, g, "x", MARS_FLOAT64, shape, 2) != MARS_OK) break;
    mars_graph_release(g);
    mars_tensor_release(x);
  }
  CHECK(i == n + n / 10);
  CHECK(resident() - before < 8 * 1024);
}

static void errors_without_growth(void) {
  const int n = scale(200000);
  long before = 0;
  int32_t out = 0;
  int i;
  for (i = 0; i < n + n / 10; i++) {
    if (i == n / 10) before = resident();
    if (mars_op_find(&out, "no_such_operator") == MARS_OK) break;
  }
  CHECK(i == n + n / 10);
  CHECK(resident() - before < 4 * 1024);
}

/* ---- threads and processes ---- */

static void *work(void *user) {
  int64_t *wrong = (int64_t *)user;
  const int n = scale(200);
  int i;
  for (i = 0; i < n; i++) {
    mars_tensor *t = range(i + 2), *u = apply2("add", t, of_int(1)), *s = apply1("sum", u);
    const double expected = (double)(i + 2) * (double)(i + 1) / 2 + (i + 2);
    if (element(s, 0) != expected) ++*wrong;
    mars_tensor_release(t);
    mars_tensor_release(u);
    mars_tensor_release(s);
  }
  return NULL;
}

static void threads_on_one_session(void) {
  pthread_t threads[8];
  int64_t wrong[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  int i;
  for (i = 0; i < 8; i++) REQUIRE(pthread_create(&threads[i], NULL, work, &wrong[i]) == 0);
  for (i = 0; i < 8; i++) {
    pthread_join(threads[i], NULL);
    CHECK(wrong[i] == 0);
  }
}

static mars_tensor *shared_tensor;
static void *retain_and_release(void *user) {
  int i;
  (void)user;
  for (i = 0; i < 20000; i++) mars_tensor_release(mars_tensor_retain(shared_tensor));
  return NULL;
}

static void threads_on_one_tensor(void) {
  pthread_t threads[8];
  int i;
  shared_tensor = range(3);
  for (i = 0; i < 8; i++) REQUIRE(pthread_create(&threads[i], NULL, retain_and_release, NULL) == 0);
  for (i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  CHECK(element(shared_tensor, 2) == 2);
  mars_tensor_release(shared_tensor);
}

static int compute(void) {
  mars_tensor *t = range(200000), *u = apply2("add", t, of_int(1)), *s = apply1("sum", u);
  const double expected = 200000.0 * 199999 / 2 + 200000;
  const int ok = element(s, 0) == expected;
  mars_tensor_release(t);
  mars_tensor_release(u);
  mars_tensor_release(s);
  return ok ? 0 : 1;
}

/* The child has no worker threads any more; the session starts them again. */
static void a_forked_child_computes(void) {
  CHECK(compute() == 0);
  CHECK(in_child(compute));
  CHECK(compute() == 0);
}

static mars_run *run_of_parent;
static int wait_for_parents_run(void) {
  const mars_status status = mars_run_wait(run_of_parent, 30);
  return status < 0 && status != MARS_ERROR_TIMEOUT && compute() == 0 ? 0 : 1;
}

/* A run that was going on at the fork fails in the child and goes on in the parent. */
static void fork_during_a_run(void) {
  static call_log log;
  mars_tensor *m = NULL;
  run_of_parent = NULL;
  start_held(&log, &run_of_parent, &m);
  REQUIRE(run_of_parent != NULL);
  CHECK(in_child(wait_for_parents_run));
  log_add(&log, &log.held, -1);
  CHECK(mars_run_wait(run_of_parent, 30) == MARS_OK);
  mars_run_release(run_of_parent);
  CHECK(element(m, 3) == 30);
  mars_tensor_release(m);
  CHECK(log_wait(&log, &log.destroyed));
}

/* The last call of a cancelled run is still going on. */
static void fork_after_a_cancelled_run(void) {
  static call_log log;
  mars_tensor *m = NULL;
  run_of_parent = NULL;
  start_held(&log, &run_of_parent, &m);
  REQUIRE(run_of_parent != NULL);
  CHECK(mars_run_cancel(run_of_parent) == MARS_OK);
  CHECK(in_child(wait_for_parents_run));
  log_add(&log, &log.held, -1);
  CHECK(mars_run_wait(run_of_parent, 30) == MARS_ERROR_CANCELLED);
  mars_run_release(run_of_parent);
  mars_tensor_release(m);
  CHECK(log_wait(&log, &log.destroyed));
}

/* ---- forks under load ---- */

/* A chain of arithmetic that no other `number` gives: a kernel of its own. */
static double chain_value(unsigned number, double x) {
  int i;
  for (i = 0; i < 10; i++, number /= 3) x = number % 3 == 0 ? x + 3 : number % 3 == 1 ? x * 2 : 1 - x;
  return x;
}
static int compute_chain(unsigned number) {
  mars_tensor *t = range(5);
  const double expected = chain_value(number, 4);
  unsigned n = number;
  int i, ok;
  for (i = 0; i < 10 && t; i++, n /= 3) {
    mars_tensor *next = NULL;
    if (n % 3 == 0) next = apply2("add", t, of_int(3));
    else if (n % 3 == 1) next = apply2("multiply", t, of_int(2));
    else {
      mars_operand in[2];
      in[0] = of_int(1);
      in[1] = of_tensor(t);
      mars_graph_apply(&next, 1, NULL, op("subtract"), in, 2, NULL, 0, NULL);
    }
    mars_tensor_release(t);
    t = next;
  }
  ok = t && element(t, 4) == expected;
  mars_tensor_release(t);
  return ok ? 0 : 1;
}

static int compute_product(void) {
  enum { n = 64 };
  const int64_t shape[2] = {n, n};
  double *data = (double *)malloc(n * n * sizeof *data);
  mars_tensor *a = NULL, *p, *s;
  mars_array array = array1(MARS_FLOAT64, data, shape);
  int i, ok;
  for (i = 0; i < n * n; i++) data[i] = 1;
  array.ndim = 2;
  mars_tensor_from_array(&a, &array, MARS_COPY, NULL);
  free(data);
  p = apply2("matmul", a, of_tensor(a));
  s = apply1("sum", p);
  ok = element(s, 0) == (double)n * n * n;
  mars_tensor_release(a);
  mars_tensor_release(p);
  mars_tensor_release(s);
  return ok ? 0 : 1;
}

static call_log load; /* calls: rounds of load; fail: wrong results; held: whether to go on */
static unsigned next_chain;

static void *load_with_compiles(void *user) {
  unsigned n = 20000; /* children take the lower numbers */
  (void)user;
  while (log_get(&load, &load.held)) {
    if (compute_chain(n++) != 0) log_add(&load, &load.fail, 1);
    log_add(&load, &load.calls, 1);
  }
  return NULL;
}
static void *load_with_products(void *user) {
  (void)user;
  while (log_get(&load, &load.held)) {
    if (compute_product() != 0) log_add(&load, &load.fail, 1);
    log_add(&load, &load.calls, 1);
  }
  return NULL;
}
static void *load_with_runs(void *user) {
  (void)user;
  while (log_get(&load, &load.held)) {
    if (compute() != 0) log_add(&load, &load.fail, 1);
    log_add(&load, &load.calls, 1);
  }
  return NULL;
}

/* Everything that the parent's threads may have been doing at the fork. */
static int compute_all(void) {
  const mars_status status = mars_run_wait(run_of_parent, 30);
  if (status >= 0 || status == MARS_ERROR_TIMEOUT) return 1;
  if (compute_chain(20000) != 0) return 2;      /* compiled before, or about to be */
  if (compute_product() != 0) return 3;
  if (compute() != 0) return 4;
  if (next_chain % 16 == 0 && compute_chain(next_chain) != 0) return 5; /* compiled here */
  return 0;
}

/* The kernels of this test are compiled, not read from disk. */
static void a_thousand_forks_under_load(void) {
  const int n = scale(1000);
  mars_session *usual = session;
  pthread_t threads[3];
  static call_log held;
  mars_tensor *m = NULL;
  const char *key = "cache_dir", *value = "";
  int i;
  session = NULL;
  if (mars_session_open(&session, &key, &value, 1) != MARS_OK) session = usual;
  CHECK(session != usual);
  log_init(&load);
  load.held = 1;
  run_of_parent = NULL;
  start_held(&held, &run_of_parent, &m);
  CHECK(run_of_parent != NULL);
  CHECK(pthread_create(&threads[0], NULL, load_with_compiles, NULL) == 0);
  CHECK(pthread_create(&threads[1], NULL, load_with_products, NULL) == 0);
  CHECK(pthread_create(&threads[2], NULL, load_with_runs, NULL) == 0);
  for (i = 0; i < n && run_of_parent && !checks_failed_in_test; i++) {
    if (i > 0 && i % 50 == 0) { /* a call is held for seconds only */
      log_add(&held, &held.held, -1);
      CHECK(mars_run_wait(run_of_parent, 30) == MARS_OK);
      mars_run_release(run_of_parent);
      mars_tensor_release(m);
      CHECK(log_wait(&held, &held.destroyed));
      run_of_parent = NULL;
      start_held(&held, &run_of_parent, &m);
      REQUIRE(run_of_parent != NULL);
    }
    next_chain = (unsigned)i;
    CHECK(in_child(compute_all));
  }
  log_add(&load, &load.held, -1);
  for (i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(load.calls > n); /* there was load */
  CHECK(load.fail == 0);
  log_add(&held, &held.held, -1);
  if (run_of_parent) CHECK(mars_run_wait(run_of_parent, 30) == MARS_OK);
  mars_run_release(run_of_parent);
  mars_tensor_release(m);
  mars_session_release(session);
  session = usual;
  CHECK(compute() == 0);
}

/* ---- cancelling ---- */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A long run answers to wait and cancel within 0.1 s, and the session goes on. */
static void cancel_is_quick(void) {
  mars_tensor *t = NULL, *u, *s;
  mars_run *run = NULL;
  mars_attribute a[3];
  const int64_t size[2] = {1000000, 10000};
  double start, waited, cancelled;
  int i;
  memset(a, 0, sizeof a);
  for (i = 0; i < 3; i++) a[i].struct_size = sizeof a[i];
  a[0].name = "seed";
  a[0].kind = MARS_ATTR_SCALAR;
  a[0].dtype = MARS_UINT64;
  a[0].i = 7;
  a[1].name = "stream";
  a[1].kind = MARS_ATTR_INT;
  a[2].name = "size";
  a[2].kind = MARS_ATTR_INTS;
  a[2].data = size;
  a[2].count = 2;
  REQUIRE(mars_graph_apply(&t, 1, NULL, op("random"), NULL, 0, a, 3, NULL) == MARS_OK);
  u = apply1("sin", t);
  s = apply1("sum", u);
  for (i = 0; i < 3; i++) {
    REQUIRE(mars_execute_async(&run, session, &s, 1, NULL, 0) == MARS_OK);
    start = seconds();
    CHECK(mars_run_wait(run, 0.2) == MARS_ERROR_TIMEOUT);
    waited = seconds() - start;
    CHECK(waited > 0.19 && waited < 0.3);
    start = seconds();
    CHECK(mars_run_cancel(run) == MARS_OK);
    CHECK(mars_run_wait(run, 10) == MARS_ERROR_CANCELLED);
    cancelled = seconds() - start;
    CHECK(cancelled < 0.1);
    CHECK(compute() == 0);
    CHECK(seconds() - start < 0.5); /* tasks of the cancelled run keep nobody waiting */
    mars_run_release(run);
  }
  mars_tensor_release(t);
  mars_tensor_release(u);
  mars_tensor_release(s);
}

int main(int argc, char **argv) {
  wanted = argv + (argc > 0);
  RUN(every_function_links);
  RUN(layouts);
  RUN(version);
  if (mars_session_open(&session, NULL, NULL, 0) != MARS_OK) {
    fprintf(stderr, "no session: %s\n", last_error().message);
    tests_failed++;
    return report();
  }
  RUN(releases_accept_null);
  RUN(null_handles_are_errors);
  RUN(null_arguments_are_errors);
  RUN(handles_of_another_kind_are_errors);
  RUN(structs_of_unknown_size_are_errors);
  RUN(outputs_stay_on_failure);
  RUN(errors_are_per_thread);
  RUN(errors_tell_operator_and_origin);
  RUN(unknown_operator_and_attribute_are_named);
  RUN(session_options);
  RUN(default_session_is_one);
  RUN(statistics_and_trace);
  RUN(dtypes);
  RUN(operators_describe_themselves);
  RUN(ownership_of_arrays);
  RUN(arrays_that_make_no_sense);
  RUN(strided_arrays_and_fetch_into);
  RUN(a_tensor_tells_its_type);
  RUN(dlpack_round_trip);
  RUN(writes_go_through_storage);
  RUN(graphs_with_named_inputs);
  RUN(graph_files);
  RUN(deep_graphs);
  RUN(callbacks);
  RUN(callbacks_may_call_back);
  RUN(runs);
  RUN(runs_can_be_cancelled);
  RUN(explain_chunks_cut);
  RUN(release_in_any_order);
  RUN(sessions_without_growth);
  RUN(graphs_without_growth);
  RUN(errors_without_growth);
  RUN(threads_on_one_session);
  RUN(threads_on_one_tensor);
  RUN(a_forked_child_computes);
  RUN(fork_during_a_run);
  RUN(fork_after_a_cancelled_run);
  RUN(a_thousand_forks_under_load);
  RUN(cancel_is_quick);
  mars_session_release(session);
  return report();
}
