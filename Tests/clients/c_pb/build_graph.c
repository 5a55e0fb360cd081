/* Writes the graph of (a + 1).sum(axis=1) with nothing but protobuf-c and the code that protoc-c makes of graph.proto.
 *
 * usage: build_graph FILE
 *
 * The placeholder "a" is float64 of shape (3, 4); the result is named "out". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.pb-c.h"

enum { INPUT, CONSTANT, ADD, SUM, COUNT };

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s FILE\n", argv[0]);
    return 2;
  }

  char *names[COUNT] = {"input", "constant", "add", "sum"};
  Mars__Operator operators[COUNT];
  Mars__Operator *operator_list[COUNT];
  Mars__Node nodes[COUNT];
  Mars__Node *node_list[COUNT];
  for (int i = 0; i < COUNT; i++) {
    mars__operator__init(&operators[i]);
    operators[i].name = names[i];
    operators[i].version = 1;
    operator_list[i] = &operators[i];
    mars__node__init(&nodes[i]);
    nodes[i].op = (uint32_t)i;
    node_list[i] = &nodes[i];
  }

  /* input(name="a", dtype=float64, shape=(3, 4)) */
  int64_t extents[] = {3, 4};
  Mars__Ints shape = MARS__INTS__INIT;
  shape.n_values = 2;
  shape.values = extents;
  Mars__Attribute input[3];
  Mars__Attribute *input_list[3];
  for (int i = 0; i < 3; i++) {
    mars__attribute__init(&input[i]);
    input_list[i] = &input[i];
  }
  input[0].name = "name";
  input[0].value_case = MARS__ATTRIBUTE__VALUE_STRING_VALUE;
  input[0].string_value = "a";
  input[1].name = "dtype";
  input[1].value_case = MARS__ATTRIBUTE__VALUE_DTYPE_VALUE;
  input[1].dtype_value = MARS__DTYPE__DTYPE_FLOAT64;
  input[2].name = "shape";
  input[2].value_case = MARS__ATTRIBUTE__VALUE_INTS_VALUE;
  input[2].ints_value = &shape;
  nodes[INPUT].n_attributes = 3;
  nodes[INPUT].attributes = input_list;

  /* constant(value=1.0); the bytes of 1.0, little endian */
  uint8_t one[8] = {0, 0, 0, 0, 0, 0, 0xF0, 0x3F};
  Mars__Scalar scalar = MARS__SCALAR__INIT;
  scalar.dtype = MARS__DTYPE__DTYPE_FLOAT64;
  scalar.data.len = sizeof one;
  scalar.data.data = one;
  Mars__Attribute value = MARS__ATTRIBUTE__INIT;
  Mars__Attribute *value_list[] = {&value};
  value.name = "value";
  value.value_case = MARS__ATTRIBUTE__VALUE_SCALAR_VALUE;
  value.scalar_value = &scalar;
  nodes[CONSTANT].n_attributes = 1;
  nodes[CONSTANT].attributes = value_list;

  /* add(a, 1.0) */
  uint32_t add_inputs[] = {INPUT, 0, CONSTANT, 0};
  nodes[ADD].n_inputs = 4;
  nodes[ADD].inputs = add_inputs;

  /* sum(..., axis=1) */
  uint32_t sum_inputs[] = {ADD, 0};
  int64_t axes[] = {1};
  Mars__Ints axis_values = MARS__INTS__INIT;
  axis_values.n_values = 1;
  axis_values.values = axes;
  Mars__Attribute axis = MARS__ATTRIBUTE__INIT;
  Mars__Attribute *axis_list[] = {&axis};
  axis.name = "axis";
  axis.value_case = MARS__ATTRIBUTE__VALUE_INTS_VALUE;
  axis.ints_value = &axis_values;
  nodes[SUM].n_inputs = 2;
  nodes[SUM].inputs = sum_inputs;
  nodes[SUM].n_attributes = 1;
  nodes[SUM].attributes = axis_list;

  Mars__Port a = MARS__PORT__INIT, out = MARS__PORT__INIT;
  Mars__Port *inputs[] = {&a}, *outputs[] = {&out};
  a.name = "a";
  a.node = INPUT;
  out.name = "out";
  out.node = SUM;

  Mars__Graph graph = MARS__GRAPH__INIT;
  graph.format = 1;
  graph.n_operators = COUNT;
  graph.operators = operator_list;
  graph.n_nodes = COUNT;
  graph.nodes = node_list;
  graph.n_inputs = 1;
  graph.inputs = inputs;
  graph.n_outputs = 1;
  graph.outputs = outputs;
  graph.complete = 1;

  size_t size = mars__graph__get_packed_size(&graph);
  uint8_t *bytes = malloc(size);
  FILE *file = fopen(argv[1], "wb");
  if (bytes == NULL || file == NULL) {
    perror(argv[1]);
    return 1;
  }
  mars__graph__pack(&graph, bytes);
  int failed = fwrite(bytes, 1, size, file) != size;
  failed |= fclose(file) != 0;
  free(bytes);
  return failed;
}
