/* Functions of Java that the library calls with chunks. */
#include "mars_jni.h"

#include <stdio.h>
#include <stdlib.h>

static void say(char *message, size_t size, const char *text) {
  if (size > 0) snprintf(message, size, "%s", text);
}

/* Calls Native.callChunk on dense elements; 0, or 1 with a message. */
static int32_t call_java(JNIEnv *env, jobject function, const mars_array *input, const mars_array *output, void *in, void *out,
                         const int64_t *lower, char *message, size_t message_size) {
  const size_t count = (size_t)element_count(input);
  jobject from, to;
  jlongArray shape, place;
  jbyteArray failure;
  if ((from = buffer_around(env, in, count * item_size(input->dtype))) && (to = buffer_around(env, out, count * item_size(output->dtype))) &&
      (shape = longs_out(env, input->shape, input->ndim)) && (place = longs_out(env, lower, input->ndim))) {
    failure = (jbyteArray)(*env)->CallStaticObjectMethod(env, native_class, call_chunk, function, from, to, (jint)input->dtype,
                                                         (jint)output->dtype, shape, place);
    if (!(*env)->ExceptionCheck(env)) {
      jsize n;
      if (!failure) return 0;
      n = (*env)->GetArrayLength(env, failure);
      if (message_size > 0) {
        if ((size_t)n > message_size) n = (jsize)message_size;
        (*env)->GetByteArrayRegion(env, failure, 0, n, (jbyte *)message);
        /* Do not cut a character in two. */
        if (n > 0 && message[n - 1] != 0) {
          n--;
          while (n > 0 && ((unsigned char)message[n] & 0xC0) == 0x80) n--;
          message[n] = 0;
        }
      }
      return 1;
    }
  }
  (*env)->ExceptionClear(env);
  say(message, message_size, "the Java virtual machine could not call the function: out of memory");
  return 1;
}

static int32_t chunk_function(void *user, const mars_array *input, mars_array *output, const int64_t *lower, char *message,
                              size_t message_size) {
  JNIEnv *env = environment();
  const size_t count = (size_t)element_count(input);
  const size_t in_size = count * item_size(input->dtype), out_size = count * item_size(output->dtype);
  void *in = input->data, *out = output->data;
  int32_t result = 1;
  if (!env) {
    say(message, message_size, "the Java virtual machine has shut down");
    return 1;
  }
  if (in_size > 0x7fffffff || out_size > 0x7fffffff) {
    say(message, message_size, "a chunk of more than 2 GiB does not fit a Java buffer: rechunk the tensor");
    return 1;
  }
  /* Functions see their elements in C order. */
  if (!is_dense(input)) in = malloc(in_size);
  if (!is_dense(output)) out = malloc(out_size);
  if ((!in || !out) && count > 0) {
    say(message, message_size, "out of memory for a copy of a chunk");
  } else {
    if (in != input->data) copy_dense(input, (char *)in, 1);
    if ((*env)->PushLocalFrame(env, 16) == 0) {
      result = call_java(env, (jobject)user, input, output, in, out, lower, message, message_size);
      (*env)->PopLocalFrame(env, NULL);
    } else {
      (*env)->ExceptionClear(env);
      say(message, message_size, "the Java virtual machine is out of memory");
    }
    if (result == 0 && out != output->data) copy_dense(output, (char *)out, 0);
  }
  if (in != input->data) free(in);
  if (out != output->data) free(out);
  return result;
}

static jlong JNICALL tensor_map_chunk(JNIEnv *env, jclass c, jlong tensor, jint dtype, jobject function, jbyteArray origin) {
  char *place = text_in(env, origin);
  jobject user = place ? (*env)->NewGlobalRef(env, function) : NULL;
  mars_tensor *out = NULL;
  (void)c;
  if (user) {
    /* On failure the library has taken nothing. */
    if (!ok(env, mars_tensor_map_chunk(&out, HANDLE(mars_tensor, tensor), dtype, chunk_function, user, release_reference, place)))
      (*env)->DeleteGlobalRef(env, user);
  } else {
    throw_out_of_memory(env);
  }
  free(place);
  return NUMBER(out);
}

static const JNINativeMethod methods[] = {
    METHOD("tensorMapChunk", "(JI" FUNCTION BYTES ")J", tensor_map_chunk),
};
METHODS(chunk_function_methods, methods);
