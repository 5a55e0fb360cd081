/* Graphs, and operators applied. */
#include "mars_jni.h"

#include <stdlib.h>
#include <string.h>

static jlong JNICALL graph_new(JNIEnv *env, jclass c) {
  mars_graph *out = NULL;
  (void)c;
  ok(env, mars_graph_new(&out));
  return NUMBER(out);
}

static void JNICALL graph_release(JNIEnv *env, jclass c, jlong graph) {
  (void)env, (void)c;
  mars_graph_release(HANDLE(mars_graph, graph));
}

static jlong JNICALL graph_input(JNIEnv *env, jclass c, jlong graph, jbyteArray name, jint dtype, jlongArray shape) {
  const jsize ndim = (*env)->GetArrayLength(env, shape);
  char *text = text_in(env, name);
  int64_t *extents = text ? longs_in(env, shape) : NULL;
  mars_tensor *out = NULL;
  (void)c;
  if (extents) ok(env, mars_graph_input(&out, HANDLE(mars_graph, graph), text, dtype, extents, ndim));
  free(text);
  free(extents);
  return NUMBER(out);
}

static void JNICALL graph_output(JNIEnv *env, jclass c, jlong graph, jbyteArray name, jlong tensor) {
  char *text = text_in(env, name);
  (void)c;
  if (text) ok(env, mars_graph_output(HANDLE(mars_graph, graph), text, HANDLE(mars_tensor, tensor)));
  free(text);
}

static jlong JNICALL graph_input_count(JNIEnv *env, jclass c, jlong graph) {
  int64_t out = 0;
  (void)c;
  ok(env, mars_graph_input_count(&out, HANDLE(mars_graph, graph)));
  return out;
}

static jlong JNICALL graph_output_count(JNIEnv *env, jclass c, jlong graph) {
  int64_t out = 0;
  (void)c;
  ok(env, mars_graph_output_count(&out, HANDLE(mars_graph, graph)));
  return out;
}

/* Hands over a tensor and puts its name into `names[0]`. */
static jlong named_out(JNIEnv *env, jobjectArray names, mars_tensor *tensor, mars_string *name) {
  jbyteArray text = string_out(env, name);
  if (text) (*env)->SetObjectArrayElement(env, names, 0, text);
  if ((*env)->ExceptionCheck(env)) {
    mars_tensor_release(tensor);
    return 0;
  }
  return NUMBER(tensor);
}

static jlong JNICALL graph_get_input(JNIEnv *env, jclass c, jobjectArray names, jlong graph, jlong i) {
  mars_tensor *out = NULL;
  mars_string *name = NULL;
  (void)c;
  return ok(env, mars_graph_get_input(&out, &name, HANDLE(mars_graph, graph), i)) ? named_out(env, names, out, name) : 0;
}

static jlong JNICALL graph_get_output(JNIEnv *env, jclass c, jobjectArray names, jlong graph, jlong i) {
  mars_tensor *out = NULL;
  mars_string *name = NULL;
  (void)c;
  return ok(env, mars_graph_get_output(&out, &name, HANDLE(mars_graph, graph), i)) ? named_out(env, names, out, name) : 0;
}

static jbyteArray JNICALL graph_serialize(JNIEnv *env, jclass c, jlong graph) {
  (void)c;
  RETURN_STRING(mars_graph_serialize(&string, HANDLE(mars_graph, graph)));
}

static jlong JNICALL graph_parse(JNIEnv *env, jclass c, jbyteArray bytes, jint flags) {
  const jsize size = (*env)->GetArrayLength(env, bytes);
  char *copy = text_in(env, bytes);
  mars_graph *out = NULL;
  (void)c;
  if (copy) ok(env, mars_graph_parse(&out, copy, (size_t)size, (uint32_t)flags));
  free(copy);
  return NUMBER(out);
}

/* Records of Attributes.pack. */
typedef struct packed_operand {
  int64_t kind, i;
  double re, im;
} packed_operand;
typedef struct packed_attribute {
  int64_t kind, dtype, name, i;
  double re, im;
  int64_t count, data;
} packed_attribute;

static void JNICALL graph_apply(JNIEnv *env, jclass c, jlongArray out, jint op, jbyteArray packed, jint input_count, jint attribute_count,
                                jbyteArray origin) {
  const jsize outputs = (*env)->GetArrayLength(env, out);
  char *bytes = text_in(env, packed);
  char *place = bytes ? text_in(env, origin) : NULL;
  mars_operand *operands = (mars_operand *)calloc((size_t)input_count + 1, sizeof *operands);
  mars_attribute *attributes = (mars_attribute *)calloc((size_t)attribute_count + 1, sizeof *attributes);
  mars_tensor **tensors = (mars_tensor **)calloc((size_t)outputs + 1, sizeof *tensors);
  (void)c;
  if (place && operands && attributes && tensors) {
    const packed_operand *o = (const packed_operand *)(const void *)bytes;
    const packed_attribute *a = (const packed_attribute *)(const void *)(o + input_count);
    jint i;
    int64_t j;
    for (i = 0; i < input_count; i++) {
      operands[i].struct_size = sizeof *operands;
      operands[i].kind = (int32_t)o[i].kind;
      if (operands[i].kind == MARS_OPERAND_TENSOR) operands[i].tensor = HANDLE(mars_tensor, o[i].i);
      else operands[i].i = o[i].i;
      operands[i].re = o[i].re;
      operands[i].im = o[i].im;
    }
    for (i = 0; i < attribute_count; i++) {
      char *data = bytes + a[i].data;
      attributes[i].struct_size = sizeof *attributes;
      attributes[i].kind = (int32_t)a[i].kind;
      attributes[i].name = bytes + a[i].name;
      attributes[i].dtype = (mars_dtype)a[i].dtype;
      attributes[i].i = a[i].i;
      attributes[i].re = a[i].re;
      attributes[i].im = a[i].im;
      attributes[i].count = a[i].count;
      attributes[i].data = data;
      if (attributes[i].kind == MARS_ATTR_STRINGS) {
        /* The table holds offsets: pointers take their places. */
        for (j = 0; j < a[i].count; j++) {
          int64_t offset;
          const char *text;
          memcpy(&offset, data + 8 * j, 8);
          text = bytes + offset;
          memcpy(data + 8 * j, &text, 8);
        }
      }
    }
    if (ok(env, mars_graph_apply(tensors, (size_t)outputs, NULL, op, operands, (size_t)input_count, attributes, (size_t)attribute_count, place))) {
      for (i = 0; i < outputs; i++) {
        const jlong number = NUMBER(tensors[i]);
        (*env)->SetLongArrayRegion(env, out, i, 1, &number);
      }
    }
  } else {
    throw_out_of_memory(env);
  }
  free(tensors);
  free(attributes);
  free(operands);
  free(place);
  free(bytes);
}

static const JNINativeMethod methods[] = {
    METHOD("graphNew", "()J", graph_new),
    METHOD("graphRelease", "(J)V", graph_release),
    METHOD("graphInput", "(J" BYTES "I" LONGS ")J", graph_input),
    METHOD("graphOutput", "(J" BYTES "J)V", graph_output),
    METHOD("graphInputCount", "(J)J", graph_input_count),
    METHOD("graphOutputCount", "(J)J", graph_output_count),
    METHOD("graphGetInput", "(" TEXTS "JJ)J", graph_get_input),
    METHOD("graphGetOutput", "(" TEXTS "JJ)J", graph_get_output),
    METHOD("graphSerialize", "(J)" BYTES, graph_serialize),
    METHOD("graphParse", "(" BYTES "I)J", graph_parse),
    METHOD("graphApply", "(" LONGS "I" BYTES "II" BYTES ")V", graph_apply),
};
METHODS(graph_methods, methods);
