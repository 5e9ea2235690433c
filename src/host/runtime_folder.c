#include "host/runtime_folder.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "system/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * sun_path holds 107 bytes; the longest name below the folder is ssh's socket of the agent with the
 * 17 bytes that ssh adds while it makes it.
 */
enum { PATH_LIMIT = 107 - 17 - (int)sizeof("/ssh-firewall") };

char *runtime_folder_path(const char *instance_folder)
{
    uint64_t hash = bytes_hash(bytes_from_text(instance_folder));
    const char *session = getenv("XDG_RUNTIME_DIR");
    if (session && *session == '/' && file_is_directory(session) &&
        strlen(session) < PATH_LIMIT / 2)
        return memory_format("%s/rootcell/%016llx", session, (unsigned long long)hash);
    if (geteuid() == 0 && file_is_directory("/run"))
        return memory_format("/run/rootcell/%016llx", (unsigned long long)hash);
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL || *temporary != '/' || strlen(temporary) >= PATH_LIMIT / 2)
        temporary = "/tmp";
    return memory_format("%s/rootcell-%lu/%016llx", temporary, (unsigned long)geteuid(),
                         (unsigned long long)hash);
}

static bool check_one(const char *path, struct error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return error_set_errno(error, errno, "%s", path);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return error_set(error,
                         "%s: not a folder of yours alone (mode 0700); remove it, or set "
                         "XDG_RUNTIME_DIR",
                         path);
    return true;
}

bool runtime_folder_is_ours(const char *path, struct error *error)
{
    CLEANUP_FREE char *above = memory_copy_text(path);
    char *slash = strrchr(above, '/');
    if (slash == NULL || slash == above)
        return error_set(error, "%s: no full path", path);
    *slash = '\0';
    return check_one(above, error) && check_one(path, error);
}

bool runtime_folder_make(const char *path, struct error *error)
{
    if (strlen(path) > PATH_LIMIT)
        return error_set(error, "%s: too long for sockets; set XDG_RUNTIME_DIR to a shorter path",
                         path);
    return file_make_directories(path, 0700, error) && runtime_folder_is_ours(path, error);
}
