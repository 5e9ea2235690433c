#ifndef HOST_VM_PROVIDER_H
#define HOST_VM_PROVIDER_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/vm_plan.h"

/** A VM that was started, perhaps by an earlier command: how to find it again. */
struct vm_handle {
    const char *pid_file, *monitor_socket, *log_file; /* borrowed */
};

/** The last three, in this order, want something done. */
enum vm_state {
    VM_STATE_STOPPED,
    VM_STATE_RUNNING,
    VM_STATE_PAUSED,     /* by hand */
    VM_STATE_DISK_ERROR, /* the host could not write the disk: it is full */
    VM_STATE_UNKNOWN     /* the runner is there and does not answer */
};

const char *vm_state_name(enum vm_state state);

/**
 * A program that runs VMs. Whatever it is, it has three devices for us: a network card on a socket,
 * one with user-mode networking, and a serial port that appends to a file.
 */
struct vm_provider {
    const char *name;
    /** Start it and return once it runs (its guest boots on). */
    bool (*start)(const struct vm_plan *plan, struct error *error);
    bool (*query)(const struct vm_handle *vm, enum vm_state *state, struct error *error);
    /** Go on after a pause or a disk error. */
    bool (*resume)(const struct vm_handle *vm, struct error *error);
    /** Ask the guest to shut down; it may not listen. */
    bool (*press_power_button)(const struct vm_handle *vm, struct error *error);
    /** The end of what the guest wrote to its console, untrusted. */
    bool (*read_console)(const struct vm_handle *vm, struct buffer *text, struct error *error);
};

/** The provider of this host. */
const struct vm_provider *vm_provider_default(void);

/** Wait until it has ended by itself, at most so long. */
bool vm_wait_end(const struct vm_handle *vm, int timeout_ms);
/** End it at once. */
bool vm_end(const struct vm_handle *vm, struct error *error);

#endif
