#ifndef FIREWALL_ROLE_FILTER_H
#define FIREWALL_ROLE_FILTER_H

#include <sys/types.h>

#include "base/error.h"

/** The processes of the firewall. */
enum role_kind { ROLE_PROXY, ROLE_RECORDER, ROLE_KIND_COUNT };

/**
 * The system calls that are left to a role once it serves; anything else kills it. `own` is its
 * process, the only one that it may signal.
 *
 * The lists hold what the test suites were seen to use, what glibc and the libraries use on other
 * processors or when memory is short, and what a process needs to end with a word. Whoever adds a
 * call says what for.
 */
bool role_filter_install(enum role_kind kind, pid_t own, struct error *error);

/**
 * The calls that the supervisor, and with it nft and every role, never gets back: what changes
 * mounts, other processes, the kernel or the clock. They fail with EPERM.
 */
bool role_filter_install_supervisor(struct error *error);

#endif
