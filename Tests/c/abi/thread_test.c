/* Threads and forks. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

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

void thread_tests(void) {
  RUN(threads_on_one_session);
  RUN(threads_on_one_tensor);
  RUN(a_forked_child_computes);
  RUN(fork_during_a_run);
  RUN(fork_after_a_cancelled_run);
  RUN(a_thousand_forks_under_load);
}
