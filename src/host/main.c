#include "host/command_line.h"
#include "host/message.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct error error;
    if (argc < 1 ||
        !command_line_parse(argv + 1, getenv("ROOTCELL_INSTANCE"), &invocation, &error)) {
        message_error(&error);
        return EXIT_STATUS_USAGE;
    }
    int status = invocation.command->run(&invocation);
    invocation_done(&invocation);
    return status;
}
