#ifndef HOST_SELFTEST_H
#define HOST_SELFTEST_H

#include "base/bytes.h"

#include <stdbool.h>

/** The attacks that `rootcell selftest` runs from inside the agent VM (data/selftest). */

enum selftest_verdict {
    SELFTEST_MISSING, /* the VM said nothing about it */
    SELFTEST_HELD,
    SELFTEST_FAILED,
    SELFTEST_UNTRIED, /* the policy gives nothing to try it with */
    SELFTEST_VERDICT_COUNT
};

/** "held", "FAILED", ... */
const char *selftest_verdict_name(enum selftest_verdict verdict);

enum { SELFTEST_SEEN_SIZE = 200, SELFTEST_ATTACK_LIMIT = 32 };

struct selftest_attack {
    const char *row; /* of docs/attacks.md; "control" is no attack */
    const char *text;
    const char *expected;
};

/** The rows in the order of the table; the last has a NULL row. */
extern const struct selftest_attack selftest_attacks[];

/** What came of each, by index in selftest_attacks. */
struct selftest_report {
    enum selftest_verdict verdicts[SELFTEST_ATTACK_LIMIT];
    char seen[SELFTEST_ATTACK_LIMIT][SELFTEST_SEEN_SIZE]; /* printable */
};

/** The program for python3 in the VM. */
struct bytes selftest_script(void);

/**
 * Read the VM's lines, `ROW TAB VERDICT TAB SEEN`. What is not such a line, or names no row of
 * ours, is passed over: its row stays missing. A row that is told twice has failed.
 */
void selftest_read(struct bytes output, struct selftest_report *report);

/** Nothing failed and nothing is missing. */
bool selftest_is_held(const struct selftest_report *report);

#endif
