// graph.proto as protobuf-c sees it, strings as bytes; made by scripts/gen_proto.sh.
#ifndef MARS_CGRAPHPROTO_H
#define MARS_CGRAPHPROTO_H
#include "graph.pb-c.h"
#endif
