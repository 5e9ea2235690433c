#include "host/command.h"

#include "base/memory.h"
#include "host/instance.h"
#include "host/message.h"
#include "host/ssh_session.h"

#include <stdio.h>

int command_ssh_config(const struct invocation *invocation)
{
    struct home home;
    struct instance instance;
    struct error error;
    if (!home_find(&home, &error) ||
        !instance_read(&instance, &home, invocation->instance, &error)) {
        error_add_context(&error, "ssh-config");
        message_error(&error);
        return EXIT_STATUS_FAILED;
    }
    struct buffer text;
    buffer_init(&text, 64 * 1024);
    ssh_session_append_entry(&text, &instance);
    struct bytes all = buffer_bytes(&text);
    bool is_written = fwrite(all.data, 1, all.length, stdout) == all.length && fflush(stdout) == 0;
    buffer_done(&text);
    instance_done(&instance);
    home_done(&home);
    return is_written ? EXIT_STATUS_OK : EXIT_STATUS_FAILED;
}
