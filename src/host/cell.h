#ifndef HOST_CELL_H
#define HOST_CELL_H

#include "host/instance.h"
#include "host/vm_provider.h"

/** The two VMs of an instance, as a whole. */

/** Paths of one VM, for the provider. */
struct cell_vm {
    char *pid_file, *monitor_socket, *log_file; /* owned */
    struct vm_handle handle;
};

void cell_vm_init(struct cell_vm *vm, const struct instance *instance, enum vm_role role);
void cell_vm_done(struct cell_vm *vm);

/**
 * With the instance's lock held: both VMs run and answer, keys, images and disk are made where they
 * are missing, and what is configured for the agent VM has been brought there. Says what it does
 * when it takes a while.
 */
bool cell_ensure_running(struct instance *instance, struct error *error);

/**
 * Both VMs run, the connections are open and nothing is left to provision: entering needs no lock.
 */
bool cell_is_ready(const struct instance *instance);

/** With the lock held: shut both down in order, then firmly. `*was_running` is set. */
bool cell_stop(const struct instance *instance, bool *was_running, struct error *error);

/** What a VM does at the moment; VM_STATE_UNKNOWN when its runner does not answer. */
enum vm_state cell_vm_state(const struct instance *instance, enum vm_role role);

#endif
