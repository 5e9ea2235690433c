#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/control_client.h"
#include "firewall/options.h"
#include "firewall/supervisor.h"
#include "system/tls_memory.h"

int main(int count, char **arguments)
{
    if (count == 2 && !strcmp(arguments[1], "--help"))
        return fputs(options_usage(), stdout) < 0;
    if (count == 2 && !strcmp(arguments[1], "--version"))
        return puts("rootcell-firewall " ROOTCELL_VERSION) < 0;
    if (count >= 4 && !strcmp(arguments[1], "control"))
        return control_client_run(arguments[2], arguments + 3, (size_t)count - 3);

    struct options options;
    struct error error;
    if (!options_parse(count - 1, arguments + 1, &options, &error)) {
        fprintf(stderr, "rootcell-firewall: %s\n", error.text);
        return SUPERVISOR_EXIT_REFUSED;
    }
    /* nft is run as root: it comes from the system's own folders only. */
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    /* libuv from 1.45 on would set up io_uring, which the roles' filters do not know. */
    setenv("UV_USE_IO_URING", "0", 1);
    /* Without it everything works, with more memory. */
    tls_memory_install();
    return supervisor_run(&options);
}
