#ifndef HOST_SSH_CONFIG_H
#define HOST_SSH_CONFIG_H

#include "base/buffer.h"

/** What the ssh configuration of an instance says; all texts are borrowed. */
struct ssh_config {
    const char *ssh_folder; /* control key, known_hosts and this file, named config */
    const char *runtime;    /* folder of the connections that are kept open */
    const char *instance_name;
    const char *firewall_alias, *agent_alias; /* names in known_hosts */
    const char *ssh_program;                  /* NULL: ssh; else what the jump calls */
    uint16_t port;                            /* of the firewall VM's SSH on 127.0.0.1 */
    uint32_t agent_ip;                        /* host order */
};

/**
 * The file ssh/config of the instance, for `ssh -F`: hosts `rootcell-firewall`, and `rootcell` or
 * `agent`. Closed against a hostile guest: it forwards no agent and no display, offers one key,
 * believes one host key. CHECK that `out` has room.
 */
void ssh_config_append(struct buffer *out, const struct ssh_config *config);

/**
 * The entry for the user's own ~/.ssh/config: the same values for the host `rootcell` (or
 * `rootcell-NAME`), reached by way of that file.
 */
void ssh_config_append_entry(struct buffer *out, const struct ssh_config *config);

#endif
