#ifndef TESTS_LIMITS_LIMIT_TABLE_H
#define TESTS_LIMITS_LIMIT_TABLE_H

/** One buffer, queue, rate or timeout of the firewall. Text is static. */
struct limit {
    const char *name; /* of the constant; NULL: a heading, which `bound` says */
    long long value;  /* of the constant itself */
    const char *unit;
    const char *bound; /* what happens there */
    const char *test;  /* the function that reaches it; NULL: none yet */
};

extern const struct limit limit_table[];
extern const int limit_table_count;

#endif
