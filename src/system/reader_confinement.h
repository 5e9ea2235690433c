#ifndef SYSTEM_READER_CONFINEMENT_H
#define SYSTEM_READER_CONFINEMENT_H

#include "base/error.h"

enum reader_files {
    READER_FILES_NONE, /* what is open is all there is */
    READER_FILES_KEPT, /* the user may ask for more */
};

/**
 * For a program that has opened all that it needs and goes on to read what strangers wrote: no
 * privileges from programs, no programs at all, no sockets, and, as far as the kernel has it, no
 * file systems unless they are kept; for good. Descriptors that are open stay usable.
 */
bool reader_confinement_enter(enum reader_files files, struct error *error);

#endif
