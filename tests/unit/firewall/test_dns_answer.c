#include "test.h"

#include <stdio.h>

#include "firewall/dns_answer.h"
#include "firewall/policy_bundle.h"

struct wall {
    struct policy *policy;
    struct address_pool *pool;
    struct dns_query query;
    struct buffer out;
    struct dns_answer answer;
};

static void wall_init(struct wall *wall)
{
    struct buffer bundle;
    struct error error;
    buffer_init(&bundle, 4096);
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("https"),
                                     BYTES_LITERAL("api.example.com\n*.wild.example.org\n")));
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("ssh"), BYTES_EMPTY));
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("dns"), BYTES_EMPTY));
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &wall->policy, &error));
    buffer_done(&bundle);
    wall->pool = address_pool_new(0xc6120000, 15);
    size_t count;
    const struct bytes *keys = policy_pool_keys(wall->policy, &count);
    assert_int_equal(address_pool_update(wall->pool, keys, count, 1), 0);
    buffer_init(&wall->out, 4096);
}

static void wall_done(struct wall *wall)
{
    buffer_done(&wall->out);
    address_pool_free(wall->pool);
    policy_free(wall->policy);
}

/* Ask; returns the answer's rcode, and the number of answer records. */
static unsigned ask(struct wall *wall, const char *name, uint16_t type, unsigned *answer_count)
{
    struct buffer query;
    buffer_init(&query, 512);
    static const uint8_t head[] = {0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    assert_true(buffer_append(&query, (struct bytes){head, sizeof(head)}));
    struct bytes rest = bytes_from_text(name), label;
    while (bytes_next_token(&rest, '.', &label))
        assert_true(buffer_append_byte(&query, (uint8_t)label.length) &&
                    buffer_append(&query, label));
    assert_true(buffer_append_byte(&query, 0) && buffer_append_u16(&query, type) &&
                buffer_append_u16(&query, 1));
    buffer_clear(&wall->out);
    dns_answer_make(wall->policy, wall->pool, buffer_bytes(&query), DNS_OVER_UDP, &wall->query,
                    &wall->out, &wall->answer);
    buffer_done(&query);
    struct reader reader = reader_over(buffer_bytes(&wall->out));
    reader_take(&reader, 2);
    uint16_t flags = reader_u16(&reader);
    reader_u16(&reader);
    *answer_count = reader_u16(&reader);
    assert_false(reader_is_failed(&reader));
    return flags & 15;
}

static void denies_names_off_the_list_and_records_why(void **state)
{
    struct wall wall;
    unsigned count;
    wall_init(&wall);
    static const char *const names[] = {"example.com", "evil.example.net", "wild.example.org",
                                        "a.b.wild.example.org", "api.example.com.evil.net"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(ask(&wall, names[i], DNS_TYPE_A, &count), DNS_RCODE_NAME_ERROR);
        assert_int_equal(count, 0);
        assert_true(wall.answer.is_recorded);
        assert_int_equal(wall.answer.decision, AUDIT_DENY);
        assert_bytes(wall.answer.name, names[i]);
        /* The SOA's minimum ends the message: a cache forgets the denial in seconds. */
        assert_true(bytes_end_with(buffer_bytes(&wall.out), BYTES_LITERAL("\0\0\0\5")));
    }
    wall_done(&wall);
}

static void denies_names_that_are_no_host_names(void **state)
{
    struct wall wall;
    unsigned count;
    wall_init(&wall);
    assert_int_equal(ask(&wall, "a b.wild.example.org", DNS_TYPE_A, &count), DNS_RCODE_NAME_ERROR);
    assert_int_equal(ask(&wall, "api_.example.com", DNS_TYPE_A, &count), DNS_RCODE_NAME_ERROR);
    wall_done(&wall);
}

static void answers_an_allowed_name_with_its_pool_address_only(void **state)
{
    struct wall wall;
    unsigned count;
    uint32_t address;
    wall_init(&wall);
    assert_int_equal(ask(&wall, "API.Example.com", DNS_TYPE_A, &count), DNS_RCODE_NO_ERROR);
    assert_int_equal(count, 1);
    assert_int_equal(wall.answer.decision, AUDIT_ALLOW);
    assert_true(address_pool_address(wall.pool, BYTES_LITERAL("api.example.com"), &address));
    struct bytes out = buffer_bytes(&wall.out);
    struct reader reader = reader_over(bytes_from(out, out.length - 4));
    assert_int_equal(reader_u32(&reader), address);
    wall_done(&wall);
}

static void gives_no_data_for_every_other_type(void **state)
{
    static const uint16_t types[] = {DNS_TYPE_AAAA, DNS_TYPE_TXT, DNS_TYPE_HTTPS, DNS_TYPE_SVCB,
                                     DNS_TYPE_MX,   DNS_TYPE_SRV, DNS_TYPE_CNAME, 4711};
    struct wall wall;
    unsigned count;
    wall_init(&wall);
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        assert_int_equal(ask(&wall, "x.wild.example.org", types[i], &count), DNS_RCODE_NO_ERROR);
        assert_int_equal(count, 0);
    }
    wall_done(&wall);
}

static void names_the_pool_address_of_an_exact_name_in_reverse(void **state)
{
    struct wall wall;
    unsigned count;
    uint32_t address;
    char name[64];
    wall_init(&wall);
    assert_int_equal(ask(&wall, "8.8.8.8.in-addr.arpa", DNS_TYPE_PTR, &count),
                     DNS_RCODE_NAME_ERROR);
    assert_true(address_pool_address(wall.pool, BYTES_LITERAL("api.example.com"), &address));
    snprintf(name, sizeof(name), "%u.%u.%u.%u.in-addr.arpa", address & 255, address >> 8 & 255,
             address >> 16 & 255, address >> 24);
    assert_int_equal(ask(&wall, name, DNS_TYPE_PTR, &count), DNS_RCODE_NO_ERROR);
    assert_int_equal(count, 1);
    wall_done(&wall);
}

static void ignores_what_is_no_query(void **state)
{
    struct wall wall;
    wall_init(&wall);
    static const uint8_t response[] = {0x12, 0x34, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    dns_answer_make(wall.policy, wall.pool, (struct bytes){response, sizeof(response)},
                    DNS_OVER_UDP, &wall.query, &wall.out, &wall.answer);
    assert_int_equal(buffer_length(&wall.out), 0);
    assert_false(wall.answer.is_recorded);
    wall_done(&wall);
}

RUN_TESTS(cmocka_unit_test(denies_names_off_the_list_and_records_why),
          cmocka_unit_test(denies_names_that_are_no_host_names),
          cmocka_unit_test(answers_an_allowed_name_with_its_pool_address_only),
          cmocka_unit_test(gives_no_data_for_every_other_type),
          cmocka_unit_test(names_the_pool_address_of_an_exact_name_in_reverse),
          cmocka_unit_test(ignores_what_is_no_query))
