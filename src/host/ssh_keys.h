#ifndef HOST_SSH_KEYS_H
#define HOST_SSH_KEYS_H

#include "base/error.h"

/**
 * The Ed25519 keys of an instance in its ssh folder, each made by ssh-keygen where it is missing:
 * `control` (ours, to enter both VMs), `firewall_host` and `agent_host` (theirs, so that we know
 * them before they boot), and known_hosts, which names the two host keys by the aliases of the
 * ssh configuration.
 */
bool ssh_keys_ensure(const char *folder, const char *firewall_alias, const char *agent_alias,
                     struct error *error);

#endif
