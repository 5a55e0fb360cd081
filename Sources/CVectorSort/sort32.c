#if defined(__x86_64__)
#include "target.h"

#include "lanes32.h"

#include "keys.h"
#include "network.h"
#include "merge.h"
#include "quicksort.h"

#pragma clang attribute pop
#endif
