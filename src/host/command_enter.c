#include "host/command.h"

#include "host/message.h"
#include "host/running_instance.h"
#include "host/ssh_enter.h"

int command_enter_run(const struct invocation *invocation)
{
    struct home home;
    struct instance instance;
    struct error error;
    if (!home_find(&home, &error) ||
        !running_instance_open(&instance, &home, invocation->instance, &error)) {
        message_error(&error);
        return EXIT_STATUS_NOT_RUN;
    }
    int status = ssh_enter_run(&instance, &invocation->operands);
    instance_done(&instance);
    home_done(&home);
    return status;
}
