#ifndef INIT_FIREWALL_MACHINE_H
#define INIT_FIREWALL_MACHINE_H

#include "record/boot_config.h"

/**
 * PID 1 of the firewall VM: sets the machine up, runs rootcell-firewall and the control door, and
 * reaps children, until it is asked to end. Returns the command for reboot(2), or -1 with the
 * error when the machine could not be set up.
 */
int firewall_machine_run(const struct boot_config *config, struct error *error);

#endif
