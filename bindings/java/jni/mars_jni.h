/* What the files of libmarsjni.so share: the JNI side of io.mars.Native, which carries calls and memory between Java and mars.h, and nothing
 * else. */
#ifndef MARS_JNI_H
#define MARS_JNI_H

#include <jni.h>
#include <mars/mars.h>
#include <pthread.h>
#include <stddef.h>

/* ---- set when Java loads the library ---- */

extern JavaVM *vm;
extern jclass native_class; /* io.mars.Native */
extern jmethodID make_exception;
extern jmethodID call_chunk;
extern jclass out_of_memory;
extern pthread_key_t attached; /* set in threads that we attached, so that they are detached when they end */

/* ---- environment.c ---- */

void detach(void *value);
/* The environment of this thread, which is attached as a daemon if it is new to the virtual machine; NULL while that shuts down. */
JNIEnv *environment(void);
void release_reference(void *owner);
void throw_out_of_memory(JNIEnv *env);
/* NULL with an exception pending if there is no memory. */
jbyteArray bytes_of(JNIEnv *env, const void *data, size_t size);
/* Whether a call succeeded; throws if not. */
int ok(JNIEnv *env, mars_status status);

/* ---- arguments.c ---- */

#define HANDLE(type, value) ((type *)(intptr_t)(value))
#define NUMBER(pointer) ((jlong)(intptr_t)(pointer))

char *text_in(JNIEnv *env, jbyteArray text);
int64_t *longs_in(JNIEnv *env, jlongArray longs);
void texts_free(char **texts, jsize count);
char **texts_in(JNIEnv *env, jobjectArray array);
/* The bytes of a string of the library, which is released. */
jbyteArray string_out(JNIEnv *env, mars_string *string);
jlongArray longs_out(JNIEnv *env, const int64_t *numbers, int32_t count);

/* Functions of the form status(mars_string **, ...). */
#define RETURN_STRING(call) \
  mars_string *string = NULL; \
  return ok(env, call) ? string_out(env, string) : NULL

/* ---- elements.c ---- */

size_t item_size(mars_dtype dtype);
int64_t element_count(const mars_array *a);
int is_dense(const mars_array *a);
/* Copies between an array and its elements in C order. */
void copy_dense(const mars_array *a, char *dense, int to_dense);
/* A direct buffer around `size` bytes; JNI has none around NULL. */
jobject buffer_around(JNIEnv *env, void *data, size_t size);

/* ---- methods of io.mars.Native, one table per file ---- */

typedef struct method_table {
  const JNINativeMethod *methods;
  size_t count;
} method_table;
#define METHOD(name, signature, function) {(char *)name, (char *)(signature), (void *)function}
#define METHODS(table, list) const method_table table = {list, sizeof list / sizeof *list}
/* Types in signatures. */
#define BYTES "[B"
#define TEXTS "[[B"
#define LONGS "[J"
#define BUFFER "Ljava/nio/ByteBuffer;"
#define FUNCTION "Lio/mars/ChunkFunction;"

extern const method_table session_methods, operator_methods, graph_methods, tensor_methods, chunk_function_methods, run_methods, value_methods;

#endif
