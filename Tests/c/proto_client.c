/* A graph made with nothing but protobuf-c, read and run by the library: (x + 1).sum() for any x. */
#include <mars/mars.h>
#include <stdlib.h>

#include "check.h"
#include "graph.pb-c.h"

enum { INPUT, CONSTANT, ADD, SUM, OPERATORS };

/* The bytes of the graph; `size` tells how many. */
static uint8_t *make_graph(size_t *size) {
  static const char *const names[OPERATORS] = {"input", "constant", "add", "sum"};
  static const double one = 1;
  int64_t any[1] = {-1};
  uint32_t add_inputs[4] = {0, 0, 1, 0}, sum_inputs[2] = {2, 0};
  Mars__Graph graph = MARS__GRAPH__INIT;
  Mars__Operator operators[OPERATORS], *operator_rows[OPERATORS];
  Mars__Node nodes[OPERATORS], *node_rows[OPERATORS];
  Mars__Attribute attributes[4], *input_rows[3], *constant_row[1];
  Mars__Ints shape = MARS__INTS__INIT;
  Mars__Scalar scalar = MARS__SCALAR__INIT;
  Mars__Port x = MARS__PORT__INIT, total = MARS__PORT__INIT, *x_row[1], *total_row[1];
  uint8_t *bytes;
  int i;

  for (i = 0; i < OPERATORS; i++) {
    mars__operator__init(&operators[i]);
    operators[i].name = (char *)names[i];
    operators[i].version = 1;
    operator_rows[i] = &operators[i];
    mars__node__init(&nodes[i]);
    nodes[i].op = (uint32_t)i;
    node_rows[i] = &nodes[i];
  }
  for (i = 0; i < 4; i++) mars__attribute__init(&attributes[i]);
  attributes[0].name = (char *)"name";
  attributes[0].value_case = MARS__ATTRIBUTE__VALUE_STRING_VALUE;
  attributes[0].string_value = (char *)"x";
  attributes[1].name = (char *)"dtype";
  attributes[1].value_case = MARS__ATTRIBUTE__VALUE_DTYPE_VALUE;
  attributes[1].dtype_value = MARS__DTYPE__DTYPE_FLOAT64;
  shape.values = any;
  shape.n_values = 1;
  attributes[2].name = (char *)"shape";
  attributes[2].value_case = MARS__ATTRIBUTE__VALUE_INTS_VALUE;
  attributes[2].ints_value = &shape;
  for (i = 0; i < 3; i++) input_rows[i] = &attributes[i];
  nodes[INPUT].attributes = input_rows;
  nodes[INPUT].n_attributes = 3;

  scalar.dtype = MARS__DTYPE__DTYPE_FLOAT64;
  scalar.data.data = (uint8_t *)&one;
  scalar.data.len = sizeof one;
  attributes[3].name = (char *)"value";
  attributes[3].value_case = MARS__ATTRIBUTE__VALUE_SCALAR_VALUE;
  attributes[3].scalar_value = &scalar;
  constant_row[0] = &attributes[3];
  nodes[CONSTANT].attributes = constant_row;
  nodes[CONSTANT].n_attributes = 1;

  nodes[ADD].inputs = add_inputs;
  nodes[ADD].n_inputs = 4;
  nodes[SUM].inputs = sum_inputs;
  nodes[SUM].n_inputs = 2;

  x.name = (char *)"x";
  x.node = INPUT;
  x_row[0] = &x;
  total.name = (char *)"total";
  total.node = SUM;
  total_row[0] = &total;

  graph.format = 1;
  graph.operators = operator_rows;
  graph.n_operators = OPERATORS;
  graph.nodes = node_rows;
  graph.n_nodes = OPERATORS;
  graph.inputs = x_row;
  graph.n_inputs = 1;
  graph.outputs = total_row;
  graph.n_outputs = 1;
  graph.complete = 1;
  *size = mars__graph__get_packed_size(&graph);
  bytes = (uint8_t *)malloc(*size);
  if (bytes) mars__graph__pack(&graph, bytes);
  return bytes;
}

static void the_graph_runs(void) {
  size_t size = 0;
  uint8_t *bytes = make_graph(&size);
  double data[3] = {1, 2, 3};
  const int64_t n = 3;
  mars_session *session = NULL;
  mars_graph *graph = NULL;
  mars_tensor *total = NULL, *value = NULL, *x = NULL;
  mars_string *name = NULL;
  mars_binding binding;
  mars_array array;
  REQUIRE(bytes != NULL);
  REQUIRE(mars_session_default(&session) == MARS_OK);
  REQUIRE(mars_graph_parse(&graph, bytes, size, 0) == MARS_OK);
  free(bytes);
  REQUIRE(mars_graph_get_output(&total, &name, graph, 0) == MARS_OK);
  CHECK(strcmp(mars_string_data(name), "total") == 0);
  memset(&array, 0, sizeof array);
  array.struct_size = sizeof array;
  array.dtype = MARS_FLOAT64;
  array.ndim = 1;
  array.data = data;
  array.shape = &n;
  REQUIRE(mars_tensor_from_array(&x, &array, MARS_COPY, NULL) == MARS_OK);
  memset(&binding, 0, sizeof binding);
  binding.struct_size = sizeof binding;
  binding.name = "x";
  binding.tensor = x;
  REQUIRE(mars_execute(&value, session, &total, 1, &binding, 1) == MARS_OK);
  memset(&array, 0, sizeof array);
  array.struct_size = sizeof array;
  REQUIRE(mars_fetch(&array, session, value) == MARS_OK);
  CHECK(array.dtype == MARS_FLOAT64 && array.ndim == 0);
  CHECK(*(const double *)array.data == 9);
  mars_array_release(&array);
  mars_tensor_release(value);
  mars_tensor_release(x);
  mars_tensor_release(total);
  mars_string_release(name);
  mars_graph_release(graph);
  mars_session_release(session);
}

int main(void) {
  RUN(the_graph_runs);
  return report();
}
