#include "test.h"

#include "system/host_routes.h"

struct seen {
    uint32_t networks[8], prefixes[8];
    size_t count;
};

static void see(void *context, uint32_t network, uint32_t prefix)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    seen->networks[seen->count] = network;
    seen->prefixes[seen->count++] = prefix;
}

static void skips_lines_of_another_form(void **state)
{
    struct seen seen = {.count = 0};
    host_routes_parse(BYTES_LITERAL("Iface\tDestination\tGateway\n\neth0\neth0\tzz\t0\n"), see,
                      &seen);
    assert_int_equal(seen.count, 0);
}

static void reads_networks_and_prefixes(void **state)
{
    static const char text[] =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t0064A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
    struct seen seen = {.count = 0};
    host_routes_parse(BYTES_LITERAL(text), see, &seen);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.prefixes[0], 0);
    assert_int_equal(seen.networks[1], 0xc0a86400);
    assert_int_equal(seen.prefixes[1], 24);
}

RUN_TESTS(cmocka_unit_test(skips_lines_of_another_form),
          cmocka_unit_test(reads_networks_and_prefixes))
