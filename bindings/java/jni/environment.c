/* Threads of the library as Java sees them, and failures as exceptions. */
#include "mars_jni.h"

#include <string.h>

/* ---- threads of the library ---- */

void detach(void *value) {
  (void)value;
  (*vm)->DetachCurrentThread(vm);
}

JNIEnv *environment(void) {
  JavaVMAttachArgs args = {JNI_VERSION_10, (char *)"mars", NULL};
  void *env = NULL;
  if ((*vm)->GetEnv(vm, &env, JNI_VERSION_10) == JNI_OK) return (JNIEnv *)env;
  if ((*vm)->AttachCurrentThreadAsDaemon(vm, &env, &args) != JNI_OK) return NULL;
  pthread_setspecific(attached, vm);
  return (JNIEnv *)env;
}

/* ---- failures ---- */

void throw_out_of_memory(JNIEnv *env) {
  if (!(*env)->ExceptionCheck(env)) (*env)->ThrowNew(env, out_of_memory, "native memory of the Java binding of Mars");
}

jbyteArray bytes_of(JNIEnv *env, const void *data, size_t size) {
  jbyteArray out;
  if (size > 0x7ffffff0) {
    throw_out_of_memory(env);
    return NULL;
  }
  out = (*env)->NewByteArray(env, (jsize)size);
  if (out) (*env)->SetByteArrayRegion(env, out, 0, (jsize)size, (const jbyte *)data);
  return out;
}

/* Throws what the library reported last on this thread. */
static void throw_last(JNIEnv *env) {
  mars_error error = {.struct_size = sizeof error};
  jbyteArray message, op, origin, path;
  jobject exception;
  mars_error_last(&error);
  if (!(message = bytes_of(env, error.message, strlen(error.message)))) return;
  if (!(op = bytes_of(env, error.op, strlen(error.op)))) return;
  if (!(origin = bytes_of(env, error.origin, strlen(error.origin)))) return;
  if (!(path = bytes_of(env, error.path, strlen(error.path)))) return;
  exception = (*env)->CallStaticObjectMethod(
      env, native_class, make_exception, (jint)error.code, message, op, origin, (jint)error.system_error, path);
  if (exception && !(*env)->ExceptionCheck(env)) (*env)->Throw(env, (jthrowable)exception);
}

int ok(JNIEnv *env, mars_status status) {
  if (status >= 0) return 1;
  throw_last(env);
  return 0;
}

void release_reference(void *owner) {
  JNIEnv *env = environment();
  if (env) (*env)->DeleteGlobalRef(env, (jobject)owner);
}
