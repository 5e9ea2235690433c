#ifndef INIT_SERIAL_PORT_H
#define INIT_SERIAL_PORT_H

#include "base/error.h"

/**
 * Make /dev/virtio-ports/NAME lead to the virtio serial port that the VM runner gave this name,
 * which udev does elsewhere. Waits a few seconds for the port to appear.
 */
bool serial_port_link(const char *name, struct error *error);

#endif
