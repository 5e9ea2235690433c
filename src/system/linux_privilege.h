#ifndef SYSTEM_LINUX_PRIVILEGE_H
#define SYSTEM_LINUX_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/**
 * Give up root for good, in this order: no core dumps and no new processes; the file system is an
 * empty folder that exists no more; the groups, group and user are `user`'s alone, which drops
 * every capability; no program can give them back; nobody may trace us; and we die with
 * `parent`, the process that forked us.
 *
 * The death signal comes after the change of user, because the kernel clears it then.
 */
bool linux_privilege_drop(uid_t user, pid_t parent, struct error *error);

/**
 * Keep at most these capabilities (CAP_...), here and in all programs that are run, for good. What
 * this process does not have now it does not get.
 */
bool linux_privilege_keep(const int *capabilities, size_t count, struct error *error);

/** Empty the network: a new network namespace with nothing in it. Before linux_privilege_drop. */
bool linux_privilege_leave_network(struct error *error);

/**
 * Raise the limit of open descriptors to `wanted`, or as far as it goes; returns what it is.
 */
unsigned linux_privilege_raise_descriptors(unsigned wanted);

#endif
