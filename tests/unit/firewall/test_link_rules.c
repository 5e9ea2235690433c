#include "test.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "firewall/link_rules.h"

static struct options options = {
    .agent_interface = "link", .pool_address = 0xc6120000, .pool_prefix = 15};

/* The filter of a small wall, NUL-terminated, to be freed. */
static char *filter_of(const char *resolver, uint32_t other, unsigned bits, bool is_closed)
{
    struct sockaddr_in *dns = (struct sockaddr_in *)&options.upstream_dns;
    *dns = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(5300)};
    assert_int_equal(inet_pton(AF_INET, resolver, &dns->sin_addr), 1);
    other = htonl(other);
    struct own_addresses own = {.count = 2};
    own.list[0] =
        (struct own_address){.bits = bits, .is_ipv4 = true, .is_network_closed = is_closed};
    memcpy(own.list[0].address.s6_addr + 12, &other, 4);
    inet_pton(AF_INET6, "2001:db8:1::2", &own.list[1].address);
    own.list[1].bits = 64;
    struct link_rules rules = {
        .options = &options,
        .own = &own,
        .address = 0xc0a86402,
        .netmask = 0xffffff00,
        .ports = {22, 53, 443, 8080},
        .port_count = 4,
        .proxy_user = 61001,
    };
    struct buffer out;
    buffer_init(&out, 65536);
    assert_true(link_rules_write_filter(&rules, LINK_RULES_REPLACED, &out));
    assert_true(buffer_append_byte(&out, 0));
    char *text = strdup((const char *)buffer_bytes(&out).data);
    buffer_done(&out);
    return text;
}

static void assert_has(const char *filter, const char *rule)
{
    assert_non_null(strstr(filter, rule));
}

static void drops_what_is_malformed_spoofed_or_meant_for_another_interface(void **state)
{
    char *filter = filter_of("203.0.113.53", 0xcb007102, 24, false);
    assert_has(filter, " ip frag-off & 0x3fff != 0 drop\n");
    assert_has(filter, " ip hdrlength != 5 drop\n");
    assert_has(filter, " ip saddr != 192.168.100.0/24 drop\n");
    assert_has(filter, " ip saddr 192.168.100.2 drop\n");
    assert_has(filter, " ip daddr 203.0.113.2 drop\n");
    assert_has(filter, " meta nfproto ipv6 drop\n");
    free(filter);
}

static void ends_the_input_chain_with_a_drop(void **state)
{
    char *filter = filter_of("203.0.113.53", 0xcb007102, 24, false);
    assert_has(filter, " tcp dport { 22, 53, 443, 8080 } accept\n");
    assert_has(filter, " ip protocol tcp reject with tcp reset\n");
    assert_has(filter, "reject with icmp type port-unreachable\n drop\n}\n");
    free(filter);
}

static void keeps_the_proxy_from_the_floor_but_lets_it_ask_the_resolver(void **state)
{
    char *filter = filter_of("203.0.113.53", 0xcb007102, 24, false);
    assert_has(filter, " ip daddr 203.0.113.53 udp dport 5300 accept\n");
    assert_has(filter, "127.0.0.0/8");
    assert_has(filter, "::ffff:0:0:0/96");
    assert_has(filter, " ip6 daddr & ::fdff:ffff:0:0 == ::5efe:0:0 drop\n");
    assert_has(filter, " ip daddr { 198.18.0.0/15, 192.168.100.0/24 } drop\n");
    assert_has(filter, " meta skuid 61001 jump proxy\n");
    assert_null(strstr(filter, " ip daddr 203.0.113.0/24 drop\n"));
    assert_has(filter, " ip6 daddr 2001:db8:1::2/128 drop\n");
    free(filter);
}

static void closes_the_network_of_a_private_resolver(void **state)
{
    char *filter = filter_of("10.0.2.3", 0x0a00020f, 24, true);
    assert_has(filter, " ip daddr 10.0.2.0/24 drop\n");
    free(filter);
}

static void has_room_for_every_port_and_every_address_that_there_may_be(void **state)
{
    struct own_addresses own = {.count = OWN_ADDRESSES_MAX};
    struct link_rules rules = {
        .options = &options,
        .own = &own,
        .address = 0xc0a86402,
        .netmask = 0xffffff00,
        .port_count = LINK_RULES_PORTS_MAX,
        .proxy_user = 61001,
    };
    struct buffer out;
    for (size_t i = 0; i < OWN_ADDRESSES_MAX; i++) {
        memset(&own.list[i].address, 0xff, sizeof(own.list[i].address));
        own.list[i].bits = 128;
        own.list[i].is_network_closed = true;
    }
    for (size_t i = 0; i < LINK_RULES_PORTS_MAX; i++)
        rules.ports[i] = (uint16_t)(60000 + i);
    buffer_init(&out, LINK_RULES_FILTER_BYTES_MAX);
    assert_true(link_rules_write_filter(&rules, LINK_RULES_REPLACED, &out));
    assert_true(buffer_length(&out) > OWN_ADDRESSES_MAX * INET6_ADDRSTRLEN);
    buffer_done(&out);
    /* Where there is none, there is no half of a script. */
    buffer_init(&out, 1024);
    assert_false(link_rules_write_filter(&rules, LINK_RULES_REPLACED, &out));
    buffer_done(&out);
}

/* How the script begins; its rest is the same. */
static void deletes_a_table_only_where_there_may_be_one(void **state)
{
    static const char replaced[] =
        "table inet rootcell {}\ndelete table inet rootcell\ntable inet rootcell {\nchain ";
    static const char first[] = "create table inet rootcell\ntable inet rootcell {\nchain ";
    struct own_addresses own = {.count = 0};
    struct link_rules rules = {.options = &options, .own = &own, .port_count = 1, .ports = {53}};
    struct buffer with, without;
    buffer_init(&with, LINK_RULES_FILTER_BYTES_MAX);
    buffer_init(&without, LINK_RULES_FILTER_BYTES_MAX);
    assert_true(link_rules_write_filter(&rules, LINK_RULES_REPLACED, &with));
    assert_true(link_rules_write_filter(&rules, LINK_RULES_FIRST, &without));
    assert_true(bytes_start_with(buffer_bytes(&with), BYTES_LITERAL(replaced)));
    assert_true(bytes_start_with(buffer_bytes(&without), BYTES_LITERAL(first)));
    assert_true(bytes_equal(bytes_from(buffer_bytes(&with), strlen(replaced)),
                            bytes_from(buffer_bytes(&without), strlen(first))));
    buffer_done(&with);
    buffer_done(&without);
}

RUN_TESTS(cmocka_unit_test(deletes_a_table_only_where_there_may_be_one),
          cmocka_unit_test(has_room_for_every_port_and_every_address_that_there_may_be),
          cmocka_unit_test(drops_what_is_malformed_spoofed_or_meant_for_another_interface),
          cmocka_unit_test(ends_the_input_chain_with_a_drop),
          cmocka_unit_test(keeps_the_proxy_from_the_floor_but_lets_it_ask_the_resolver),
          cmocka_unit_test(closes_the_network_of_a_private_resolver))
