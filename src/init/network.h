#ifndef INIT_NETWORK_H
#define INIT_NETWORK_H

#include "record/boot_config.h"

/**
 * The machine's network cards, set up once at boot with ioctls: no daemon, no DHCP, nothing to wait
 * for. Addresses and routes stay when the agent's systemd takes over.
 */

/** Bring up the loopback interface. */
bool network_start_loopback(struct error *error);

/**
 * Find the card by its MAC address, rename it to `name`, give it its address and bring it up, with
 * IPv6 off. The default route goes to its gateway when `is_default_route`.
 */
bool network_start_interface(const struct boot_interface *interface, const char *name,
                             bool is_default_route, struct error *error);

/** Write a value to a file below /proc/sys. */
bool network_set_parameter(const char *path, const char *value, struct error *error);

#endif
