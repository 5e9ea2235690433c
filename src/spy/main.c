#include "spy/spy_options.h"
#include "spy/spy_run.h"
#include "system/wall_clock.h"

#include <fcntl.h>
#include <stdio.h>
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

static int print_usage(void)
{
    struct buffer text;
    buffer_init(&text, 64 * 1024);
    spy_options_append_usage(&text);
    struct bytes bytes = buffer_bytes(&text);
    bool is_written = fwrite(bytes.data, 1, bytes.length, stdout) == bytes.length;
    buffer_done(&text);
    return is_written ? SPY_STATUS_OK : SPY_STATUS_FAILED;
}

int main(int count, char **arguments)
{
    struct spy_options options;
    struct error error;
    open_standard_streams();
    if (count < 1 ||
        !spy_options_parse(arguments + 1, (uint64_t)wall_clock_now_ms(), &options, &error)) {
        fprintf(stderr, "rootcell-spy: %s\n", error.text);
        return SPY_STATUS_USAGE;
    }
    if (options.is_help)
        return print_usage();
    if (options.is_version)
        return puts("rootcell-spy " ROOTCELL_VERSION) < 0 ? SPY_STATUS_FAILED : SPY_STATUS_OK;
    error_set(&error, "failed");
    enum spy_status status = spy_run(&options, &error);
    if (status != SPY_STATUS_OK)
        fprintf(stderr, "rootcell-spy: %s\n", error.text);
    spy_options_done(&options);
    return (int)status;
}
