#ifndef HOST_INSTANCE_SEED_H
#define HOST_INSTANCE_SEED_H

#include "host/instance.h"

/** What a new instance is made of. All take what is there already as it is. */

/**
 * The default instance of a checkout: copy .env, secrets.env, proxy/allowed-*.txt, pi/agent/ and
 * pki/ from the checkout's root, where an earlier layout kept them.
 */
bool instance_seed_old_layout(const struct instance *instance, struct error *error);

/** A commented .env, and the policy files from the defaults that come with rootcell. */
bool instance_seed_files(const struct instance *instance, struct error *error);

/** Choose the addresses, under the lock that keeps two instances from choosing the same, and save.
 */
bool instance_seed_state(struct instance *instance, struct error *error);

#endif
