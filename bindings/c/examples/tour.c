/* A tour of mars.h in C99: graph files with named inputs, views and assignment, a function of the client, a run in the background,
 * errors. */
#define _POSIX_C_SOURCE 200112L
#include "example.h"

static mars_array array_of(double *data, const int64_t *shape, int32_t ndim) {
  mars_array a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.dtype = MARS_FLOAT64;
  a.ndim = ndim;
  a.data = data;
  a.shape = shape;
  return a;
}

/* A tensor of numbers that are copied at the call. */
static mars_tensor *tensor_of(double *data, int64_t count) {
  mars_array a = array_of(data, &count, 1);
  mars_tensor *t = NULL;
  CHECK(mars_tensor_from_array(&t, &a, MARS_COPY, NULL));
  return t;
}

static void print(mars_session *session, const char *name, mars_tensor *tensor) {
  mars_array a = fetch(session, tensor);
  int64_t count = a.ndim == 0 ? 1 : a.shape[0];
  int64_t i;
  printf("%s =", name);
  for (i = 0; i < count; i++) {
    const char *element = (const char *)a.data + (a.strides && a.ndim ? i * a.strides[0] : i * 8);
    printf(" %g", *(const double *)(const void *)element);
  }
  printf("\n");
  mars_array_release(&a);
}

/* A graph as a program: written once, read anywhere, run on other data each time. */
static void graph_file(mars_session *session) {
  const int64_t any_length = -1;
  mars_graph *graph = NULL, *read = NULL;
  mars_tensor *x = NULL, *y = NULL, *next = NULL, *out = NULL, *value = NULL;
  mars_string *bytes = NULL, *name = NULL;
  mars_binding binding;
  double data[4] = {1, 2, 3, 4};

  CHECK(mars_graph_new(&graph));
  CHECK(mars_graph_input(&x, graph, "x", MARS_FLOAT64, &any_length, 1));
  CHECK(mars_op_multiply(&y, NULL, mars_of(x), mars_weak_float(2)));
  CHECK(mars_op_add(&next, NULL, mars_of(y), mars_weak_int(1)));
  replace(&y, next);
  CHECK(mars_graph_output(graph, "y", y));
  CHECK(mars_graph_serialize(&bytes, graph));
  mars_tensor_release(x);
  mars_tensor_release(y);
  mars_graph_release(graph);

  CHECK(mars_graph_parse(&read, mars_string_data(bytes), (size_t)mars_string_size(bytes), 0));
  mars_string_release(bytes);
  CHECK(mars_graph_get_output(&out, &name, read, 0));
  memset(&binding, 0, sizeof binding);
  binding.struct_size = sizeof binding;
  binding.name = "x";
  binding.tensor = tensor_of(data, 4);
  CHECK(mars_execute(&value, session, &out, 1, &binding, 1));
  print(session, mars_string_data(name), value);
  mars_string_release(name);
  mars_tensor_release(binding.tensor);
  mars_tensor_release(value);
  mars_tensor_release(out);
  mars_graph_release(read);
}

/* Views share storage: a write through one is seen through the other, as in NumPy. */
static void views(mars_session *session) {
  double data[4] = {1, 2, 3, 4};
  const int64_t axis = 0, start = 1, step = 2, extent = 2;
  mars_tensor *a = tensor_of(data, 4);
  mars_operand of_a = mars_of(a);
  mars_operand zero = mars_weak_int(0);
  mars_attribute slice[4]; /* a[1::2]: element i of axis 0 is a[1 + 2 i] */
  mars_tensor *view = NULL;
  int32_t shares = 0;

  slice[0] = mars_attr_ints("axes", &axis, 1);
  slice[1] = mars_attr_ints("starts", &start, 1);
  slice[2] = mars_attr_ints("steps", &step, 1);
  slice[3] = mars_attr_ints("shape", &extent, 1);
  CHECK(mars_op_apply("view", &view, 1, NULL, &of_a, 1, slice, 4)); /* any operator by its name */
  CHECK(mars_tensor_shares_storage(&shares, a, view));
  CHECK(mars_tensor_assign(view, &zero, NULL));
  printf("shares storage: %d\n", (int)shares);
  print(session, "a after a[1::2] = 0", a);
  mars_tensor_release(view);
  mars_tensor_release(a);
}

/* Called once per chunk, on any thread. */
static int32_t halve(void *user, const mars_array *input, mars_array *output, const int64_t *lower, char *message, size_t message_size) {
  const double by = *(const double *)user;
  int64_t i;
  (void)lower;
  if (input->ndim != 1) {
    snprintf(message, message_size, "one axis expected, not %d", (int)input->ndim);
    return 1;
  }
  for (i = 0; i < input->shape[0]; i++) {
    const char *from = (const char *)input->data + i * (input->strides ? input->strides[0] : 8);
    char *to = (char *)output->data + i * (output->strides ? output->strides[0] : 8);
    *(double *)(void *)to = *(const double *)(const void *)from / by;
  }
  return 0;
}

static void callback(mars_session *session) {
  double data[4] = {1, 2, 3, 4};
  double by = 2; /* outlives the execution, so that no destroy function is needed */
  mars_tensor *a = tensor_of(data, 4);
  mars_tensor *b = NULL;
  CHECK(mars_tensor_map_chunk(&b, a, MARS_FLOAT64, halve, &by, NULL, "tour.c: callback"));
  print(session, "halves", b);
  mars_tensor_release(a);
  mars_tensor_release(b);
}

/* A run in the background that is asked how far it is. */
static void background(mars_session *session) {
  double data[4] = {1, 2, 3, 4};
  mars_tensor *sum = tensor_of(data, 4), *next = NULL;
  mars_run *run = NULL;
  mars_progress progress;
  mars_status status;

  memset(&progress, 0, sizeof progress);
  progress.struct_size = sizeof progress;
  CHECK(mars_op_sum(&next, NULL, mars_of(sum), NULL, NULL, 0));
  replace(&sum, next);
  CHECK(mars_execute_async(&run, session, &sum, 1, NULL, 0));
  do {
    status = mars_run_wait(run, 0.05);
    CHECK(mars_run_progress(&progress, run));
  } while (status == MARS_ERROR_TIMEOUT);
  check(status, "mars_run_wait");
  printf("done: %d\n", (int)progress.is_done);
  mars_run_release(run);
  print(session, "sum", sum);
  mars_tensor_release(sum);
}

/* A failing call returns a code, leaves its outputs alone and explains itself. */
static void errors(void) {
  double data[4] = {1, 2, 3, 4};
  mars_tensor *three = tensor_of(data, 3), *four = tensor_of(data, 4), *out = NULL;
  mars_operand inputs[2];
  mars_error error;
  int32_t add = 0;
  mars_status status;

  inputs[0] = mars_of(three);
  inputs[1] = mars_of(four);
  CHECK(mars_op_find(&add, "add"));
  status = mars_graph_apply(&out, 1, NULL, add, inputs, 2, NULL, 0, "tour.c: errors");
  memset(&error, 0, sizeof error);
  error.struct_size = sizeof error;
  CHECK(mars_error_last(&error));
  if (status != MARS_ERROR_VALUE || out != NULL) exit(1);
  printf("%s: %s (%s)\n", error.op, error.message, error.origin);
  mars_tensor_release(three);
  mars_tensor_release(four);
}

int main(void) {
  const char *keys[2] = {"workers", "memory_limit"};
  const char *values[2] = {"2", "1GiB"};
  mars_session *session = NULL;
  printf("Mars %s\n", mars_version());
  CHECK(mars_session_open(&session, keys, values, 2));
  graph_file(session);
  views(session);
  callback(session);
  background(session);
  errors();
  mars_session_release(session);
  return 0;
}
