/* Fetched values. */
#include "mars_jni.h"

#include <stdlib.h>

static jlong JNICALL fetch(JNIEnv *env, jclass c, jlong session, jlong tensor) {
  mars_array *out = (mars_array *)calloc(1, sizeof *out);
  (void)c;
  if (!out) {
    throw_out_of_memory(env);
    return 0;
  }
  out->struct_size = sizeof *out;
  if (!ok(env, mars_fetch(out, HANDLE(mars_session, session), HANDLE(mars_tensor, tensor)))) {
    free(out);
    return 0;
  }
  return NUMBER(out);
}

static void JNICALL fetch_into(JNIEnv *env, jclass c, jlong session, jlong tensor, jobject buffer, jint dtype, jlongArray shape) {
  int64_t *extents = longs_in(env, shape);
  (void)c;
  if (extents) {
    const mars_array array = {.struct_size = sizeof array,
                              .dtype = dtype,
                              .ndim = (*env)->GetArrayLength(env, shape),
                              .data = (*env)->GetDirectBufferAddress(env, buffer),
                              .shape = extents};
    ok(env, mars_fetch_into(HANDLE(mars_session, session), HANDLE(mars_tensor, tensor), &array));
  }
  free(extents);
}

static jlongArray JNICALL array_describe(JNIEnv *env, jclass c, jlong array) {
  const mars_array *a = HANDLE(const mars_array, array);
  int64_t numbers[2 + 2 * MARS_MAX_DIMS];
  int64_t step = (int64_t)item_size(a->dtype);
  int32_t i;
  (void)c;
  numbers[0] = a->dtype;
  numbers[1] = a->flags;
  for (i = a->ndim - 1; i >= 0; i--) {
    numbers[2 + i] = a->shape[i];
    numbers[2 + a->ndim + i] = a->strides ? a->strides[i] : step;
    step *= a->shape[i];
  }
  return longs_out(env, numbers, 2 + 2 * a->ndim);
}

static jobject JNICALL array_buffer(JNIEnv *env, jclass c, jlong array, jlong offset, jlong length) {
  const mars_array *a = HANDLE(const mars_array, array);
  (void)c;
  return buffer_around(env, (char *)a->data + offset, (size_t)length);
}

static void JNICALL array_copy(JNIEnv *env, jclass c, jlong array, jobject destination) {
  const mars_array *a = HANDLE(const mars_array, array);
  char *to;
  (void)c;
  if (element_count(a) == 0) return;
  to = (char *)(*env)->GetPrimitiveArrayCritical(env, (jarray)destination, NULL);
  if (!to) {
    throw_out_of_memory(env);
    return;
  }
  copy_dense(a, to, 1);
  (*env)->ReleasePrimitiveArrayCritical(env, (jarray)destination, to, 0);
}

static void JNICALL array_release(JNIEnv *env, jclass c, jlong array) {
  mars_array *a = HANDLE(mars_array, array);
  (void)env, (void)c;
  mars_array_release(a);
  free(a);
}

static const JNINativeMethod methods[] = {
    METHOD("fetch", "(JJ)J", fetch),
    METHOD("fetchInto", "(JJ" BUFFER "I" LONGS ")V", fetch_into),
    METHOD("arrayDescribe", "(J)" LONGS, array_describe),
    METHOD("arrayBuffer", "(JJJ)" BUFFER, array_buffer),
    METHOD("arrayCopy", "(JLjava/lang/Object;)V", array_copy),
    METHOD("arrayRelease", "(J)V", array_release),
};
METHODS(value_methods, methods);
