#ifndef HOST_PROVISION_H
#define HOST_PROVISION_H

#include "host/instance.h"

/**
 * What is configured on the host and lives in the agent VM: Debian packages to add, and the files
 * of the harness (pi/agent/ of the checkout and of the instance's folder, the newer file where both
 * have one) in ~/.pi/agent.
 */

/** Whether anything of it has changed since it was last brought there. */
bool provision_is_needed(const struct instance *instance);

/** Bring it there, and note that in the state. Both VMs run. */
bool provision_run(struct instance *instance, struct error *error);

/**
 * provision_run when it is needed. What fails in the guest (a package that does not exist, say) is
 * told and does not keep the user out; only a state that cannot be saved is an error.
 */
bool provision_if_needed(struct instance *instance, struct error *error);

#endif
