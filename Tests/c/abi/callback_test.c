/* Functions of the client. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <string.h>

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

void callback_tests(void) {
  RUN(callbacks);
  RUN(callbacks_may_call_back);
}
