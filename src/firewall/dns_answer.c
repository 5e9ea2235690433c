#include "firewall/dns_answer.h"

#include <string.h>

static void deny(struct dns_answer *answer, const char *reason)
{
    answer->is_recorded = true;
    answer->decision = AUDIT_DENY;
    answer->reason = bytes_from_text(reason);
}

/* PTR: the one exact name of a pool address; a wildcard's address has no single name. */
static bool write_pointer(const struct address_pool *pool, const struct dns_query *query,
                          uint32_t address, enum dns_transport transport, struct buffer *out,
                          struct dns_answer *answer)
{
    struct host_name name;
    struct bytes key = address_pool_key(pool, address);
    if (key.length > 0 && host_name_parse(key, &name) == HOST_NAME_FINE)
        return dns_message_write_pointer(out, query, transport, key, DNS_ANSWER_TTL);
    if (!address_pool_contains(pool, address))
        deny(answer, "not an address of ours");
    return dns_message_write_denied(out, query, transport, "not an address of the firewall",
                                    DNS_DENIAL_TTL);
}

static bool write_allowed(const struct address_pool *pool, const struct dns_query *query,
                          const struct policy_decision *decision, enum dns_transport transport,
                          struct buffer *out, struct dns_answer *answer)
{
    uint32_t address;
    answer->is_recorded = true;
    answer->decision = AUDIT_ALLOW;
    if (decision->rule)
        answer->rule = bytes_from_text(decision->rule->text);
    switch (query->type) {
    case DNS_TYPE_A:
        if (address_pool_address(pool, decision->pool_key, &address))
            return dns_message_write_address(out, query, transport, address, DNS_ANSWER_TTL);
        deny(answer, "the address pool is full");
        return dns_message_write_error(out, query, DNS_RCODE_SERVER_FAILURE);
    case DNS_TYPE_ANY:
        return dns_message_write_any(out, query, transport, DNS_ANSWER_TTL);
    default:
        return dns_message_write_no_data(out, query, transport, DNS_ANSWER_TTL);
    }
}

static bool write_answer(const struct policy *policy, const struct address_pool *pool,
                         const struct dns_query *query, enum dns_transport transport,
                         struct buffer *out, struct dns_answer *answer)
{
    uint32_t address;
    if (query->type == DNS_TYPE_PTR && dns_query_reverse_address(query, &address))
        return write_pointer(pool, query, address, transport, out, answer);

    struct host_name name;
    struct bytes text = {(const uint8_t *)query->name, query->name_length};
    enum host_name_problem problem = host_name_parse(text, &name);
    if (problem != HOST_NAME_FINE) {
        deny(answer, host_name_problem_text(problem));
        return dns_message_write_denied(out, query, transport, "not a host name", DNS_DENIAL_TTL);
    }
    struct policy_decision decision = policy_decide_dns(policy, &name);
    if (decision.is_allowed)
        return write_allowed(pool, query, &decision, transport, out, answer);
    deny(answer, policy_reason_text(decision.reason));
    return dns_message_write_denied(out, query, transport, "not on the list of this firewall",
                                    DNS_DENIAL_TTL);
}

void dns_answer_make(const struct policy *policy, const struct address_pool *pool,
                     struct bytes message, enum dns_transport transport, struct dns_query *query,
                     struct buffer *out, struct dns_answer *answer)
{
    *answer = (struct dns_answer){.decision = AUDIT_DENY};
    enum dns_verdict verdict = dns_message_parse_query(message, query);
    if (verdict == DNS_IGNORE)
        return;
    answer->name = (struct bytes){(const uint8_t *)query->name, query->name_length};
    bool is_written;
    if (verdict == DNS_ANSWER) {
        dns_type_text(query->type, answer->type, sizeof(answer->type));
        is_written = write_answer(policy, pool, query, transport, out, answer);
    } else {
        deny(answer, "malformed or unsupported query");
        is_written = dns_message_write_error(out, query, dns_verdict_rcode(verdict));
    }
    if (!is_written)
        deny(answer, "the answer has no room");
}
