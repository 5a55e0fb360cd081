/* What the tests have in common: see abi.h. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

mars_session *session;

int scale(int count) {
  const char *text = getenv("MARS_TEST_SCALE");
  const int by = text ? atoi(text) : 1;
  return by > 1 ? (count + by - 1) / by : count;
}

void sleep_ms(long ms) {
  struct timespec t;
  t.tv_sec = ms / 1000;
  t.tv_nsec = ms % 1000 * 1000000;
  nanosleep(&t, NULL);
}

mars_error last_error(void) {
  mars_error e;
  memset(&e, 0, sizeof e);
  e.struct_size = sizeof e;
  mars_error_last(&e);
  return e;
}
int error_names(const char *text) { return strstr(last_error().message, text) != NULL; }

mars_operand of_tensor(mars_tensor *t) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_TENSOR;
  o.tensor = t;
  return o;
}
mars_operand of_int(int64_t i) {
  mars_operand o;
  memset(&o, 0, sizeof o);
  o.struct_size = sizeof o;
  o.kind = MARS_OPERAND_WEAK_INT;
  o.i = i;
  return o;
}
int32_t op(const char *name) {
  int32_t n = -1;
  mars_op_find(&n, name);
  return n;
}
mars_tensor *apply2(const char *name, mars_tensor *a, mars_operand b) {
  mars_operand in[2];
  mars_tensor *out = NULL;
  in[0] = of_tensor(a);
  in[1] = b;
  mars_graph_apply(&out, 1, NULL, op(name), in, 2, NULL, 0, "abi_test");
  return out;
}
mars_tensor *apply1(const char *name, mars_tensor *a) {
  mars_operand in = of_tensor(a);
  mars_tensor *out = NULL;
  mars_graph_apply(&out, 1, NULL, op(name), &in, 1, NULL, 0, "abi_test");
  return out;
}

mars_array array1(mars_dtype dtype, void *data, const int64_t *shape) {
  mars_array a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  a.dtype = dtype;
  a.ndim = 1;
  a.data = data;
  a.shape = shape;
  return a;
}
mars_tensor *range(int64_t count) {
  double *data = (double *)malloc((size_t)(count > 0 ? count : 1) * sizeof *data);
  mars_array a = array1(MARS_FLOAT64, data, &count);
  mars_tensor *t = NULL;
  int64_t i;
  for (i = 0; i < count; i++) data[i] = (double)i;
  mars_tensor_from_array(&t, &a, MARS_COPY, NULL);
  free(data);
  return t;
}

mars_array empty_array(void) {
  mars_array a;
  memset(&a, 0, sizeof a);
  a.struct_size = sizeof a;
  return a;
}
double element(mars_tensor *t, int64_t i) {
  mars_array a = empty_array();
  double x = -1e300;
  if (mars_fetch(&a, session, t) != MARS_OK) return x;
  if (a.dtype == MARS_FLOAT64 && a.ndim <= 1)
    memcpy(&x, (const char *)a.data + (a.ndim == 0 ? 0 : i * (a.strides ? a.strides[0] : 8)), sizeof x);
  mars_array_release(&a);
  return x;
}

long resident(void) {
  char line[256];
  long kib = 0;
  FILE *f = fopen("/proc/self/status", "r");
  if (!f) return 0;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "VmRSS: %ld kB", &kib) == 1) break;
  fclose(f);
  return kib;
}

int in_child(int (*body)(void)) {
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

void log_init(call_log *log) {
  memset(log, 0, sizeof *log);
  pthread_mutex_init(&log->lock, NULL);
}

int log_get(call_log *log, const int *field) {
  int v;
  pthread_mutex_lock(&log->lock);
  v = *field;
  pthread_mutex_unlock(&log->lock);
  return v;
}

void log_add(call_log *log, int *field, int by) {
  pthread_mutex_lock(&log->lock);
  *field += by;
  pthread_mutex_unlock(&log->lock);
}

int32_t tenfold(void *user, const mars_array *in, mars_array *out, const int64_t *lower, char *message, size_t size) {
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

void log_destroy(void *user) {
  call_log *log = (call_log *)user;
  log_add(log, &log->destroyed, 1);
}

int log_wait(call_log *log, const int *field) {
  int waited;
  for (waited = 0; !log_get(log, field) && waited < 20000; waited += 5) sleep_ms(5);
  return log_get(log, field) == 1;
}

mars_graph *plus_one(mars_tensor **x, mars_tensor **y) {
  const int64_t any = -1;
  mars_graph *g = NULL;
  if (mars_graph_new(&g) != MARS_OK) return NULL;
  if (mars_graph_input(x, g, "x", MARS_FLOAT64, &any, 1) != MARS_OK) return NULL;
  *y = apply2("add", *x, of_int(1));
  if (mars_graph_output(g, "y", *y) != MARS_OK) return NULL;
  return g;
}

void start_held(call_log *log, mars_run **run, mars_tensor **m) {
  mars_tensor *t = range(4);
  log_init(log);
  log->held = 1;
  if (mars_tensor_map_chunk(m, t, MARS_FLOAT64, tenfold, log, log_destroy, NULL) == MARS_OK &&
      mars_execute_async(run, session, m, 1, NULL, 0) == MARS_OK)
    log_wait(log, &log->calls);
  mars_tensor_release(t);
}

double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int compute(void) {
  mars_tensor *t = range(200000), *u = apply2("add", t, of_int(1)), *s = apply1("sum", u);
  const double expected = 200000.0 * 199999 / 2 + 200000;
  const int ok = element(s, 0) == expected;
  mars_tensor_release(t);
  mars_tensor_release(u);
  mars_tensor_release(s);
  return ok ? 0 : 1;
}
