/* JNI side of io.mars.Native: carries calls and memory between Java and mars.h, and nothing else. */
#include <jni.h>
#include <mars/mars.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static JavaVM *vm;
static jclass native_class; /* io.mars.Native */
static jmethodID make_exception;
static jmethodID call_chunk;
static jclass out_of_memory;
static pthread_key_t attached; /* set in threads that we attached, so that they are detached when they end */

/* ---- threads of the library ---- */

static void detach(void *value) {
  (void)value;
  (*vm)->DetachCurrentThread(vm);
}

/* The environment of this thread, which is attached as a daemon if it is new to the virtual machine; NULL while that shuts down. */
static JNIEnv *environment(void) {
  JavaVMAttachArgs args = {JNI_VERSION_10, (char *)"mars", NULL};
  void *env = NULL;
  if ((*vm)->GetEnv(vm, &env, JNI_VERSION_10) == JNI_OK) return (JNIEnv *)env;
  if ((*vm)->AttachCurrentThreadAsDaemon(vm, &env, &args) != JNI_OK) return NULL;
  pthread_setspecific(attached, vm);
  return (JNIEnv *)env;
}

/* ---- failures ---- */

static void throw_out_of_memory(JNIEnv *env) {
  if (!(*env)->ExceptionCheck(env)) (*env)->ThrowNew(env, out_of_memory, "native memory of the Java binding of Mars");
}

/* NULL with an exception pending if there is no memory. */
static jbyteArray bytes_of(JNIEnv *env, const void *data, size_t size) {
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
  jbyteArray message, op, origin;
  jobject exception;
  mars_error_last(&error);
  if (!(message = bytes_of(env, error.message, strlen(error.message)))) return;
  if (!(op = bytes_of(env, error.op, strlen(error.op)))) return;
  if (!(origin = bytes_of(env, error.origin, strlen(error.origin)))) return;
  exception = (*env)->CallStaticObjectMethod(env, native_class, make_exception, (jint)error.code, message, op, origin);
  if (exception && !(*env)->ExceptionCheck(env)) (*env)->Throw(env, (jthrowable)exception);
}

/* Whether a call succeeded; throws if not. */
static int ok(JNIEnv *env, mars_status status) {
  if (status >= 0) return 1;
  throw_last(env);
  return 0;
}

/* ---- arguments ---- */

#define HANDLE(type, value) ((type *)(intptr_t)(value))
#define NUMBER(pointer) ((jlong)(intptr_t)(pointer))

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
static char *text_in(JNIEnv *env, jbyteArray text) { return (char *)copy_in(env, text, 1); }
static int64_t *longs_in(JNIEnv *env, jlongArray longs) { return (int64_t *)copy_in(env, longs, sizeof(int64_t)); }

static void texts_free(char **texts, jsize count) {
  jsize i;
  if (!texts) return;
  for (i = 0; i < count; i++) free(texts[i]);
  free(texts);
}

static char **texts_in(JNIEnv *env, jobjectArray array) {
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

/* The bytes of a string of the library, which is released. */
static jbyteArray string_out(JNIEnv *env, mars_string *string) {
  jbyteArray out = bytes_of(env, mars_string_data(string), (size_t)mars_string_size(string));
  mars_string_release(string);
  return out;
}

/* Functions of the form status(mars_string **, ...). */
#define RETURN_STRING(call) \
  mars_string *string = NULL; \
  return ok(env, call) ? string_out(env, string) : NULL

/* ---- memory ---- */

static size_t item_size(mars_dtype dtype) {
  static const unsigned char sizes[] = {0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return dtype > 0 && dtype < (mars_dtype)sizeof sizes ? sizes[dtype] : 0;
}

static int64_t element_count(const mars_array *a) {
  int64_t n = 1;
  int32_t i;
  for (i = 0; i < a->ndim; i++) n *= a->shape[i];
  return n;
}

static int is_dense(const mars_array *a) {
  int64_t step = (int64_t)item_size(a->dtype);
  int32_t i;
  if (!a->strides || element_count(a) == 0) return 1;
  for (i = a->ndim - 1; i >= 0; i--) {
    if (a->shape[i] != 1 && a->strides[i] != step) return 0;
    step *= a->shape[i];
  }
  return 1;
}

/* Copies between an array and its elements in C order. */
static void copy_dense(const mars_array *a, char *dense, int to_dense) {
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

/* ---- sessions ---- */

static jbyteArray JNICALL version(JNIEnv *env, jclass c) {
  const char *text = mars_version();
  (void)c;
  return bytes_of(env, text, strlen(text));
}

static jlong JNICALL session_open(JNIEnv *env, jclass c, jobjectArray keys, jobjectArray values) {
  const jsize n = (*env)->GetArrayLength(env, keys), m = (*env)->GetArrayLength(env, values);
  char **k = texts_in(env, keys);
  char **v = k ? texts_in(env, values) : NULL;
  mars_session *out = NULL;
  (void)c;
  if (v) ok(env, mars_session_open(&out, (const char *const *)k, (const char *const *)v, (size_t)n));
  texts_free(k, n);
  texts_free(v, m);
  return NUMBER(out);
}

static jlong JNICALL session_default(JNIEnv *env, jclass c) {
  mars_session *out = NULL;
  (void)c;
  ok(env, mars_session_default(&out));
  return NUMBER(out);
}

static jbyteArray JNICALL session_options(JNIEnv *env, jclass c, jlong session) {
  (void)c;
  RETURN_STRING(mars_session_options(&string, HANDLE(mars_session, session)));
}

static void JNICALL session_set_option(JNIEnv *env, jclass c, jlong session, jbyteArray key, jbyteArray value) {
  char *k = text_in(env, key);
  char *v = k ? text_in(env, value) : NULL;
  (void)c;
  if (v) ok(env, mars_session_set_option(HANDLE(mars_session, session), k, v));
  free(k);
  free(v);
}

static jbyteArray JNICALL session_statistics(JNIEnv *env, jclass c, jlong session) {
  (void)c;
  RETURN_STRING(mars_session_statistics(&string, HANDLE(mars_session, session)));
}

static jbyteArray JNICALL session_trace(JNIEnv *env, jclass c, jlong session) {
  (void)c;
  RETURN_STRING(mars_session_trace(&string, HANDLE(mars_session, session)));
}

static void JNICALL session_release(JNIEnv *env, jclass c, jlong session) {
  (void)env, (void)c;
  mars_session_release(HANDLE(mars_session, session));
}

/* ---- element types, operators ---- */

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

/* ---- graphs ---- */

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

/* ---- tensors ---- */

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

static void release_reference(void *owner) {
  JNIEnv *env = environment();
  if (env) (*env)->DeleteGlobalRef(env, (jobject)owner);
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

static jlong JNICALL tensor_snapshot(JNIEnv *env, jclass c, jlong tensor) {
  mars_tensor *out = NULL;
  (void)c;
  ok(env, mars_tensor_snapshot(&out, HANDLE(const mars_tensor, tensor)));
  return NUMBER(out);
}

/* ---- functions of the client ---- */

static void say(char *message, size_t size, const char *text) {
  if (size > 0) snprintf(message, size, "%s", text);
}

/* A direct buffer around `size` bytes; JNI has none around NULL. */
static jobject buffer_around(JNIEnv *env, void *data, size_t size) {
  static char nothing;
  return (*env)->NewDirectByteBuffer(env, size ? data : &nothing, (jlong)size);
}

static jlongArray longs_out(JNIEnv *env, const int64_t *numbers, int32_t count) {
  jlongArray out = (*env)->NewLongArray(env, count);
  if (out && count > 0) (*env)->SetLongArrayRegion(env, out, 0, count, (const jlong *)numbers);
  return out;
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

/* ---- running ---- */

static jlong JNICALL execute_async(JNIEnv *env, jclass c, jlong session, jlongArray tensors, jobjectArray names, jlongArray bound) {
  const jsize count = (*env)->GetArrayLength(env, tensors), bindings = (*env)->GetArrayLength(env, names);
  int64_t *roots = longs_in(env, tensors);
  int64_t *data = roots ? longs_in(env, bound) : NULL;
  char **texts = data ? texts_in(env, names) : NULL;
  mars_tensor **handles = (mars_tensor **)calloc((size_t)count + 1, sizeof *handles);
  mars_binding *b = (mars_binding *)calloc((size_t)bindings + 1, sizeof *b);
  mars_run *out = NULL;
  jsize i;
  (void)c;
  if (texts && handles && b) {
    for (i = 0; i < count; i++) handles[i] = HANDLE(mars_tensor, roots[i]);
    for (i = 0; i < bindings; i++) {
      b[i].struct_size = sizeof *b;
      b[i].name = texts[i];
      b[i].tensor = HANDLE(mars_tensor, data[i]);
    }
    ok(env, mars_execute_async(&out, HANDLE(mars_session, session), handles, (size_t)count, b, (size_t)bindings));
  } else {
    throw_out_of_memory(env);
  }
  free(b);
  free(handles);
  texts_free(texts, bindings);
  free(data);
  free(roots);
  return NUMBER(out);
}

static jlongArray JNICALL run_progress(JNIEnv *env, jclass c, jlong run) {
  mars_progress p = {.struct_size = sizeof p};
  int64_t numbers[3];
  (void)c;
  if (!ok(env, mars_run_progress(&p, HANDLE(mars_run, run)))) return NULL;
  numbers[0] = p.is_done;
  numbers[1] = p.tasks_done;
  numbers[2] = p.tasks_total;
  return longs_out(env, numbers, 3);
}

static jboolean JNICALL run_wait(JNIEnv *env, jclass c, jlong run, jdouble seconds) {
  const mars_status status = mars_run_wait(HANDLE(mars_run, run), seconds);
  (void)c;
  if (status == MARS_ERROR_TIMEOUT) return JNI_FALSE;
  ok(env, status);
  return JNI_TRUE;
}

static void JNICALL run_results(JNIEnv *env, jclass c, jlongArray out, jlong run) {
  const jsize count = (*env)->GetArrayLength(env, out);
  mars_tensor **tensors = (mars_tensor **)calloc((size_t)count + 1, sizeof *tensors);
  jsize i;
  (void)c;
  if (!tensors) {
    throw_out_of_memory(env);
    return;
  }
  if (ok(env, mars_run_results(tensors, (size_t)count, HANDLE(mars_run, run)))) {
    for (i = 0; i < count; i++) {
      const jlong number = NUMBER(tensors[i]);
      (*env)->SetLongArrayRegion(env, out, i, 1, &number);
    }
  }
  free(tensors);
}

static void JNICALL run_cancel(JNIEnv *env, jclass c, jlong run) {
  (void)c;
  ok(env, mars_run_cancel(HANDLE(mars_run, run)));
}

static void JNICALL run_release(JNIEnv *env, jclass c, jlong run) {
  (void)env, (void)c;
  mars_run_release(HANDLE(mars_run, run));
}

/* The handles of `tensors`, which the caller frees; NULL with an exception pending if there is no memory. */
static mars_tensor **handles_in(JNIEnv *env, jlongArray tensors) {
  const jsize count = (*env)->GetArrayLength(env, tensors);
  int64_t *numbers = longs_in(env, tensors);
  mars_tensor **out = numbers ? (mars_tensor **)calloc((size_t)count + 1, sizeof *out) : NULL;
  jsize i;
  if (out)
    for (i = 0; i < count; i++) out[i] = HANDLE(mars_tensor, numbers[i]);
  else throw_out_of_memory(env);
  free(numbers);
  return out;
}

static jbyteArray JNICALL explain(JNIEnv *env, jclass c, jlong session, jlongArray tensors) {
  mars_tensor **handles = handles_in(env, tensors);
  mars_string *string = NULL;
  (void)c;
  if (handles) ok(env, mars_explain(&string, HANDLE(mars_session, session), handles, (size_t)(*env)->GetArrayLength(env, tensors)));
  free(handles);
  return string ? string_out(env, string) : NULL;
}

static jbyteArray JNICALL plan_cut(JNIEnv *env, jclass c, jlong session, jlongArray tensors, jlong pieces) {
  mars_tensor **handles = handles_in(env, tensors);
  mars_string *string = NULL;
  (void)c;
  if (handles) ok(env, mars_plan_cut(&string, HANDLE(mars_session, session), handles, (size_t)(*env)->GetArrayLength(env, tensors), pieces));
  free(handles);
  return string ? string_out(env, string) : NULL;
}

/* ---- values ---- */

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

/* ---- registration ---- */

#define BYTES "[B"
#define TEXTS "[[B"
#define LONGS "[J"
#define BUFFER "Ljava/nio/ByteBuffer;"
#define FUNCTION "Lio/mars/ChunkFunction;"
#define METHOD(name, signature, function) {(char *)name, (char *)(signature), (void *)function}

static const JNINativeMethod methods[] = {
    METHOD("version", "()" BYTES, version),
    METHOD("sessionOpen", "(" TEXTS TEXTS ")J", session_open),
    METHOD("sessionDefault", "()J", session_default),
    METHOD("sessionOptions", "(J)" BYTES, session_options),
    METHOD("sessionSetOption", "(J" BYTES BYTES ")V", session_set_option),
    METHOD("sessionStatistics", "(J)" BYTES, session_statistics),
    METHOD("sessionTrace", "(J)" BYTES, session_trace),
    METHOD("sessionRelease", "(J)V", session_release),
    METHOD("promote", "(II)I", promote),
    METHOD("canCast", "(II" BYTES ")Z", can_cast),
    METHOD("describeAll", "()" BYTES, describe_all),
    METHOD("describe", "(" BYTES ")" BYTES, describe),
    METHOD("opFind", "(" BYTES ")I", op_find),
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
    METHOD("tensorRelease", "(J)V", tensor_release),
    METHOD("tensorFromArray", "(Ljava/lang/Object;I" LONGS ")J", tensor_from_array),
    METHOD("tensorFromBuffer", "(" BUFFER "ZI" LONGS "I)J", tensor_from_buffer),
    METHOD("tensorDescribe", "(J)" LONGS, tensor_describe),
    METHOD("tensorChunks", "(JJ)" BYTES, tensor_chunks),
    METHOD("tensorAssign", "(JIJDD" BYTES ")V", tensor_assign),
    METHOD("tensorSharesStorage", "(JJ)Z", tensor_shares_storage),
    METHOD("tensorSnapshot", "(J)J", tensor_snapshot),
    METHOD("tensorMapChunk", "(JI" FUNCTION BYTES ")J", tensor_map_chunk),
    METHOD("executeAsync", "(J" LONGS TEXTS LONGS ")J", execute_async),
    METHOD("runProgress", "(J)" LONGS, run_progress),
    METHOD("runWait", "(JD)Z", run_wait),
    METHOD("runResults", "(" LONGS "J)V", run_results),
    METHOD("runCancel", "(J)V", run_cancel),
    METHOD("runRelease", "(J)V", run_release),
    METHOD("explain", "(J" LONGS ")" BYTES, explain),
    METHOD("planCut", "(J" LONGS "J)" BYTES, plan_cut),
    METHOD("fetch", "(JJ)J", fetch),
    METHOD("fetchInto", "(JJ" BUFFER "I" LONGS ")V", fetch_into),
    METHOD("arrayDescribe", "(J)" LONGS, array_describe),
    METHOD("arrayBuffer", "(JJJ)" BUFFER, array_buffer),
    METHOD("arrayCopy", "(JLjava/lang/Object;)V", array_copy),
    METHOD("arrayRelease", "(J)V", array_release),
};

/* The only exported function: called when Java loads the library. */
JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *machine, void *reserved) {
  void *pointer = NULL;
  JNIEnv *env;
  jclass found;
  (void)reserved;
  vm = machine;
  if ((*vm)->GetEnv(vm, &pointer, JNI_VERSION_10) != JNI_OK) return JNI_ERR;
  env = (JNIEnv *)pointer;
  if (!(found = (*env)->FindClass(env, "java/lang/OutOfMemoryError"))) return JNI_ERR;
  if (!(out_of_memory = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  if (!(found = (*env)->FindClass(env, "io/mars/Native"))) return JNI_ERR;
  if (!(native_class = (jclass)(*env)->NewGlobalRef(env, found))) return JNI_ERR;
  make_exception = (*env)->GetStaticMethodID(env, native_class, "exception", "(I[B[B[B)Ljava/lang/RuntimeException;");
  if (!make_exception) return JNI_ERR;
  call_chunk = (*env)->GetStaticMethodID(env, native_class, "callChunk", "(" FUNCTION BUFFER BUFFER "II" LONGS LONGS ")" BYTES);
  if (!call_chunk) return JNI_ERR;
  if ((*env)->RegisterNatives(env, native_class, methods, (jint)(sizeof methods / sizeof *methods)) != 0) return JNI_ERR;
  if (pthread_key_create(&attached, detach) != 0) return JNI_ERR;
  return JNI_VERSION_10;
}
