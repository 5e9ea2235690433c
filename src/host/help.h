#ifndef HOST_HELP_H
#define HOST_HELP_H

#include "base/buffer.h"
#include "host/command.h"

enum { HELP_BYTES_LIMIT = 64 * 1024 };

/** The text of `rootcell help`. All of these CHECK that `out` has room. */
void help_append_overview(struct buffer *out);
/** The text of `rootcell help COMMAND`. */
void help_append_command(struct buffer *out, const struct command *command);
/** The manual page rootcell(1) in man(7) form. */
void help_append_manual(struct buffer *out);

#endif
