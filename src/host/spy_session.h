#ifndef HOST_SPY_SESSION_H
#define HOST_SPY_SESSION_H

#include "host/instance.h"
#include "system/argument_list.h"

/** What the firewall is asked for, and who is shown it. */
struct spy_session {
    const struct instance *instance;    /* borrowed; its firewall VM runs */
    const struct argument_list *viewer; /* borrowed: rootcell-spy with its arguments */
    bool wants_bodies;                  /* bodies of requests and responses, too */
};

/**
 * Run the viewer over what the firewall VM captures, until the viewer ends; nothing is left behind
 * in the VM. `*status` is then the viewer's exit status. The error tells of a capture that could
 * not begin, or that ended before the viewer did.
 */
bool spy_session_run(const struct spy_session *session, int *status, struct error *error);

#endif
