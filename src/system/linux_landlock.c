#include "system/linux_landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The interface as the kernel documents it (Documentation/userspace-api/landlock.rst). Headers of
 * the C library are older than the kernels that this runs on, so it stands here in numbers.
 */
enum {
    CALL_CREATE_RULESET = 444, /* the same on every architecture */
    CALL_RESTRICT_SELF = 446,
    FLAG_VERSION = 1 << 0,
    NETWORK_BIND_TCP = 1 << 0,
    NETWORK_CONNECT_TCP = 1 << 1,
    SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,
    SCOPE_SIGNAL = 1 << 1,
    VERSION_NETWORK = 4,
    VERSION_SCOPE = 6,
};

struct ruleset {
    uint64_t handled_access_files;
    uint64_t handled_access_network;
    uint64_t scoped;
};

/* Rights on files, lowest bit first: how many of them each version knows. */
static uint64_t file_rights(int version)
{
    static const unsigned counts[] = {0, 13, 14, 15, 15, 16};
    int last = (int)(sizeof(counts) / sizeof(counts[0])) - 1;
    return ((uint64_t)1 << counts[version < last ? version : last]) - 1;
}

static size_t ruleset_size(int version)
{
    if (version >= VERSION_SCOPE)
        return sizeof(struct ruleset);
    return version >= VERSION_NETWORK ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
}

int linux_landlock_version(void)
{
    long version = syscall(CALL_CREATE_RULESET, NULL, (size_t)0, FLAG_VERSION);
    return version > 0 ? (int)version : 0;
}

bool linux_landlock_enter(enum linux_landlock_network network, struct error *error)
{
    int version = linux_landlock_version();
    if (version == 0)
        return errno == ENOSYS || errno == EOPNOTSUPP || error_set_errno(error, errno, "Landlock");
    struct ruleset ruleset = {.handled_access_files = file_rights(version)};
    if (version >= VERSION_NETWORK)
        ruleset.handled_access_network =
            NETWORK_BIND_TCP | (network == LINUX_LANDLOCK_NO_NETWORK ? NETWORK_CONNECT_TCP : 0);
    if (version >= VERSION_SCOPE)
        ruleset.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    long descriptor = syscall(CALL_CREATE_RULESET, &ruleset, ruleset_size(version), 0);
    if (descriptor < 0)
        return error_set_errno(error, errno, "Landlock");
    bool is_good = syscall(CALL_RESTRICT_SELF, (int)descriptor, 0) == 0 ||
                   error_set_errno(error, errno, "Landlock");
    close((int)descriptor);
    return is_good;
}
