#ifndef HOST_MESSAGE_H
#define HOST_MESSAGE_H

#include "base/error.h"

/*
 * What the program says of itself, on standard error, one line each, beginning with `rootcell: `.
 * Standard output is for what was asked for.
 */

/** `rootcell: what failed: why; what to do` */
void message_error(const struct error *error);
void message_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
