#include "host/home.h"

#include "base/memory.h"
#include "system/file.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *default_folder(void)
{
    const char *user_home = getenv("HOME");
    if (user_home == NULL || *user_home != '/') {
        const struct passwd *user = getpwuid(getuid());
        user_home = user ? user->pw_dir : NULL;
    }
    return user_home ? memory_format("%s/.rootcell", user_home) : NULL;
}

/* Full paths only: VMs go on running when the folder that we were started in is gone. */
static char *full_path(const char *path)
{
    char *full = realpath(path, NULL);
    if (full == NULL)
        return memory_copy_text(path);
    return full;
}

bool home_find(struct home *home, struct error *error)
{
    const char *named = getenv("ROOTCELL_HOME");
    CLEANUP_FREE char *wanted = named && *named ? memory_copy_text(named) : default_folder();
    if (wanted == NULL)
        return error_set(error, "find the home folder: HOME is not set; set ROOTCELL_HOME");
    if (!file_make_directories(wanted, 0700, error))
        return false;
    if (access(wanted, R_OK | W_OK | X_OK) != 0)
        return error_set_errno(error, errno, "%s", wanted);
    const char *data = getenv("ROOTCELL_DATA");
    home->folder = full_path(wanted);
    home->data = full_path(data && *data ? data : ROOTCELL_SOURCE_DATA);
    return true;
}

void home_done(struct home *home)
{
    free(home->folder);
    free(home->data);
    *home = (struct home){0};
}

char *home_checkout(const struct home *home)
{
    static const char ending[] = "/.rootcell";
    size_t length = strlen(home->folder), ending_length = strlen(ending);
    if (length <= ending_length || strcmp(home->folder + length - ending_length, ending) != 0)
        return NULL;
    CLEANUP_FREE char *parent = memory_copy_text(home->folder);
    parent[length - ending_length] = '\0';
    CLEANUP_FREE char *script = memory_format("%s/rootcell", parent);
    CLEANUP_FREE char *data = memory_format("%s/data/policy", parent);
    if (!file_exists(script) || !file_is_directory(data))
        return NULL;
    return memory_copy_text(parent);
}
