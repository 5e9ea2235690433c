#include "system/own_program.h"

#include "base/memory.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

char *own_program_path(struct error *error)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (length < 0) {
        error_set_errno(error, errno, "find the own program");
        return NULL;
    }
    path[length] = '\0';
    return memory_copy_text(path);
}

char *own_program_folder(struct error *error)
{
    char *path = own_program_path(error);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash)
        *slash = '\0';
    return path;
}

void own_program_end_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}
