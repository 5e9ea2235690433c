#include "host/running_instance.h"

#include "host/cell.h"

/* The way of nearly every call. */
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

bool running_instance_open(struct instance *instance, const struct home *home, const char *name,
                           struct error *error)
{
    return is_ready(instance, home, name) || make_ready(instance, home, name, error);
}
