/* Executing, explaining and cutting. */
#include "mars_jni.h"

#include <stdlib.h>
#include <string.h>

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

static const JNINativeMethod methods[] = {
    METHOD("executeAsync", "(J" LONGS TEXTS LONGS ")J", execute_async),
    METHOD("runProgress", "(J)" LONGS, run_progress),
    METHOD("runWait", "(JD)Z", run_wait),
    METHOD("runResults", "(" LONGS "J)V", run_results),
    METHOD("runCancel", "(J)V", run_cancel),
    METHOD("runRelease", "(J)V", run_release),
    METHOD("explain", "(J" LONGS ")" BYTES, explain),
    METHOD("planCut", "(J" LONGS "J)" BYTES, plan_cut),
};
METHODS(run_methods, methods);
