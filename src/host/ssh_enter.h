#ifndef HOST_SSH_ENTER_H
#define HOST_SSH_ENTER_H

#include "host/instance.h"
#include "system/argument_list.h"

/**
 * Hand the terminal and streams over to a program in the agent VM, or to a login shell when
 * `arguments` is empty, and wait for its end. Signals that we get are passed on to it, and both
 * guests' clocks are set when they are off. Returns the exit status of `rootcell`.
 */
int ssh_enter_run(const struct instance *instance, const struct argument_list *arguments);

#endif
