#ifndef FIREWALL_DNS_ANSWER_H
#define FIREWALL_DNS_ANSWER_H

#include "base/buffer.h"
#include "policy/address_pool.h"
#include "policy/policy.h"
#include "record/audit_record.h"
#include "wire/dns_message.h"

/** Time to live in seconds. A denial is forgotten soon: the user may have allowed the name. */
enum { DNS_ANSWER_TTL = 60, DNS_DENIAL_TTL = 5 };

/** What is to be recorded about a query. Texts are borrowed from `query` and the policy. */
struct dns_answer {
    bool is_recorded;
    enum audit_decision decision;
    struct bytes name;
    struct bytes rule;
    struct bytes reason;
    char type[16];
};

/**
 * Append the answer to one message, or nothing when it is to be ignored. Pure: the names and
 * addresses are the policy's and the pool's alone. `query` is scratch memory of the caller.
 */
void dns_answer_make(const struct policy *policy, const struct address_pool *pool,
                     struct bytes message, enum dns_transport transport, struct dns_query *query,
                     struct buffer *out, struct dns_answer *answer);

#endif
