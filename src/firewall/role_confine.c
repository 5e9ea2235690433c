#include "firewall/role_confine.h"

#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "system/linux_landlock.h"
#include "system/linux_privilege.h"

bool role_confine(enum role_kind kind, pid_t parent, struct error *error)
{
    static const struct {
        uid_t user;
        enum linux_landlock_network network;
    } rows[ROLE_KIND_COUNT] = {
        [ROLE_PROXY] = {ROLE_PROXY_USER, LINUX_LANDLOCK_CONNECT_ONLY},
        [ROLE_RECORDER] = {ROLE_RECORDER_USER, LINUX_LANDLOCK_NO_NETWORK},
    };
    CHECK(kind < ROLE_KIND_COUNT);
    /* glibc opens the time zone's file when it first breaks a time down. */
    tzset();
    int version = 0;
    return (kind != ROLE_RECORDER || linux_privilege_leave_network(error)) &&
           linux_privilege_drop(rows[kind].user, parent, error) &&
           linux_landlock_enter(rows[kind].network, &version, error) &&
           role_filter_install(kind, getpid(), error);
}
