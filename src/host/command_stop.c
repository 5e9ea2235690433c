#include "host/command.h"

#include "host/cell.h"
#include "host/locked_instance.h"
#include "host/message.h"
#include "system/file.h"

int command_stop(const struct invocation *invocation)
{
    struct locked_instance locked;
    struct error error;
    bool was_running = false;
    bool is_open =
        locked_instance_open(&locked, invocation->instance, LOCKED_INSTANCE_EXISTING, &error);
    bool is_done = is_open && cell_stop(&locked.instance, &was_running, &error) &&
                   file_remove_tree(locked.instance.runtime, &error);
    if (is_open)
        locked_instance_close(&locked);
    if (is_done && !was_running)
        message_note("instance \"%s\" does not run", invocation->instance);
    return command_finish(is_done, "stop", &error);
}
