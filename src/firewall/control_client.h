#ifndef FIREWALL_CONTROL_CLIENT_H
#define FIREWALL_CONTROL_CLIENT_H

#include <stddef.h>

/**
 * `rootcell-firewall control SOCKET REQUEST`: send the word and all of standard input, print the
 * answer. Returns the exit status: 0 when the answer is ok, 1 when it is not, 2 when there is
 * none.
 *
 * `capture` has its options as further words, reads no input, and copies what comes until either
 * side ends: {"ok":true} and events, each a line of JSON. It ends with 0 when nobody reads them any
 * more, and with 2 when it was the firewall that ended. With `attended` as the last word it ends
 * with standard input, too: an SSH server may keep our output open when its client is gone.
 */
int control_client_run(const char *path, char *const *words, size_t count);

#endif
