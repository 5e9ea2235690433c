#ifndef SYSTEM_OWN_PROGRAM_H
#define SYSTEM_OWN_PROGRAM_H

#include "base/error.h"

/** The full path of the running program's file, owned by the caller, or NULL. */
char *own_program_path(struct error *error);

/** The folder that the running program's file is in, owned by the caller, or NULL. */
char *own_program_folder(struct error *error);

/** From now on this program gets SIGTERM when the one that started it ends. */
void own_program_end_with_parent(void);

#endif
