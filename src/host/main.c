#include "host/command_line.h"
#include "host/message.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A file that gets the number of a stream that was closed would be written to by accident. */
static void open_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            abort();
    }
}

int main(int argc, char **argv)
{
    struct invocation invocation;
    struct error error;
    open_standard_streams();
    if (argc < 1 ||
        !command_line_parse(argv + 1, getenv("ROOTCELL_INSTANCE"), &invocation, &error)) {
        message_error(&error);
        return EXIT_STATUS_USAGE;
    }
    int status = invocation.command->run(&invocation);
    invocation_done(&invocation);
    return status;
}
