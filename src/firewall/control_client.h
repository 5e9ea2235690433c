#ifndef FIREWALL_CONTROL_CLIENT_H
#define FIREWALL_CONTROL_CLIENT_H

/**
 * `rootcell-firewall control SOCKET REQUEST`: send the word and all of standard input, print the
 * answer. Returns the exit status: 0 when the answer is ok, 1 when it is not, 2 when there is
 * none.
 */
int control_client_run(const char *path, const char *request);

#endif
