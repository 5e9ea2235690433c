#include "host/command.h"

#include "host/cell.h"
#include "host/message.h"
#include "host/ssh_enter.h"

/* The way of nearly every call: all is up, nothing is locked, nothing is written. */
static bool is_ready(struct instance *instance, const struct home *home, const char *name)
{
    struct error ignored;
    if (!instance_read(instance, home, name, &ignored))
        return false;
    if (cell_is_ready(instance))
        return true;
    instance_done(instance);
    return false;
}

static bool make_ready(struct instance *instance, const struct home *home, const char *name,
                       struct error *error)
{
    struct file_lock lock = FILE_LOCK_NONE;
    if (!instance_lock(home, name, &lock, error))
        return false;
    bool is_prepared = instance_prepare(instance, home, name, error);
    bool is_running = is_prepared && cell_ensure_running(instance, error);
    if (is_prepared && !is_running)
        instance_done(instance);
    file_lock_release(&lock);
    return is_running;
}

int command_enter_run(const struct invocation *invocation)
{
    struct home home;
    struct instance instance;
    struct error error;
    if (!home_find(&home, &error) ||
        (!is_ready(&instance, &home, invocation->instance) &&
         !make_ready(&instance, &home, invocation->instance, &error))) {
        message_error(&error);
        return EXIT_STATUS_NOT_RUN;
    }
    int status = ssh_enter_run(&instance, &invocation->operands);
    instance_done(&instance);
    home_done(&home);
    return status;
}
