#ifndef INIT_AGENT_MACHINE_H
#define INIT_AGENT_MACHINE_H

#include "record/boot_config.h"

/**
 * The agent VM before its systemd: mounts the root disk and the layers, writes what belongs to the
 * instance (addresses, names, keys, the CA, the environment), so that nothing in the booted system
 * waits for DHCP, udev or a metadata service, and becomes /sbin/init. Returns only on failure.
 */
void agent_machine_run(const struct boot_config *config, struct error *error);

#endif
