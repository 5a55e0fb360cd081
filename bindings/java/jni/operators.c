/* Element types and operators. */
#include "mars_jni.h"

#include <stdlib.h>
#include <string.h>

static jint JNICALL promote(JNIEnv *env, jclass c, jint a, jint b) {
  mars_dtype out = 0;
  (void)c;
  ok(env, mars_dtype_promote(&out, a, b));
  return out;
}

static jboolean JNICALL can_cast(JNIEnv *env, jclass c, jint from, jint to, jbyteArray casting) {
  char *text = text_in(env, casting);
  int32_t out = 0;
  (void)c;
  if (text) ok(env, mars_dtype_can_cast(&out, from, to, text));
  free(text);
  return (jboolean)(out != 0);
}

static jbyteArray JNICALL describe_all(JNIEnv *env, jclass c) {
  (void)c;
  RETURN_STRING(mars_op_describe_all(&string));
}

static jbyteArray JNICALL describe(JNIEnv *env, jclass c, jbyteArray name) {
  char *text = text_in(env, name);
  mars_string *string = NULL;
  (void)c;
  if (text) ok(env, mars_op_describe(&string, text));
  free(text);
  return string ? string_out(env, string) : NULL;
}

static jint JNICALL op_find(JNIEnv *env, jclass c, jbyteArray name) {
  char *text = text_in(env, name);
  int32_t out = 0;
  (void)c;
  if (text) ok(env, mars_op_find(&out, text));
  free(text);
  return out;
}

static const JNINativeMethod methods[] = {
    METHOD("promote", "(II)I", promote),
    METHOD("canCast", "(II" BYTES ")Z", can_cast),
    METHOD("describeAll", "()" BYTES, describe_all),
    METHOD("describe", "(" BYTES ")" BYTES, describe),
    METHOD("opFind", "(" BYTES ")I", op_find),
};
METHODS(operator_methods, methods);
