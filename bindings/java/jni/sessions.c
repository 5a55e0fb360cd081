/* Sessions. */
#include "mars_jni.h"

#include <stdlib.h>
#include <string.h>

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

static void JNICALL session_claim(JNIEnv *env, jclass c, jlong session, jboolean claims) {
  (void)c;
  ok(env, mars_session_claim(HANDLE(mars_session, session), claims));
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

static const JNINativeMethod methods[] = {
    METHOD("version", "()" BYTES, version),
    METHOD("sessionOpen", "(" TEXTS TEXTS ")J", session_open),
    METHOD("sessionDefault", "()J", session_default),
    METHOD("sessionOptions", "(J)" BYTES, session_options),
    METHOD("sessionSetOption", "(J" BYTES BYTES ")V", session_set_option),
    METHOD("sessionClaim", "(JZ)V", session_claim),
    METHOD("sessionStatistics", "(J)" BYTES, session_statistics),
    METHOD("sessionTrace", "(J)" BYTES, session_trace),
    METHOD("sessionRelease", "(J)V", session_release),
};
METHODS(session_methods, methods);
