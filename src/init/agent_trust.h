#ifndef INIT_AGENT_TRUST_H
#define INIT_AGENT_TRUST_H

#include "record/boot_config.h"

/**
 * The instance's CA in the agent's system: in the store, and in every variable that real tools
 * read instead of it.
 */

/**
 * Put the PEM text into the system's store below `root`: as a local certificate, so that a later
 * update-ca-certificates keeps it, and at the end of the bundle, so that this boot need not run it.
 * A CA of an earlier boot leaves the bundle.
 */
bool agent_trust_install_ca(const char *root, struct bytes pem, struct error *error);

/**
 * Write the trust variables and those of `config` where sessions (pam_env), services (systemd) and
 * sudo take them from.
 */
bool agent_trust_write_environment(const char *root, const struct boot_config *config,
                                   struct error *error);

#endif
