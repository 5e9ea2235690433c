#include "system/linux_privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool set_limit(int resource, rlim_t value, struct error *error)
{
    struct rlimit limit = {value, value};
    if (setrlimit((__rlimit_resource_t)resource, &limit) != 0)
        return error_set_errno(error, errno, "setrlimit");
    return true;
}

/* The folder is removed before it becomes the root: nothing can be made or found in it. */
static bool empty_file_system(struct error *error)
{
    /* The number is our own process's, so only a leftover can stand there, and it is empty. */
    char path[32] = "";
    static const char *const places[] = {"/run", "/tmp", ""};
    bool is_made = false;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !is_made; i++) {
        snprintf(path, sizeof(path), "%s/rootcell-%d", places[i], (int)getpid());
        rmdir(path);
        is_made = mkdir(path, 0700) == 0;
    }
    if (!is_made)
        return error_set_errno(error, errno, "make an empty folder");
    bool is_inside = chdir(path) == 0;
    int number = errno;
    rmdir(path);
    if (!is_inside)
        return error_set_errno(error, number, "%s", path);
    if (chroot(".") != 0)
        return error_set_errno(error, errno, "chroot");
    return true;
}

bool linux_privilege_drop(uid_t user, pid_t parent, struct error *error)
{
    if (!set_limit(RLIMIT_CORE, 0, error) || !empty_file_system(error))
        return false;
    if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
        setresuid(user, user, user) != 0)
        return error_set_errno(error, errno, "become user %u", (unsigned)user);
    if (!set_limit(RLIMIT_NPROC, 0, error))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return error_set_errno(error, errno, "prctl");
    /* It may have died before the signal was asked for. */
    if (getppid() != parent)
        return error_set(error, "the supervisor is gone");
    return true;
}

/* The bounding set, from which a program that root runs would get them back. */
static bool bound(uint64_t kept, struct error *error)
{
    for (int number = 0; prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++) {
        if (kept >> number & 1 || prctl(PR_CAPBSET_DROP, number, 0, 0, 0) == 0)
            continue;
        /* Without CAP_SETPCAP it stays; no_new_privs keeps programs from gaining by it. */
        if (errno != EPERM)
            return error_set_errno(error, errno, "capability %d", number);
    }
    return true;
}

bool linux_privilege_keep(const int *capabilities, size_t count, struct error *error)
{
    uint64_t kept = 0;
    for (size_t i = 0; i < count; i++)
        kept |= (uint64_t)1 << capabilities[i];
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (!bound(kept, error))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(error, errno, "no_new_privs");
    /* A kernel before 4.3 knows no ambient ones. */
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capget, &header, data) != 0)
        return error_set_errno(error, errno, "capget");
    for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(kept >> 32 * i);
        data[i].effective = data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) != 0)
        return error_set_errno(error, errno, "capset");
    return true;
}

bool linux_privilege_leave_network(struct error *error)
{
    if (unshare(CLONE_NEWNET) != 0)
        return error_set_errno(error, errno, "empty network namespace");
    return true;
}

unsigned linux_privilege_raise_descriptors(unsigned wanted)
{
    struct rlimit limit = {0, 0};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 64;
    struct rlimit raised = {wanted, limit.rlim_max > wanted ? limit.rlim_max : wanted};
    if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return wanted;
    raised = (struct rlimit){limit.rlim_max < wanted ? limit.rlim_max : wanted, limit.rlim_max};
    if (limit.rlim_cur < wanted && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        return (unsigned)raised.rlim_cur;
    return limit.rlim_cur < wanted ? (unsigned)limit.rlim_cur : wanted;
}
