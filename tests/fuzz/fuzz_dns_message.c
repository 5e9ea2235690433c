#include "fuzz.h"

#include "wire/dns_message.h"

#include <string.h>

/* A message of ours is an answer to the query, in the query's limits. */
static void check_answer(struct buffer *out, const struct dns_query *query, bool is_written)
{
    CHECK(is_written);
    struct bytes message = buffer_bytes(out);
    CHECK(message.length >= 12 && message.length <= query->udp_bytes);
    CHECK((message.data[0] << 8 | message.data[1]) == query->id);
    struct dns_query ours;
    CHECK(dns_message_parse_query(message, &ours) == DNS_IGNORE);
    if (query->question.length)
        CHECK(bytes_equal(bytes_first(bytes_from(message, 12), query->question.length),
                          query->question));
    buffer_clear(out);
}

static void check_answers(const struct dns_query *query)
{
    struct buffer out;
    uint32_t address = 0;
    buffer_init(&out, DNS_MESSAGE_BYTES_MAX);
    enum dns_transport udp = DNS_OVER_UDP;
    check_answer(&out, query, dns_message_write_address(&out, query, udp, 0xc6120001, 60));
    check_answer(&out, query,
                 dns_message_write_pointer(&out, query, udp, BYTES_LITERAL("a.example.com"), 60));
    check_answer(&out, query, dns_message_write_any(&out, query, udp, 60));
    check_answer(&out, query, dns_message_write_no_data(&out, query, udp, 5));
    check_answer(&out, query, dns_message_write_denied(&out, query, udp, "no rule", 5));
    check_answer(&out, query, dns_message_write_truncated(&out, query));
    dns_query_reverse_address(query, &address);
    buffer_done(&out);
    for (size_t cap = 0; cap < 64; cap += 7) {
        buffer_init(&out, cap);
        if (!dns_message_write_denied(&out, query, DNS_OVER_TCP, "no rule", 5))
            CHECK(buffer_length(&out) == 0);
        buffer_done(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_query query;
    enum dns_verdict verdict = dns_message_parse_query((struct bytes){data, size}, &query);
    CHECK(strlen(query.name) == query.name_length);
    for (size_t i = 0; i < query.name_length; i++)
        CHECK(query.name[i] > ' ' && query.name[i] < 0x7f);
    if (verdict == DNS_IGNORE)
        return 0;
    if (verdict == DNS_ANSWER) {
        check_answers(&query);
        return 0;
    }
    struct buffer out;
    buffer_init(&out, DNS_MESSAGE_BYTES_MAX);
    check_answer(&out, &query, dns_message_write_error(&out, &query, dns_verdict_rcode(verdict)));
    buffer_done(&out);
    return 0;
}
