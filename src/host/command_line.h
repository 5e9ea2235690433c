#ifndef HOST_COMMAND_LINE_H
#define HOST_COMMAND_LINE_H

#include "base/error.h"
#include "host/command.h"

/**
 * Read a command line (without the program's name). `environment_instance` is the value of
 * ROOTCELL_INSTANCE or NULL; an option wins over it.
 *
 * `-i NAME`, `--instance NAME` and `--instance=NAME` go before or after a command of ours. What
 * follows a program for the VM, or `--`, is passed to it as it is. `--help` after a command of ours
 * is `help COMMAND`. False with the reason for anything else; the caller owns `*invocation`
 * otherwise.
 */
bool command_line_parse(char *const *arguments, const char *environment_instance,
                        struct invocation *invocation, struct error *error);

#endif
