#include "host/command.h"

#include "host/instance.h"
#include "host/ssh_session.h"

#include <stdio.h>

enum { ENTRY_CAP = 64 * 1024 };

static bool print_entry(const struct instance *instance, struct error *error)
{
    struct buffer text;
    buffer_init(&text, ENTRY_CAP);
    ssh_session_append_entry(&text, instance);
    struct bytes all = buffer_bytes(&text);
    bool is_written = fwrite(all.data, 1, all.length, stdout) == all.length && fflush(stdout) == 0;
    buffer_done(&text);
    return is_written || error_set(error, "standard output cannot be written");
}

int command_ssh_config(const struct invocation *invocation)
{
    struct home home;
    struct instance instance = {0};
    struct error error;
    if (!home_find(&home, &error))
        return command_finish(false, "ssh-config", &error);
    bool is_done = instance_read(&instance, &home, invocation->instance, &error) &&
                   print_entry(&instance, &error);
    instance_done(&instance);
    home_done(&home);
    return command_finish(is_done, "ssh-config", &error);
}
