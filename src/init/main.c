/*
 * rootcell-init: process 1 of both VMs, and a few helpers under the same name inside them.
 */

#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "init/agent_machine.h"
#include "init/firewall_machine.h"
#include "init/guest_file.h"
#include "init/machine_clock.h"
#include "init/module_list.h"
#include "init/mount_table.h"
#include "init/power_button.h"
#include "init/session.h"
#include "system/file.h"

struct helper {
    const char *name;
    int (*run)(int count, char *const *arguments);
};

static const struct helper helpers[] = {
    {"set-clock", machine_clock_run},
    {"power-button", power_button_run},
    {"session", session_run},
    {"session-signal", session_signal_run},
};

static bool read_config(struct boot_config *config, struct error *error)
{
    struct buffer text;
    buffer_init(&text, BOOT_CONFIG_BYTES_LIMIT);
    bool is_good = file_read("/rootcell/boot.json", &text, error) &&
                   boot_config_parse(buffer_bytes(&text), config, error);
    buffer_done(&text);
    return is_good || error_add_context(error, "boot configuration");
}

/* Returns the command for reboot(2) once the machine is to end, -1 when it could not start. */
static int run_machine(struct error *error)
{
    struct boot_config *config = memory_new(sizeof(*config));
    bool was_set;
    if (!mount_table_mount_kernel(error) || !module_list_load("/modules/list", error) ||
        !read_config(config, error))
        return -1;
    struct error clock_error;
    if (config->time_seconds != 0 &&
        !machine_clock_correct(config->time_seconds, &was_set, &clock_error))
        fprintf(stderr, "rootcell-init: %s\n", clock_error.text);
    if (config->role == BOOT_ROLE_FIREWALL)
        return firewall_machine_run(config, error);
    agent_machine_run(config, error);
    return -1;
}

static int run_as_first_process(void)
{
    struct error error = {"no reason given"};
    /* Written as soon as the kernel has come this far: the accelerator is probed by this line. */
    fprintf(stderr, "%s\n", BOOT_CONFIG_STARTED_LINE);
    umask(022);
    int command = run_machine(&error);
    if (command < 0)
        fprintf(stderr, "rootcell-init: %s\n", error.text);
    sync();
    reboot(command < 0 ? RB_POWER_OFF : command);
    /* Process 1 may not return; the kernel panics and the VM ends. */
    return 1;
}

int main(int count, char **arguments)
{
    if (getpid() == 1)
        return run_as_first_process();
    for (size_t i = 0; count > 1 && i < sizeof(helpers) / sizeof(helpers[0]); i++) {
        if (strcmp(arguments[1], helpers[i].name) == 0)
            return helpers[i].run(count - 2, arguments + 2);
    }
    fprintf(stderr, "usage: rootcell-init set-clock SECONDS | power-button PROGRAM ARG...\n");
    return 2;
}
