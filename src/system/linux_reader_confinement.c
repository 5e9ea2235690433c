#include "system/reader_confinement.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "system/linux_landlock.h"
#include "system/linux_seccomp.h"

bool reader_confinement_enter(enum reader_files files, struct error *error)
{
    static const struct linux_seccomp_rule denied[] = {
        {.call = __NR_execve},     {.call = __NR_execveat}, {.call = __NR_socket},
        {.call = __NR_socketpair}, {.call = __NR_connect},
    };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(error, errno, "no new privileges");
    return (files == READER_FILES_KEPT || linux_landlock_enter(LINUX_LANDLOCK_NO_NETWORK, error)) &&
           linux_seccomp_install(LINUX_SECCOMP_DENYLIST, denied, sizeof(denied) / sizeof(denied[0]),
                                 error);
}
