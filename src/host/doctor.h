#ifndef HOST_DOCTOR_H
#define HOST_DOCTOR_H

#include "host/instance.h"

/** What a check found. */
enum doctor_verdict {
    DOCTOR_GOOD,
    DOCTOR_NOTE, /* works, with something to know */
    DOCTOR_BAD   /* keeps rootcell from working */
};

const char *doctor_verdict_name(enum doctor_verdict verdict);

/** One finding, texts owned by the list. */
struct doctor_finding {
    enum doctor_verdict verdict;
    char name[32];
    char text[512];
    char remedy[256]; /* the one command or step that mends it; empty when good */
};

enum { DOCTOR_FINDING_LIMIT = 24 };

struct doctor_report {
    struct doctor_finding findings[DOCTOR_FINDING_LIMIT];
    size_t count;
};

/**
 * Look at this host: accelerator, programs, space, images, CA certificates, tools for secrets, and
 * the instance of that name, if there is one.
 */
void doctor_examine(struct doctor_report *report, const struct home *home, const char *name);

#endif
