#ifndef SYSTEM_PROCESS_IDENTITY_H
#define SYSTEM_PROCESS_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROCESS_IDENTITY_SIZE = 96, BOOT_IDENTITY_SIZE = 64 };

/**
 * A word that tells this process from any other that ever has its number, over reboots of the
 * machine too. False when there is no such process; one that has ended and was not waited for is
 * none.
 */
bool process_identity_read(pid_t process, char identity[PROCESS_IDENTITY_SIZE]);

/** A word that is another one after each boot of this machine. */
bool boot_identity_read(char identity[BOOT_IDENTITY_SIZE]);

#endif
