#ifndef SPY_SPY_RUN_H
#define SPY_SPY_RUN_H

#include "spy/spy_options.h"

/** How rootcell-spy ends. */
enum spy_status {
    SPY_STATUS_OK = 0,
    SPY_STATUS_FAILED = 1, /* one line on standard error says why */
    SPY_STATUS_USAGE = 2,
};

/** Open what the user named, give up all else, and show or export it. */
enum spy_status spy_run(const struct spy_options *options, struct error *error);

#endif
