#ifndef INIT_CONTROL_LISTENER_H
#define INIT_CONTROL_LISTENER_H

#include <sys/types.h>

#include "record/boot_config.h"

/**
 * The firewall VM's SSH door: TCP port 22, bound to the control card's device, so that nothing on
 * the agent's link can reach it whatever address it dials. Each connection gets a `dropbear -i` of
 * its own.
 */

enum { CONTROL_LISTENER_CHILD_LIMIT = 64 };

struct control_listener {
    int fd; /* owned */
    pid_t children[CONTROL_LISTENER_CHILD_LIMIT];
    size_t child_count;
};

/** Listen on the address of `interface`, which is the card named `device`. */
bool control_listener_open(struct control_listener *listener,
                           const struct boot_interface *interface, const char *device,
                           struct error *error);

/**
 * Put the host key (OpenSSH's format, deleted afterwards) and the authorized keys where dropbear
 * wants them. Keys may forward to port 22 of the agent's address and nowhere else.
 */
bool control_listener_install_keys(const char *host_key, const char *authorized_keys,
                                   uint32_t agent_address, struct error *error);

/** Accept one connection and start its server; beyond the limit it is closed. */
void control_listener_accept(struct control_listener *listener);

/** A child ended: forget it when it was one of ours. */
void control_listener_forget(struct control_listener *listener, pid_t child);

#endif
