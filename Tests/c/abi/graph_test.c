/* Graphs with named inputs, and graph files. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#include "abi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* A write to an input's tensor makes another tensor of it, not another input: the graph runs as before and its file says what it runs. */
static void inputs_may_be_written_to(void) {
  mars_graph *g = NULL, *read = NULL;
  mars_tensor *x = NULL, *in = NULL, *t = range(3), *value = NULL, *out = NULL;
  mars_string *file = NULL;
  mars_operand ten = of_int(10);
  mars_binding b;
  int64_t extent = 3, count = 0;
  memset(&b, 0, sizeof b);
  b.struct_size = sizeof b;
  b.name = "x";
  b.tensor = t;
  REQUIRE(mars_graph_new(&g) == MARS_OK);
  CHECK(mars_graph_input(&in, g, "", MARS_FLOAT64, &extent, 1) == MARS_ERROR_VALUE && error_names("name") && in == NULL);
  REQUIRE(mars_graph_input(&x, g, "x", MARS_FLOAT64, &extent, 1) == MARS_OK);
  REQUIRE(mars_graph_output(g, "y", x) == MARS_OK);
  REQUIRE(mars_graph_get_input(&in, NULL, g, 0) == MARS_OK);
  REQUIRE(mars_tensor_assign(in, &ten, NULL) == MARS_OK);
  CHECK(mars_execute(&value, session, &x, 1, &b, 1) == MARS_OK && element(value, 2) == 10);
  mars_tensor_release(value);
  value = NULL;
  REQUIRE(mars_graph_serialize(&file, g) == MARS_OK);
  REQUIRE(mars_graph_parse(&read, mars_string_data(file), mars_string_size(file), 0) == MARS_OK);
  CHECK(mars_graph_input_count(&count, read) == MARS_OK && count == 1);
  REQUIRE(mars_graph_get_output(&out, NULL, read, 0) == MARS_OK);
  CHECK(mars_execute(&value, session, &out, 1, &b, 1) == MARS_OK && element(value, 2) == 10);
  mars_tensor_release(value);
  mars_tensor_release(out);
  mars_tensor_release(in);
  mars_tensor_release(x);
  mars_tensor_release(t);
  mars_string_release(file);
  mars_graph_release(read);
  mars_graph_release(g);
}

/* One of several outputs runs with the bindings of all; names that the graph does not have stay errors. */
static void inputs_that_are_not_needed_may_be_bound(void) {
  mars_graph *g = NULL, *other = NULL;
  mars_tensor *x = NULL, *w = NULL, *z = NULL, *y = NULL, *constant = range(2), *t = range(3), *value = NULL;
  mars_binding b[2];
  int64_t extent = 3;
  memset(b, 0, sizeof b);
  b[0].struct_size = b[1].struct_size = sizeof *b;
  b[0].name = "x";
  b[1].name = "w";
  b[0].tensor = b[1].tensor = t;
  REQUIRE(mars_graph_new(&g) == MARS_OK && mars_graph_new(&other) == MARS_OK);
  REQUIRE(mars_graph_input(&x, g, "x", MARS_FLOAT64, &extent, 1) == MARS_OK);
  REQUIRE(mars_graph_input(&w, g, "w", MARS_FLOAT64, &extent, 1) == MARS_OK);
  REQUIRE(mars_graph_input(&z, other, "z", MARS_FLOAT64, &extent, 1) == MARS_OK);
  y = apply1("negative", x);
  /* Also of a tensor that is no output itself. */
  CHECK(mars_execute(&value, session, &y, 1, b, 2) == MARS_OK && element(value, 2) == -2);
  mars_tensor_release(value);
  value = NULL;
  REQUIRE(mars_graph_output(g, "y", y) == MARS_OK && mars_graph_output(g, "c", constant) == MARS_OK);
  CHECK(mars_execute(&value, session, &constant, 1, b, 2) == MARS_OK && element(value, 1) == 1);
  mars_tensor_release(value);
  value = NULL;
  b[1].name = "z";
  CHECK(mars_execute(&value, session, &y, 1, b, 2) == MARS_ERROR_VALUE && error_names("'z'"));
  CHECK(mars_execute(&value, session, &constant, 1, b, 2) == MARS_ERROR_VALUE && value == NULL);
  /* The tensors know the names without their graph. */
  b[1].name = "w";
  mars_graph_release(g);
  CHECK(mars_execute(&value, session, &y, 1, b, 2) == MARS_OK && element(value, 2) == -2);
  mars_tensor_release(value);
  value = NULL;
  CHECK(mars_execute(&value, session, &constant, 1, b, 2) == MARS_OK && element(value, 1) == 1);
  mars_tensor_release(value);
  mars_tensor_release(x);
  mars_tensor_release(w);
  mars_tensor_release(z);
  mars_tensor_release(y);
  mars_tensor_release(constant);
  mars_tensor_release(t);
  mars_graph_release(other);
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

void graph_tests(void) {
  RUN(graphs_with_named_inputs);
  RUN(inputs_may_be_written_to);
  RUN(inputs_that_are_not_needed_may_be_bound);
  RUN(graph_files);
  RUN(deep_graphs);
}
