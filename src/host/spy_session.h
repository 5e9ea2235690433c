#ifndef HOST_SPY_SESSION_H
#define HOST_SPY_SESSION_H

#include "host/instance.h"
#include "system/argument_list.h"

/** What the firewall is asked for. */
struct spy_session {
    const struct instance *instance;    /* borrowed; it runs */
    const struct argument_list *viewer; /* borrowed: rootcell-spy with its arguments */
    bool wants_bodies;                  /* bodies of requests and responses, too */
};

/**
 * Run the viewer over what the firewall VM captures, until one of them ends. When the connection
 * breaks while the VM runs it is made again, a few times, and the user is told. Returns the
 * viewer's exit status, or EXIT_STATUS_NOT_RUN when the connection was lost.
 */
int spy_session_run(const struct spy_session *session);

#endif
