#ifndef HOST_QEMU_ARGUMENTS_H
#define HOST_QEMU_ARGUMENTS_H

#include "host/vm_plan.h"
#include "system/argument_list.h"

/** Append the command line of QEMU (7.2 or later) that runs the plan. Pure. */
void qemu_arguments_append(struct argument_list *list, const struct vm_plan *plan);

/**
 * The same machine reduced to a kernel that writes to standard output: what the accelerator is
 * tried with.
 */
void qemu_arguments_append_trial(struct argument_list *list, const struct vm_plan *plan);

#endif
