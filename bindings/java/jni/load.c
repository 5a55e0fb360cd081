/* What happens when Java loads the library. */
#include "mars_jni.h"

JavaVM *vm;
jclass native_class;
jmethodID make_exception;
jmethodID call_chunk;
jclass out_of_memory;
pthread_key_t attached;

static const method_table *const tables[] = {
    &session_methods,
    &operator_methods,
    &graph_methods,
    &tensor_methods,
    &chunk_function_methods,
    &run_methods,
    &value_methods,
};

/* The only exported function: called when Java loads the library. */
JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *machine, void *reserved) {
  void *pointer = NULL;
  JNIEnv *env;
  jclass found;
  size_t i;
  (void)reserved;
  vm = machine;
  if ((*vm)->GetEnv(vm, &pointer, JNI_VERSION_10) != JNI_OK) return JNI_ERR;
  env = (JNIEnv *)pointer;
  if (!(found = (*env)->FindClass(env, "java/lang/OutOfMemoryError"))) return JNI_ERR;
  if (!(out_of_memory = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  if (!(found = (*env)->FindClass(env, "io/mars/Native"))) return JNI_ERR;
  if (!(native_class = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  make_exception = (*env)->GetStaticMethodID(env, native_class, "exception", "(I[B[B[BI[B)Ljava/lang/RuntimeException;");
  if (!make_exception) return JNI_ERR;
  call_chunk = (*env)->GetStaticMethodID(env, native_class, "callChunk", "(" FUNCTION BUFFER BUFFER "II" LONGS LONGS ")" BYTES);
  if (!call_chunk) return JNI_ERR;
  for (i = 0; i < sizeof tables / sizeof *tables; i++)
    if ((*env)->RegisterNatives(env, native_class, tables[i]->methods, (jint)tables[i]->count) != 0) return JNI_ERR;
  if (pthread_key_create(&attached, detach) != 0) return JNI_ERR;
  return JNI_VERSION_10;
}
