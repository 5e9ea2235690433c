#ifndef HOST_SSH_SESSION_H
#define HOST_SSH_SESSION_H

#include "base/buffer.h"
#include "host/instance.h"
#include "system/argument_list.h"

/** Where the image keeps the helper that sessions start with. */
#define SSH_SESSION_HELPER "/usr/lib/rootcell/rootcell-init"

/** Append the ssh program, its configuration and options that every call shares. */
void ssh_session_add_program(struct argument_list *arguments, const struct instance *instance);
/** The name of a VM in ssh/config. */
const char *ssh_session_host(enum vm_role role);

/** Calls of ssh with the instance's own configuration, over connections that are kept open. */

/** Write ssh/config for the state and settings as they are. */
bool ssh_session_write_config(const struct instance *instance, struct error *error);

/** Append the entry for ~/.ssh/config (ssh_config_append_entry). */
void ssh_session_append_entry(struct buffer *out, const struct instance *instance);

/** The SSH server behind the forward answers with its banner. Waits at most so long. */
bool ssh_session_is_door_open(const struct instance *instance, int timeout_ms);

/** Whether the kept-open connection to a VM is there (it accepts on its socket). */
bool ssh_session_is_connected(const struct instance *instance, enum vm_role role);

/** Open the connection that later calls share; fails soon when the VM does not answer yet. */
bool ssh_session_connect(const struct instance *instance, enum vm_role role, struct error *error);

/** Close the kept-open connection, if there is one, and remove its socket. */
void ssh_session_disconnect(const struct instance *instance, enum vm_role role);

/** A command for the shell of a VM, run to its end. */
struct ssh_session_command {
    enum vm_role role;
    const char *command;   /* borrowed, for the guest's shell */
    struct bytes input;    /* its standard input */
    struct buffer *output; /* untrusted; NULL: to our standard error */
    int timeout_ms;        /* 0 none */
};

/** Run it; `*status` is its exit status. The error tells of a connection that failed. */
bool ssh_session_execute(const struct instance *instance, const struct ssh_session_command *command,
                         int *status, struct error *error);

/** As above, but a status other than 0 is an error with `what` as its text. */
bool ssh_session_execute_well(const struct instance *instance,
                              const struct ssh_session_command *command, const char *what,
                              struct error *error);

#endif
