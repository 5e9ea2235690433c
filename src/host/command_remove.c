#include "host/command.h"

#include "base/memory.h"
#include "host/cell.h"
#include "host/machine_image.h"
#include "system/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool confirm(const char *name, struct error *error)
{
    char answer[16] = "";
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return error_set(error, "not confirmed: there is no terminal to ask at; give --yes");
    fprintf(stderr, "rootcell: delete instance \"%s\", its disk, keys and policy included? [y/N] ",
            name);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return true;
    return error_set(error, "not confirmed; nothing was deleted");
}

/* The name goes first, in one step: an instance is there or not, never half. */
static bool delete_folder(const struct home *home, const char *name, struct error *error)
{
    CLEANUP_FREE char *folder = memory_format("%s/instances/%s", home->folder, name);
    CLEANUP_FREE char *removing =
        memory_format("%s/instances/.removing-%s-%ld", home->folder, name, (long)getpid());
    if (rename(folder, removing) != 0)
        return error_set_errno(error, errno, "%s", folder);
    return file_remove_tree(removing, error);
}

static bool remove_instance(const struct home *home, const char *name, struct error *error)
{
    struct instance instance;
    bool was_running;
    if (!instance_prepare(&instance, home, name, error))
        return false;
    bool is_removed = cell_stop(&instance, &was_running, error) &&
                      file_remove_tree(instance.runtime, error) && delete_folder(home, name, error);
    instance_done(&instance);
    return is_removed;
}

int command_remove(const struct invocation *invocation)
{
    struct home home;
    struct file_lock lock = FILE_LOCK_NONE;
    struct error error;
    const char *name = invocation->instance;
    if (!home_find(&home, &error))
        return command_finish(false, "remove", &error);
    /* Nobody waits for the lock while a person thinks about the question. */
    bool is_done = instance_require(&home, name, &error) &&
                   (invocation_has(invocation, "yes") || confirm(name, &error)) &&
                   instance_lock(&home, name, &lock, &error) &&
                   remove_instance(&home, name, &error);
    if (is_done)
        machine_image_drop_unused(&home);
    file_lock_release(&lock);
    home_done(&home);
    return command_finish(is_done, "remove", &error);
}
