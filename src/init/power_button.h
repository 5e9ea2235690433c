#ifndef INIT_POWER_BUTTON_H
#define INIT_POWER_BUTTON_H

#include "base/error.h"

/**
 * The host asks a machine to power off by its ACPI power button. The kernel's `button` module tells
 * of it over generic netlink (family acpi_event, include/uapi/linux/netlink.h and
 * drivers/acpi/event.c), so neither udev nor an input device is needed.
 */

/** A non-blocking netlink socket that turns readable for each ACPI event, or -1. */
int power_button_open(struct error *error);

/** Read the events that are there. True when one of them is the power button. */
bool power_button_is_pressed(int fd);

/** `rootcell-init power-button PROGRAM ARG...`: wait for the button, then become the program. */
int power_button_run(int count, char *const *arguments);

#endif
