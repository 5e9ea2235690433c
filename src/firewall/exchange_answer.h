#ifndef FIREWALL_EXCHANGE_ANSWER_H
#define FIREWALL_EXCHANGE_ANSWER_H

#include "base/buffer.h"
#include "policy/host_name.h"
#include "wire/http_head.h"

/*
 * The answers that the wall itself gives: a small JSON body that says what happened and what the
 * user can do. Everything that came from the agent is escaped.
 */

enum { EXCHANGE_ANSWER_MAX = 8 * 1024 };

struct exchange_answer {
    uint16_t status;
    const char *error;            /* "denied", "upstream failed", "bad request" */
    const char *reason;           /* a clause */
    const char *detail;           /* NULL or more about it */
    const struct host_name *name; /* of the connection */
    uint16_t port;
    struct bytes method; /* empty: unknown */
    struct bytes path;   /* empty: unknown */
    bool is_allowable;   /* a rule would let it pass: say how to add one */
};

/** The head (initialised, kind response) and the body of an answer. */
void exchange_answer_write(const struct exchange_answer *answer, struct http_head *head,
                           struct buffer *body);

#endif
