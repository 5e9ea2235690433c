#ifndef HOST_HOME_H
#define HOST_HOME_H

#include "base/error.h"

/** Where rootcell keeps what it makes, and where the files that come with it are. */
struct home {
    char *folder; /* owned; full path, exists */
    char *data;   /* owned; full path */
};

/**
 * ROOTCELL_HOME or ~/.rootcell, made when missing; ROOTCELL_DATA or the data folder of the source
 * tree. The caller owns `*home` on success.
 */
bool home_find(struct home *home, struct error *error);
void home_done(struct home *home);

/** The checkout whose .rootcell folder the home is, owned by the caller, or NULL. */
char *home_checkout(const struct home *home);

#endif
