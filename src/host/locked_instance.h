#ifndef HOST_LOCKED_INSTANCE_H
#define HOST_LOCKED_INSTANCE_H

#include "host/instance.h"

/** An instance with its lock held, for a command that works on it: the opening they all have. */
struct locked_instance {
    struct home home;
    struct instance instance;
    struct file_lock lock;
};

/** Whether a command makes the instance that it is told, or wants one that is there. */
enum locked_instance_need { LOCKED_INSTANCE_MAKE, LOCKED_INSTANCE_EXISTING };

/** Find the home, take the lock, and prepare the instance. Closed by locked_instance_close. */
bool locked_instance_open(struct locked_instance *locked, const char *name,
                          enum locked_instance_need need, struct error *error);
void locked_instance_close(struct locked_instance *locked);

#endif
