#include "host/locked_instance.h"

bool locked_instance_open(struct locked_instance *locked, const char *name,
                          enum locked_instance_need need, struct error *error)
{
    *locked = (struct locked_instance){.lock = FILE_LOCK_NONE};
    if (!home_find(&locked->home, error))
        return false;
    bool is_open = (need == LOCKED_INSTANCE_MAKE || instance_require(&locked->home, name, error)) &&
                   instance_lock(&locked->home, name, &locked->lock, error) &&
                   instance_prepare(&locked->instance, &locked->home, name, error);
    if (!is_open)
        locked_instance_close(locked);
    return is_open;
}

void locked_instance_close(struct locked_instance *locked)
{
    file_lock_release(&locked->lock);
    instance_done(&locked->instance);
    home_done(&locked->home);
}
