/* Arguments of Java as those of C, and strings back. */
#include "mars_jni.h"

#include <stdlib.h>
#include <string.h>

/* A copy of a Java array of `item` bytes per element; NULL with an exception pending if there is no memory. */
static void *copy_in(JNIEnv *env, jarray array, size_t item) {
  const jsize n = (*env)->GetArrayLength(env, array);
  void *out = malloc(n > 0 ? (size_t)n * item : 1);
  if (!out) {
    throw_out_of_memory(env);
    return NULL;
  }
  if (item == 1) (*env)->GetByteArrayRegion(env, (jbyteArray)array, 0, n, (jbyte *)out);
  else (*env)->GetLongArrayRegion(env, (jlongArray)array, 0, n, (jlong *)out);
  return out;
}
char *text_in(JNIEnv *env, jbyteArray text) { return (char *)copy_in(env, text, 1); }
int64_t *longs_in(JNIEnv *env, jlongArray longs) { return (int64_t *)copy_in(env, longs, sizeof(int64_t)); }

void texts_free(char **texts, jsize count) {
  jsize i;
  if (!texts) return;
  for (i = 0; i < count; i++) free(texts[i]);
  free(texts);
}

char **texts_in(JNIEnv *env, jobjectArray array) {
  const jsize n = (*env)->GetArrayLength(env, array);
  char **out = (char **)calloc((size_t)n + 1, sizeof *out);
  jsize i;
  if (!out) {
    throw_out_of_memory(env);
    return NULL;
  }
  for (i = 0; i < n; i++) {
    jbyteArray text = (jbyteArray)(*env)->GetObjectArrayElement(env, array, i);
    out[i] = text ? text_in(env, text) : NULL;
    (*env)->DeleteLocalRef(env, text);
    if (!out[i]) {
      texts_free(out, n);
      return NULL;
    }
  }
  return out;
}

jbyteArray string_out(JNIEnv *env, mars_string *string) {
  jbyteArray out = bytes_of(env, mars_string_data(string), (size_t)mars_string_size(string));
  mars_string_release(string);
  return out;
}

jlongArray longs_out(JNIEnv *env, const int64_t *numbers, int32_t count) {
  jlongArray out = (*env)->NewLongArray(env, count);
  if (out && count > 0) (*env)->SetLongArrayRegion(env, out, 0, count, (const jlong *)numbers);
  return out;
}
