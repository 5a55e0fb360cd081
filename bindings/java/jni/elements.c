/* Elements of arrays in C order. */
#include "mars_jni.h"

#include <string.h>

size_t item_size(mars_dtype dtype) {
  static const unsigned char sizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return dtype > 0 && dtype < (mars_dtype)sizeof sizes ? sizes[dtype] : 0;
}

int64_t element_count(const mars_array *a) {
  int64_t n = 1;
  int32_t i;
  for (i = 0; i < a->ndim; i++) n *= a->shape[i];
  return n;
}

int is_dense(const mars_array *a) {
  int64_t step = (int64_t)item_size(a->dtype);
  int32_t i;
  if (!a->strides || element_count(a) == 0) return 1;
  for (i = a->ndim - 1; i >= 0; i--) {
    if (a->shape[i] != 1 && a->strides[i] != step) return 0;
    step *= a->shape[i];
  }
  return 1;
}

void copy_dense(const mars_array *a, char *dense, int to_dense) {
  const size_t item = item_size(a->dtype);
  const int64_t count = element_count(a);
  int64_t index[MARS_MAX_DIMS] = {0};
  char *at = (char *)a->data;
  int64_t i;
  int32_t axis;
  if (count == 0) return;
  if (is_dense(a)) {
    if (to_dense) memcpy(dense, at, (size_t)count * item);
    else memcpy(at, dense, (size_t)count * item);
    return;
  }
  for (i = 0; i < count; i++, dense += item) {
    if (to_dense) memcpy(dense, at, item);
    else memcpy(at, dense, item);
    for (axis = a->ndim - 1; axis >= 0; axis--) {
      at += a->strides[axis];
      if (++index[axis] < a->shape[axis]) break;
      at -= a->strides[axis] * index[axis];
      index[axis] = 0;
    }
  }
}

jobject buffer_around(JNIEnv *env, void *data, size_t size) {
  static char nothing;
  return (*env)->NewDirectByteBuffer(env, size ? data : &nothing, (jlong)size);
}
