/* Sessions: options, statistics, traces. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <string.h>

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

static int shows(mars_session *s, const char *what) {
  mars_string *text = NULL;
  int found;
  if (mars_session_options(&text, s) != MARS_OK) return -1;
  found = strstr(mars_string_data(text), what) != NULL;
  mars_string_release(text);
  return found;
}

static void claims(void) {
  const char *key = "memory_limit", *small = "64M", *large = "1GiB";
  mars_session *a = NULL, *b = NULL;
  REQUIRE(mars_session_open(&a, &key, &small, 1) == MARS_OK);
  REQUIRE(mars_session_open(&b, &key, &large, 1) == MARS_OK);
  CHECK(shows(b, "67108864") == 1);
  CHECK(mars_session_claim(a, 0) == MARS_OK && shows(b, "1073741824") == 1 && shows(a, "1073741824") == 1);
  CHECK(mars_session_claim(a, 1) == MARS_OK && shows(b, "67108864") == 1);
  mars_session_release(a);
  CHECK(shows(b, "1073741824") == 1);
  mars_session_release(b);
  CHECK(mars_session_claim(NULL, 1) == MARS_ERROR_HANDLE);
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

void session_tests(void) {
  RUN(session_options);
  RUN(claims);
  RUN(default_session_is_one);
  RUN(statistics_and_trace);
}
