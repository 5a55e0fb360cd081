/* Handles released in any order; nothing grows. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <string.h>

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

void lifetime_tests(void) {
  RUN(release_in_any_order);
  RUN(sessions_without_growth);
  RUN(graphs_without_growth);
  RUN(errors_without_growth);
}
