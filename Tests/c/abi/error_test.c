/* What errors tell. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

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

/* Also where an argument is no value at all. */
static void errors_of_arguments_tell_operator_and_origin(void) {
  mars_tensor *a = range(3), *out = NULL;
  mars_operand in[2];
  mars_attribute axis;
  in[0] = of_tensor(a);
  in[1] = of_tensor(NULL);
  CHECK(mars_graph_apply(&out, 1, NULL, op("add"), in, 2, NULL, 0, "model.c:8") == MARS_ERROR_HANDLE);
  CHECK(strcmp(last_error().op, "add") == 0 && strcmp(last_error().origin, "model.c:8") == 0 && error_names("inputs[1]"));
  memset(&axis, 0, sizeof axis);
  axis.struct_size = sizeof axis;
  axis.name = "axis";
  axis.kind = MARS_ATTR_INTS;
  axis.count = 1;
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), in, 1, &axis, 1, "model.c:9") == MARS_ERROR_HANDLE);
  CHECK(strcmp(last_error().op, "sum") == 0 && strcmp(last_error().origin, "model.c:9") == 0 && error_names("axis"));
  CHECK(mars_tensor_assign(a, &in[1], "model.c:10") == MARS_ERROR_HANDLE);
  CHECK(strcmp(last_error().op, "assign") == 0 && strcmp(last_error().origin, "model.c:10") == 0);
  CHECK(out == NULL);
  mars_tensor_release(a);
}

/* An operator that other operators are made of, called with what these never give it. */
static void elements_that_are_no_values(void) {
  mars_tensor *values = range(3), *x = range(5), *out = NULL;
  mars_operand in[2];
  mars_attribute a[2];
  in[0] = of_tensor(values);
  in[1] = of_tensor(x);
  memset(a, 0, sizeof a);
  a[0].struct_size = a[1].struct_size = sizeof *a;
  a[0].kind = a[1].kind = MARS_ATTR_BOOL;
  a[0].name = "equal_nan";
  a[1].name = "first";
  REQUIRE(mars_graph_apply(&out, 1, NULL, op("distinct_occurrences"), in, 2, a, 2, NULL) == MARS_OK);
  CHECK(mars_execute(NULL, session, &out, 1, NULL, 0) == MARS_ERROR_VALUE && error_names("values"));
  mars_tensor_release(out);
  mars_tensor_release(values);
  mars_tensor_release(x);
}

/* What has to know extents that only running finds says so; after the run the same call succeeds. */
static void unknown_extents_have_a_code(void) {
  mars_tensor *a = range(5), *mask = NULL, *kept = NULL, *out = NULL;
  mars_operand in[2];
  in[0] = of_tensor(a);
  in[1] = of_int(2);
  REQUIRE(mars_graph_apply(&mask, 1, NULL, op("less"), in, 2, NULL, 0, NULL) == MARS_OK);
  in[0] = of_tensor(mask);
  in[1] = of_tensor(a);
  REQUIRE(mars_graph_apply(&kept, 1, NULL, op("compress"), in, 2, NULL, 0, NULL) == MARS_OK);
  in[0] = of_tensor(kept);
  CHECK(mars_graph_apply(&out, 1, NULL, op("median"), in, 1, NULL, 0, "model.c:9") == MARS_ERROR_UNKNOWN_EXTENTS);
  CHECK(out == NULL && error_names("known extents") && strcmp(last_error().op, "median") == 0);
  REQUIRE(mars_execute(NULL, session, &kept, 1, NULL, 0) == MARS_OK);
  CHECK(mars_graph_apply(&out, 1, NULL, op("median"), in, 1, NULL, 0, NULL) == MARS_OK);
  mars_tensor_release(out);
  mars_tensor_release(kept);
  mars_tensor_release(mask);
  mars_tensor_release(a);
}

/* A mistake in asking leaves what was asked for. */
static void asking_wrongly_keeps_the_record(void) {
  struct { /* mars_error as it was before system_error */
    uint32_t struct_size;
    mars_status code;
    const char *message, *op, *origin;
  } old;
  mars_error none;
  int32_t n = 0;
  CHECK(mars_op_find(&n, "operator_to_remember") < 0);
  CHECK(mars_error_last(NULL) == MARS_ERROR_HANDLE);
  memset(&none, 0, sizeof none);
  CHECK(mars_error_last(&none) == MARS_ERROR_VALUE && none.message == NULL);
  CHECK(error_names("operator_to_remember"));
  memset(&old, 0, sizeof old);
  old.struct_size = sizeof old;
  CHECK(mars_error_last((mars_error *)(void *)&old) == MARS_OK && strstr(old.message, "operator_to_remember") != NULL);
}

static void system_errors_tell_number_and_file(void) {
  mars_tensor *out = NULL;
  mars_attribute path;
  int32_t n = 0;
  memset(&path, 0, sizeof path);
  path.struct_size = sizeof path;
  path.kind = MARS_ATTR_STRING;
  path.name = "path";
  path.data = "/no/such/folder/x.npy";
  CHECK(mars_graph_apply(&out, 1, NULL, op("load_npy"), NULL, 0, &path, 1, NULL) == MARS_ERROR_OS);
  CHECK(last_error().system_error == ENOENT && strcmp(last_error().path, "/no/such/folder/x.npy") == 0);
  CHECK(mars_op_find(&n, "no_such_operator") < 0);
  CHECK(last_error().system_error == 0 && strcmp(last_error().path, "") == 0);
}

static void counts_that_are_too_large_are_named(void) {
  mars_tensor *out = NULL;
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), NULL, (size_t)-1, NULL, 0, NULL) == MARS_ERROR_VALUE);
  CHECK(error_names("'input_count' must be at most 16777216 but is 18446744073709551615"));
  CHECK(mars_graph_apply(&out, 1, NULL, op("sum"), NULL, 0, NULL, 65537, NULL) == MARS_ERROR_VALUE);
  CHECK(error_names("'attribute_count' must be at most 65536 but is 65537"));
  {
    mars_session *session = NULL;
    mars_tensor *t = range(3);
    mars_graph *graph = NULL;
    REQUIRE(mars_session_default(&session) == MARS_OK);
    CHECK(mars_execute(NULL, session, &t, (size_t)-1, NULL, 0) == MARS_ERROR_VALUE);
    CHECK(error_names("'count' must be at most 16777216 but is 18446744073709551615"));
    CHECK(mars_execute(&out, session, &t, 1, NULL, (size_t)-1) == MARS_ERROR_VALUE && out == NULL);
    CHECK(error_names("'binding_count' must be at most 16777216 but is 18446744073709551615"));
    CHECK(mars_graph_parse(&graph, "x", (size_t)-1, 0) == MARS_ERROR_VALUE && error_names("'size' must be at most"));
    mars_tensor_release(t);
    mars_session_release(session);
    session = NULL;
    CHECK(mars_session_open(&session, NULL, NULL, (size_t)-1) == MARS_ERROR_VALUE && error_names("'count' must be at most 65536"));
  }
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

void error_tests(void) {
  RUN(errors_are_per_thread);
  RUN(errors_tell_operator_and_origin);
  RUN(errors_of_arguments_tell_operator_and_origin);
  RUN(elements_that_are_no_values);
  RUN(unknown_extents_have_a_code);
  RUN(asking_wrongly_keeps_the_record);
  RUN(system_errors_tell_number_and_file);
  RUN(counts_that_are_too_large_are_named);
  RUN(unknown_operator_and_attribute_are_named);
}
