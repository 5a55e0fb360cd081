/* NULL and wrong handles, structs of unknown size, outputs on failure. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <math.h>
#include <string.h>

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
  NULL_HANDLE(mars_tensor_store(NULL, NULL, NULL, NULL, NULL));
  NULL_HANDLE(mars_tensor_shares_storage(&flag, NULL, t));
  NULL_HANDLE(mars_tensor_shares_storage(&flag, t, NULL));
  NULL_HANDLE(mars_tensor_shares_memory(&flag, NULL, t, 1));
  NULL_HANDLE(mars_tensor_shares_memory(&flag, t, NULL, 1));
  NULL_HANDLE(mars_tensor_needs(&flag, NULL));
  NULL_HANDLE(mars_session_claim(NULL, 0));
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
  NULL_HANDLE(mars_run_settle(NULL, 1));
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
  CHECK(mars_tensor_store(t, NULL, NULL, NULL, NULL) == MARS_ERROR_HANDLE);
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

void handle_tests(void) {
  RUN(releases_accept_null);
  RUN(null_handles_are_errors);
  RUN(null_arguments_are_errors);
  RUN(handles_of_another_kind_are_errors);
  RUN(structs_of_unknown_size_are_errors);
  RUN(outputs_stay_on_failure);
}
