#include "CLLVM.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

struct mars_llvm_table mars_llvm;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *failure;
static char text[160];

static void load(void) {
  static const char *const names[] = {"libLLVM-19.so.1", "libLLVM.so.19.1", "libLLVM-19.so"};
  void *handle = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++) handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    failure = "the LLVM 19 library (libLLVM.so.19.1, Debian package libllvm19) cannot be loaded";
    return;
  }
  const char *missing = NULL;
#define MARS_LLVM_LOAD(R, N, P, A) MARS_LLVM_LOAD_V(N, P, A)
#define MARS_LLVM_LOAD_V(N, P, A) \
  *(void **)&mars_llvm.N = dlsym(handle, #N); \
  if (!mars_llvm.N) missing = #N;
  MARS_LLVM_FUNCTIONS(MARS_LLVM_LOAD, MARS_LLVM_LOAD_V)
  if (missing) {
    snprintf(text, sizeof text, "the LLVM library lacks %s; Mars needs version 19", missing);
    failure = text;
    return;
  }
  mars_llvm.LLVMInitializeX86TargetInfo();
  mars_llvm.LLVMInitializeX86Target();
  mars_llvm.LLVMInitializeX86TargetMC();
  mars_llvm.LLVMInitializeX86AsmPrinter();
}

const char *mars_llvm_load(void) {
  pthread_once(&once, load);
  return failure;
}
