// The same tests compiled as C++11: the header's `extern "C"` and types hold there too.
#include "abi_test.c"
