#ifndef SYSTEM_FREE_PORT_H
#define SYSTEM_FREE_PORT_H

#include "base/error.h"

#include <stdint.h>

/**
 * A TCP port of 127.0.0.1 that nothing listens on: `*port` if it is one (and not 0), else another.
 * It is free when asked; whoever needs it must still be ready for a surprise.
 */
bool free_port_choose(uint16_t *port, struct error *error);

#endif
