#ifndef FIREWALL_ROLE_H
#define FIREWALL_ROLE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum {
    ROLE_QUICK_DEATH_MS = 1000,  /* after its start */
    ROLE_RESTART_PAUSE_MS = 500, /* before another follows one that died so */
};

/** A process of the firewall, as the supervisor sees it. */
struct role {
    const char *name;
    pid_t process;         /* 0: not running */
    int channel;           /* our end; -1 when not running; owned */
    int64_t started_ms;    /* monotonic */
    int64_t restart_at_ms; /* when not running: not before */
    uint64_t restart_count;
};

/** What runs in the child: never returns to the supervisor's code; the value is exit status. */
typedef int role_main_fn(void *context, int channel);

/**
 * Fork. The child has signals at their defaults, standard input and output at /dev/null, and of
 * all descriptors only standard error, its channel and those in `kept` (-1 entries are skipped).
 */
bool role_start(struct role *role, role_main_fn *main, void *context, const int *kept,
                size_t kept_count, struct error *error);

/**
 * Has it ended? Then say how ("signal 9", "status 1", "a forbidden system call") in `how`, close
 * the channel and set the earliest time of a restart: at once, or after a pause when it had just
 * been started and is not the first.
 */
bool role_reap(struct role *role, int64_t now_ms, char how[32]);

/**
 * Its exit status, waiting up to `timeout_ms` for its end; -1 when it runs on or ended by a signal.
 */
int role_await_exit(struct role *role, int timeout_ms);

/** Ask it to end, wait up to `timeout_ms`, then kill it. */
void role_end(struct role *role, int timeout_ms);

/** Memory in bytes (PSS), 0 where unknown. */
uint64_t role_memory(pid_t process);

#endif
