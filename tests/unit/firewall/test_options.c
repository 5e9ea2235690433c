#include "test.h"

#include <arpa/inet.h>

#include "firewall/options.h"

#define REQUIRED                                                                                   \
    "--agent-interface", "link", "--policy", "p", "--ca-cert", "c", "--ca-key", "k",               \
        "--upstream-dns", "10.0.2.3", "--upstream-ca", "u", "--records", "r"

static void assert_refused(int count, char *const *arguments, const char *reason)
{
    struct options options;
    struct error error = {""};
    assert_false(options_parse(count, arguments, &options, &error));
    assert_string_equal(error.text, reason);
}

#define ASSERT_REFUSED(reason, ...)                                                                \
    do {                                                                                           \
        char *arguments[] = {__VA_ARGS__};                                                         \
        assert_refused((int)(sizeof(arguments) / sizeof(*arguments)), arguments, reason);          \
    } while (0)

static void refuses_missing_unknown_and_repeated_options(void **state)
{
    ASSERT_REFUSED("--policy is missing", "--agent-interface", "link");
    ASSERT_REFUSED("unknown argument '--colour'", REQUIRED, "--colour", "red");
    ASSERT_REFUSED("unknown argument 'stray'", REQUIRED, "stray");
    ASSERT_REFUSED("unknown argument '--poo'", REQUIRED, "--poo", "198.18.0.0/15");
    ASSERT_REFUSED("--records is given twice", REQUIRED, "--records", "other");
    ASSERT_REFUSED("--pool needs a value", REQUIRED, "--pool");
    ASSERT_REFUSED("--control: the value is empty", REQUIRED, "--control", "");
    ASSERT_REFUSED("--capture: the value is empty", REQUIRED, "--capture=");
    ASSERT_REFUSED("--providers needs a value", REQUIRED, "--providers");
    ASSERT_REFUSED("--recording has no value", REQUIRED, "--recording=on");
    ASSERT_REFUSED("unknown argument 'on'", REQUIRED, "--recording", "on");
    ASSERT_REFUSED("--recording is given twice", REQUIRED, "--recording", "--recording");
}

static void refuses_interfaces_that_could_end_a_quoted_text(void **state)
{
    ASSERT_REFUSED("--agent-interface: 'a\"b' is no name of an interface", "--agent-interface",
                   "a\"b");
    ASSERT_REFUSED("--agent-interface: 'sixteen-letters-' is no name of an interface",
                   "--agent-interface", "sixteen-letters-");
}

static void refuses_addresses_that_are_none(void **state)
{
    ASSERT_REFUSED("--upstream-dns: 'localhost' is no ADDRESS or ADDRESS:PORT", "--upstream-dns",
                   "localhost");
    ASSERT_REFUSED("--upstream-dns: '10.0.2.3:0' is no ADDRESS or ADDRESS:PORT", "--upstream-dns",
                   "10.0.2.3:0");
    ASSERT_REFUSED("--upstream-dns: '10.0.2.3:65536' is no ADDRESS or ADDRESS:PORT",
                   "--upstream-dns", "10.0.2.3:65536");
    ASSERT_REFUSED("--upstream-dns: '10.0.2.3:' is no ADDRESS or ADDRESS:PORT", "--upstream-dns",
                   "10.0.2.3:");
}

static void refuses_pools_that_are_none(void **state)
{
    ASSERT_REFUSED("--pool: '198.18.0.0' is no ADDRESS/PREFIX", "--pool", "198.18.0.0");
    ASSERT_REFUSED("--pool: '198.18.0.1/15' has bits set after its prefix", "--pool",
                   "198.18.0.1/15");
    ASSERT_REFUSED("--pool: '198.18.0.0/30': the prefix must be from 8 to 28", "--pool",
                   "198.18.0.0/30");
    ASSERT_REFUSED("--pool: '127.0.0.0/8' lies in a range that hosts cannot use", "--pool",
                   "127.0.0.0/8");
}

static void reads_values_and_defaults(void **state)
{
    char *arguments[] = {REQUIRED, "--pool=10.0.0.0/16", "--control=/run/s"};
    struct options options;
    struct error error;
    assert_true(options_parse(sizeof(arguments) / sizeof(*arguments), arguments, &options, &error));
    assert_string_equal(options.agent_interface, "link");
    assert_string_equal(options.control, "/run/s");
    assert_int_equal(options.pool_address, 0x0a000000);
    assert_int_equal(options.pool_prefix, 16);
    const struct sockaddr_in *dns = (const struct sockaddr_in *)&options.upstream_dns;
    assert_int_equal(ntohs(dns->sin_port), 53);
    assert_int_equal(ntohl(dns->sin_addr.s_addr), 0x0a000203);
}

RUN_TESTS(cmocka_unit_test(refuses_missing_unknown_and_repeated_options),
          cmocka_unit_test(refuses_interfaces_that_could_end_a_quoted_text),
          cmocka_unit_test(refuses_addresses_that_are_none),
          cmocka_unit_test(refuses_pools_that_are_none),
          cmocka_unit_test(reads_values_and_defaults))
