#include "host/command.h"

#include "host/cell.h"
#include "host/message.h"
#include "host/provision.h"

int command_provision(const struct invocation *invocation)
{
    struct home home;
    struct instance instance;
    struct file_lock lock = FILE_LOCK_NONE;
    struct error error;
    bool is_done = home_find(&home, &error) &&
                   instance_lock(&home, invocation->instance, &lock, &error) &&
                   instance_prepare(&instance, &home, invocation->instance, &error) &&
                   cell_ensure_running(&instance, &error) && provision_run(&instance, &error);
    file_lock_release(&lock);
    if (!is_done) {
        error_add_context(&error, "provision");
        message_error(&error);
        return EXIT_STATUS_FAILED;
    }
    message_note("the agent VM is as configured");
    instance_done(&instance);
    home_done(&home);
    return EXIT_STATUS_OK;
}
