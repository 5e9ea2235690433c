#include "host/command.h"

#include "host/cell.h"
#include "host/message.h"
#include "system/file.h"

int command_stop(const struct invocation *invocation)
{
    struct home home;
    struct instance instance;
    struct file_lock lock = FILE_LOCK_NONE;
    struct error error;
    bool was_running = false;
    bool is_done = home_find(&home, &error);
    if (is_done && !instance_exists(&home, invocation->instance))
        is_done = error_set(&error, "instance \"%s\": there is none; `rootcell list` shows all",
                            invocation->instance);
    is_done = is_done && instance_lock(&home, invocation->instance, &lock, &error) &&
              instance_prepare(&instance, &home, invocation->instance, &error) &&
              cell_stop(&instance, &was_running, &error) &&
              file_remove_tree(instance.runtime, &error);
    file_lock_release(&lock);
    if (!is_done) {
        error_add_context(&error, "stop");
        message_error(&error);
        return EXIT_STATUS_FAILED;
    }
    if (!was_running)
        message_note("instance \"%s\" does not run", invocation->instance);
    instance_done(&instance);
    home_done(&home);
    return EXIT_STATUS_OK;
}
