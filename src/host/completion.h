#ifndef HOST_COMPLETION_H
#define HOST_COMPLETION_H

#include "base/buffer.h"

/**
 * The completion script of a shell ("bash", "zsh" or "fish"; CHECK), made from the command table.
 * Instance names are asked of `rootcell list` when they are needed.
 */
void completion_append(struct buffer *out, const char *shell);

#endif
