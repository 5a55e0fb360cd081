/* Runs: waiting, cancelling, plans. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <math.h>
#include <string.h>

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

static void runs_can_be_cancelled(void) {
  static call_log log;
  mars_tensor *t = range(4), *m = NULL;
  mars_run *run = NULL;
  start_held(&log, &run, &m);
  REQUIRE(run != NULL);
  CHECK(mars_run_cancel(run) == MARS_OK);
  CHECK(mars_run_wait(run, 30) == MARS_ERROR_CANCELLED); /* at once, while the call goes on */
  CHECK(last_error().code == MARS_ERROR_CANCELLED);
  CHECK(mars_run_settle(run, 0) == MARS_ERROR_TIMEOUT);
  log_add(&log, &log.held, -1);
  CHECK(mars_run_settle(run, 30) == MARS_OK);
  CHECK(log_get(&log, &log.calls) == 1);
  CHECK(mars_run_wait(run, 30) == MARS_ERROR_CANCELLED);
  mars_run_release(run);
  CHECK(element(t, 3) == 3); /* the session goes on */
  mars_tensor_release(m);
  mars_tensor_release(t);
  CHECK(log_wait(&log, &log.destroyed)); /* the call may end after the run */
}

static int32_t count_down(void *user) {
  int *left = (int *)user;
  return *left < 0 || (*left)-- > 0;
}

/* Planning stops when the client has waited long enough. */
static void planning_ends_when_asked(void) {
  mars_tensor *t = range(4), *big = NULL;
  mars_string *text = NULL;
  mars_attribute size[1];
  mars_operand in[1];
  int64_t chunk = 1;
  int left = -1;
  CHECK(mars_explain_while(&text, session, &t, 1, count_down, &left) == MARS_OK && mars_string_size(text) > 0);
  mars_string_release(text);
  text = NULL;
  CHECK(mars_tensor_chunks_while(&text, session, t, count_down, &left) == MARS_OK && mars_string_data(text)[0] == '[');
  mars_string_release(text);
  text = NULL;
  memset(size, 0, sizeof size);
  size[0].struct_size = sizeof *size;
  size[0].name = "chunk_size";
  size[0].kind = MARS_ATTR_INTS;
  size[0].count = 1;
  size[0].data = &chunk;
  mars_tensor_release(t);
  t = range(100000);
  in[0] = of_tensor(t);
  REQUIRE(mars_graph_apply(&big, 1, NULL, op("rechunk"), in, 1, size, 1, NULL) == MARS_OK);
  left = 2;
  CHECK(mars_explain_while(&text, session, &big, 1, count_down, &left) == MARS_ERROR_CANCELLED && left == -1);
  left = 2;
  CHECK(mars_tensor_chunks_while(&text, session, big, count_down, &left) == MARS_ERROR_CANCELLED && left == -1);
  CHECK(mars_explain_while(&text, session, &big, 1, NULL, NULL) == MARS_ERROR_HANDLE && text == NULL);
  CHECK(mars_tensor_chunks_while(&text, session, big, NULL, NULL) == MARS_ERROR_HANDLE && text == NULL);
  mars_tensor_release(big);
  mars_tensor_release(t);
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

/* ---- cancelling ---- */

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

void run_tests(void) {
  RUN(runs);
  RUN(runs_can_be_cancelled);
  RUN(explain_chunks_cut);
  RUN(planning_ends_when_asked);
  RUN(cancel_is_quick);
}
