#include "test.h"

#include "firewall/address_floor.h"

#include <arpa/inet.h>

static enum address_verdict verdict_of(const struct address_floor *floor, const char *text)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return address_floor_check(floor, (const struct sockaddr *)&ipv4);
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return address_floor_check(floor, (const struct sockaddr *)&ipv6);
}

static void assert_all(const char *const *texts, enum address_verdict expected)
{
    struct address_floor floor = {.own_count = 0};
    for (; *texts; texts++)
        if (verdict_of(&floor, *texts) != expected)
            fail_msg("%s: verdict %d", *texts, verdict_of(&floor, *texts));
}

static void forbids_first_and_last_address_of_every_range(void **state)
{
    assert_all((const char *[]){"0.0.0.0",
                                "0.255.255.255",
                                "127.0.0.1",
                                "127.255.255.255",
                                "169.254.0.0",
                                "169.254.169.254",
                                "169.254.255.255",
                                "192.0.0.0",
                                "192.0.0.255",
                                "198.18.0.0",
                                "198.19.255.255",
                                "224.0.0.1",
                                "239.255.255.255",
                                "240.0.0.0",
                                "255.255.255.255",
                                "::",
                                "::1",
                                "fe80::1",
                                "febf:ffff::1",
                                "fec0::1",
                                "feff:ffff::1",
                                "ff00::",
                                "ff02::1",
                                "64:ff9b:1::808:808",
                                NULL},
               ADDRESS_FORBIDDEN);
}

static void forbids_floor_addresses_in_every_embedded_form(void **state)
{
    assert_all((const char *[]){"::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:198.18.0.1",
                                "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1",
                                "64:ff9b::a9fe:a9fe", "2002:7f00:0001::1", "2002:a9fe:a9fe::",
                                /* Teredo: server 127.0.0.1, then client 127.0.0.1 inverted */
                                "2001:0:7f00:1::f7f7:f7f7", "2001:0:808:808::80ff:fffe",
                                "2001:db8::5efe:127.0.0.1", "2001:db8::200:5efe:127.0.0.1", NULL},
               ADDRESS_FORBIDDEN);
}

static void private_ranges_need_their_flag_in_every_form(void **state)
{
    assert_all((const char *[]){"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255",
                                "192.168.0.0", "192.168.255.255", "100.64.0.0", "100.127.255.255",
                                "fc00::1", "fdff:ffff::1", "::ffff:10.0.0.1", "64:ff9b::10.1.2.3",
                                "2002:c0a8:0101::1", "2001:0:808:808::f5ff:fffe", NULL},
               ADDRESS_PRIVATE);
}

static void neighbours_of_the_ranges_are_open(void **state)
{
    assert_all((const char *[]){"1.0.0.0",         "126.255.255.255",
                                "128.0.0.0",       "169.253.255.255",
                                "169.255.0.0",     "191.255.255.255",
                                "192.0.1.0",       "198.17.255.255",
                                "198.20.0.0",      "223.255.255.255",
                                "9.255.255.255",   "11.0.0.0",
                                "172.15.255.255",  "172.32.0.0",
                                "192.167.255.255", "192.169.0.0",
                                "100.63.255.255",  "100.128.0.0",
                                "8.8.8.8",         "2606:4700::1111",
                                "fbff::1",         "fe00::1",
                                "::ffff:8.8.8.8",  "64:ff9b::8.8.8.8",
                                "2002:808:808::1", NULL},
               ADDRESS_OPEN);
}

static void forbids_own_addresses_and_networks_also_embedded(void **state)
{
    struct address_floor floor = {.own_count = 0};
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("203.0.113.7")};
    struct sockaddr_in network = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.0.2.15")};
    assert_true(address_floor_forbid(&floor, (const struct sockaddr *)&own, 32));
    assert_true(address_floor_forbid(&floor, (const struct sockaddr *)&network, 24));
    assert_int_equal(verdict_of(&floor, "203.0.113.7"), ADDRESS_FORBIDDEN);
    assert_int_equal(verdict_of(&floor, "::ffff:203.0.113.7"), ADDRESS_FORBIDDEN);
    assert_int_equal(verdict_of(&floor, "64:ff9b::203.0.113.7"), ADDRESS_FORBIDDEN);
    assert_int_equal(verdict_of(&floor, "203.0.113.8"), ADDRESS_OPEN);
    assert_int_equal(verdict_of(&floor, "10.0.2.2"), ADDRESS_FORBIDDEN);
    assert_int_equal(verdict_of(&floor, "10.0.3.2"), ADDRESS_PRIVATE);
}

static void forbids_families_it_does_not_know(void **state)
{
    struct address_floor floor = {.own_count = 0};
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_int_equal(address_floor_check(&floor, &other), ADDRESS_FORBIDDEN);
    assert_false(address_floor_forbid(&floor, &other, 32));
}

static void a_full_table_is_an_error(void **state)
{
    struct address_floor floor = {.own_count = 0};
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("203.0.113.7")};
    for (int i = 0; i < ADDRESS_FLOOR_OWN_MAX; i++)
        assert_true(address_floor_forbid(&floor, (const struct sockaddr *)&own, 32));
    assert_false(address_floor_forbid(&floor, (const struct sockaddr *)&own, 32));
}

RUN_TESTS(cmocka_unit_test(forbids_first_and_last_address_of_every_range),
          cmocka_unit_test(forbids_floor_addresses_in_every_embedded_form),
          cmocka_unit_test(private_ranges_need_their_flag_in_every_form),
          cmocka_unit_test(neighbours_of_the_ranges_are_open),
          cmocka_unit_test(forbids_own_addresses_and_networks_also_embedded),
          cmocka_unit_test(forbids_families_it_does_not_know),
          cmocka_unit_test(a_full_table_is_an_error))
