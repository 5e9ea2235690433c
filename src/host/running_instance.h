#ifndef HOST_RUNNING_INSTANCE_H
#define HOST_RUNNING_INSTANCE_H

#include "host/instance.h"

/**
 * An instance whose VMs run and answer, without its lock: made and booted where that is needed.
 * When all is up, nothing is locked and nothing written. Released by instance_done.
 */
bool running_instance_open(struct instance *instance, const struct home *home, const char *name,
                           struct error *error);

#endif
