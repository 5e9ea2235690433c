#include "firewall/role_confine.h"

#include <linux/capability.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "system/linux_landlock.h"
#include "system/linux_privilege.h"

bool role_confine_supervisor(struct error *error)
{
    static const int kept[] = {
        CAP_NET_ADMIN,        /* packet rules, routes, transparent sockets */
        CAP_NET_RAW,          /* the packet socket; sockets bound to a device */
        CAP_NET_BIND_SERVICE, /* ports 22, 53, 443 */
        CAP_DAC_OVERRIDE,     /* policy, log and control socket in folders of others */
        CAP_SYS_CHROOT,       /* for the roles' sake, from here on: empty root, */
        CAP_SETUID,           /* users, */
        CAP_SETGID,           /* groups, */
        CAP_SYS_RESOURCE,     /* more descriptors, */
        CAP_IPC_LOCK,         /* locked memory, */
        CAP_SYS_ADMIN,        /* the recorder's empty network; the filter denies mounts and such */
        CAP_KILL,             /* their end, */
        CAP_SYS_PTRACE,       /* and their use of memory; the filter denies ptrace() */
    };
    return linux_privilege_keep(kept, sizeof(kept) / sizeof(kept[0]), error) &&
           role_filter_install_supervisor(error);
}

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
    return (kind != ROLE_RECORDER || linux_privilege_leave_network(error)) &&
           linux_privilege_drop(rows[kind].user, parent, error) &&
           linux_landlock_enter(rows[kind].network, error) &&
           role_filter_install(kind, getpid(), error);
}
