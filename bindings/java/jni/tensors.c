/* Tensors. */
#include "mars_jni.h"

#include <stdlib.h>

static void JNICALL tensor_release(JNIEnv *env, jclass c, jlong tensor) {
  (void)env, (void)c;
  mars_tensor_release(HANDLE(mars_tensor, tensor));
}

/* Bytes of the elements of a Java array, to be given back with release_elements; NULL with an exception pending if there is no memory. */
static void *elements_of(JNIEnv *env, jobject data, mars_dtype dtype) {
  switch (dtype) {
  case MARS_BOOL: return (*env)->GetBooleanArrayElements(env, (jbooleanArray)data, NULL);
  case MARS_INT32: return (*env)->GetIntArrayElements(env, (jintArray)data, NULL);
  case MARS_INT64: return (*env)->GetLongArrayElements(env, (jlongArray)data, NULL);
  case MARS_FLOAT32: return (*env)->GetFloatArrayElements(env, (jfloatArray)data, NULL);
  default: return (*env)->GetDoubleArrayElements(env, (jdoubleArray)data, NULL);
  }
}

static void release_elements(JNIEnv *env, jobject data, mars_dtype dtype, void *elements) {
  switch (dtype) {
  case MARS_BOOL: (*env)->ReleaseBooleanArrayElements(env, (jbooleanArray)data, (jboolean *)elements, JNI_ABORT); break;
  case MARS_INT32: (*env)->ReleaseIntArrayElements(env, (jintArray)data, (jint *)elements, JNI_ABORT); break;
  case MARS_INT64: (*env)->ReleaseLongArrayElements(env, (jlongArray)data, (jlong *)elements, JNI_ABORT); break;
  case MARS_FLOAT32: (*env)->ReleaseFloatArrayElements(env, (jfloatArray)data, (jfloat *)elements, JNI_ABORT); break;
  default: (*env)->ReleaseDoubleArrayElements(env, (jdoubleArray)data, (jdouble *)elements, JNI_ABORT); break;
  }
}

static jlong JNICALL tensor_from_array(JNIEnv *env, jclass c, jobject data, jint dtype, jlongArray shape) {
  int64_t *extents = longs_in(env, shape);
  void *elements = extents ? elements_of(env, data, dtype) : NULL;
  mars_tensor *out = NULL;
  (void)c;
  if (elements) {
    const mars_array array = {.struct_size = sizeof array,
                              .dtype = dtype,
                              .ndim = (*env)->GetArrayLength(env, shape),
                              .flags = MARS_ARRAY_READONLY,
                              .data = elements,
                              .shape = extents};
    const mars_status status = mars_tensor_from_array(&out, &array, MARS_COPY, NULL);
    release_elements(env, data, dtype, elements);
    ok(env, status);
  } else {
    throw_out_of_memory(env);
  }
  free(extents);
  return NUMBER(out);
}

static jlong JNICALL tensor_from_buffer(JNIEnv *env, jclass c, jobject buffer, jboolean read_only, jint dtype, jlongArray shape, jint mode) {
  int64_t *extents = longs_in(env, shape);
  jobject owner = extents && mode == MARS_ALIAS ? (*env)->NewGlobalRef(env, buffer) : NULL;
  mars_tensor *out = NULL;
  (void)c;
  if (extents && (owner || mode != MARS_ALIAS)) {
    const mars_array array = {.struct_size = sizeof array,
                              .dtype = dtype,
                              .ndim = (*env)->GetArrayLength(env, shape),
                              .flags = read_only ? MARS_ARRAY_READONLY : 0,
                              .data = (*env)->GetDirectBufferAddress(env, buffer),
                              .shape = extents,
                              .owner = owner,
                              .release = owner ? release_reference : NULL};
    /* On failure the library has taken nothing. */
    if (!ok(env, mars_tensor_from_array(&out, &array, mode, NULL)) && owner) (*env)->DeleteGlobalRef(env, owner);
  } else {
    throw_out_of_memory(env);
  }
  free(extents);
  return NUMBER(out);
}

static jlongArray JNICALL tensor_describe(JNIEnv *env, jclass c, jlong tensor) {
  mars_tensor_info info = {.struct_size = sizeof info};
  jlong numbers[2 + MARS_MAX_DIMS];
  jlongArray out;
  int32_t i;
  (void)c;
  if (!ok(env, mars_tensor_describe(&info, HANDLE(const mars_tensor, tensor)))) return NULL;
  numbers[0] = info.dtype;
  numbers[1] = info.is_executed;
  for (i = 0; i < info.ndim; i++) numbers[2 + i] = info.shape[i];
  out = (*env)->NewLongArray(env, 2 + info.ndim);
  if (out) (*env)->SetLongArrayRegion(env, out, 0, 2 + info.ndim, numbers);
  return out;
}

static jbyteArray JNICALL tensor_chunks(JNIEnv *env, jclass c, jlong session, jlong tensor) {
  (void)c;
  RETURN_STRING(mars_tensor_chunks(&string, HANDLE(mars_session, session), HANDLE(mars_tensor, tensor)));
}

static void JNICALL tensor_assign(JNIEnv *env, jclass c, jlong target, jint kind, jlong i, jdouble re, jdouble im, jbyteArray origin) {
  mars_operand value = {.struct_size = sizeof value, .kind = kind, .re = re, .im = im};
  char *place = text_in(env, origin);
  (void)c;
  if (kind == MARS_OPERAND_TENSOR) value.tensor = HANDLE(mars_tensor, i);
  else value.i = i;
  if (place) ok(env, mars_tensor_assign(HANDLE(mars_tensor, target), &value, place));
  free(place);
}

static jboolean JNICALL tensor_shares_storage(JNIEnv *env, jclass c, jlong a, jlong b) {
  int32_t out = 0;
  (void)c;
  ok(env, mars_tensor_shares_storage(&out, HANDLE(const mars_tensor, a), HANDLE(const mars_tensor, b)));
  return (jboolean)(out != 0);
}

static jboolean JNICALL tensor_shares_memory(JNIEnv *env, jclass c, jlong a, jlong b, jboolean exactly) {
  int32_t out = 0;
  (void)c;
  ok(env, mars_tensor_shares_memory(&out, HANDLE(const mars_tensor, a), HANDLE(const mars_tensor, b), exactly));
  return (jboolean)(out != 0);
}

static jlong JNICALL tensor_snapshot(JNIEnv *env, jclass c, jlong tensor) {
  mars_tensor *out = NULL;
  (void)c;
  ok(env, mars_tensor_snapshot(&out, HANDLE(const mars_tensor, tensor)));
  return NUMBER(out);
}

static const JNINativeMethod methods[] = {
    METHOD("tensorRelease", "(J)V", tensor_release),
    METHOD("tensorFromArray", "(Ljava/lang/Object;I" LONGS ")J", tensor_from_array),
    METHOD("tensorFromBuffer", "(" BUFFER "ZI" LONGS "I)J", tensor_from_buffer),
    METHOD("tensorDescribe", "(J)" LONGS, tensor_describe),
    METHOD("tensorChunks", "(JJ)" BYTES, tensor_chunks),
    METHOD("tensorAssign", "(JIJDD" BYTES ")V", tensor_assign),
    METHOD("tensorSharesStorage", "(JJ)Z", tensor_shares_storage),
    METHOD("tensorSharesMemory", "(JJZ)Z", tensor_shares_memory),
    METHOD("tensorSnapshot", "(J)J", tensor_snapshot),
};
METHODS(tensor_methods, methods);
