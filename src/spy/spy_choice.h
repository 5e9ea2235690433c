#ifndef SPY_SPY_CHOICE_H
#define SPY_SPY_CHOICE_H

#include "spy/spy_filter.h"
#include "spy/spy_store.h"

/** Which calls are shown or exported. */
struct spy_choice {
    const char *session;  /* borrowed; how the session's id begins; NULL: any */
    const char *provider; /* borrowed; NULL: any */
    uint64_t since_ms;
    const struct spy_filter *filter; /* borrowed; NULL: all */
};

/** How far a call has to have come before it can be chosen. */
enum spy_filter_need spy_choice_needs(const struct spy_choice *choice);

/** `store` loads the call where the filter wants to see it. */
bool spy_choice_has(const struct spy_choice *choice, struct spy_store *store, uint64_t position);

#endif
