#include "host/command.h"

#include "host/cell.h"
#include "host/locked_instance.h"
#include "host/message.h"
#include "host/provision.h"

int command_provision(const struct invocation *invocation)
{
    struct locked_instance locked;
    struct error error;
    bool is_open =
        locked_instance_open(&locked, invocation->instance, LOCKED_INSTANCE_MAKE, &error);
    bool is_done = is_open && cell_ensure_running(&locked.instance, &error) &&
                   provision_run(&locked.instance, &error);
    if (is_open)
        locked_instance_close(&locked);
    if (is_done)
        message_note("the agent VM is as configured");
    return command_finish(is_done, "provision", &error);
}
