#ifndef FIREWALL_RECORD_LIMIT_H
#define FIREWALL_RECORD_LIMIT_H

#include "record/audit_record.h"

/*
 * Keeps a flood of records from becoming a flood of lines, losing no count:
 *
 *  - repeats: of refusals, DNS and link records with the same texts and port, the first five
 *    within ten seconds pass; the rest are counted, and one record with the count follows when
 *    the ten seconds are over;
 *  - rate: over all records of a decision a bucket of tokens; what finds none is counted by kind
 *    and decision, and told once a second.
 *
 * Pure: time is passed in, from a clock that never goes back.
 */
struct record_limit;

enum {
    RECORD_LIMIT_REPEATS = 5,
    RECORD_LIMIT_WINDOW_MS = 10000,
    RECORD_LIMIT_DENY_BURST = 1000, /* records; and so many a second: */
    RECORD_LIMIT_DENY_RATE = 50,
    RECORD_LIMIT_ALLOW_BURST = 5000,
    RECORD_LIMIT_ALLOW_RATE = 500,
    RECORD_LIMIT_ENTRIES = 256, /* different repeats remembered at a time */
    RECORD_LIMIT_PROXY_FACTOR = 1,
    /* The recorder's own limit holds even when the proxy is taken over, and is wide enough never
     * to act while it is not. */
    RECORD_LIMIT_RECORDER_FACTOR = 2
};

/** `factor` multiplies bursts, rates and repeats. */
struct record_limit *record_limit_new(unsigned factor);
void record_limit_free(struct record_limit *limit);

/** May this record pass now? Otherwise it was counted. */
bool record_limit_admit(struct record_limit *limit, const struct audit_record *record,
                        uint64_t now_ms);

/** Something was suppressed and not told yet. */
bool record_limit_has_summary(const struct record_limit *limit);

/**
 * The next summary that is due, with `count` set; its texts are borrowed until the next call.
 * False when none is due. Summaries are not held against the limit.
 */
bool record_limit_next_summary(struct record_limit *limit, uint64_t now_ms,
                               struct audit_record *summary);

#endif
