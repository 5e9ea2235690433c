#include "test.h"

#include <stdlib.h>

#include "base/memory.h"
#include "record/boot_config.h"

static const char agent_text[] =
    "{\"version\": 1, \"role\": \"agent\", \"instance\": \"default\", \"hostname\": \"agent\","
    " \"time_seconds\": 1700000000,"
    " \"link\": {\"mac\": \"52:54:00:aa:bb:01\", \"address\": \"192.168.100.3\", \"prefix\": 24,"
    " \"gateway\": \"192.168.100.2\"},"
    " \"layers\": [\"pi\"], \"environment\": {\"AWS_REGION\": \"us-east-1\"}}";

static struct boot_config firewall_config(void)
{
    struct boot_config config = {
        .role = BOOT_ROLE_FIREWALL,
        .instance = "default",
        .hostname = "firewall",
        .time_seconds = 1700000000,
        .link = {"52:54:00:aa:bb:02", 0xc0a86402, 24, 0xc0a86403},
        .control = {"52:54:00:aa:bb:03", 0x0a00020f, 24, 0x0a000202},
        .upstream_dns = 0x0a000203,
        .upstream_dns_port = 53,
    };
    return config;
}

/* `text` with its first `from` replaced by `to` is refused with a reason that contains `why`. */
static void assert_refused(const char *text, const char *from, const char *to, const char *why)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    char *changed = memory_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    struct boot_config *config = memory_new(sizeof(*config));
    struct error error = {""};
    bool is_good = boot_config_parse(bytes_from_text(changed), config, &error);
    if (is_good || strstr(error.text, why) == NULL)
        fail_msg("%s -> %s: %s", from, to, is_good ? "accepted" : error.text);
    free(config);
    free(changed);
}

static void refuses_what_is_not_exactly_the_format(void **state)
{
    static const char *const cases[][3] = {
        {"\"version\": 1", "\"version\": 2", "version"},
        {"\"version\": 1, ", "", "version"},
        {"\"agent\"", "\"spy\"", "role"},
        {"\"instance\"", "\"instances\"", "instance"},
        {"\"default\"", "\"../x\"", "instance"},
        {"\"hostname\": \"agent\"", "\"hostname\": \"a b\"", "hostname"},
        {"1700000000", "-1", "time_seconds"},
        {"1700000000", "1.5", "time_seconds"},
        {"aa:bb:01", "aa:bb:1", "mac"},
        {"aa:bb:01", "AA:BB:01", "mac"},
        {"aa:bb:01", "aa-bb-01", "mac"},
        {"192.168.100.3", "192.168.100.300", "address"},
        {"192.168.100.2", "192.168.101.2", "network"},
        {"192.168.100.2", "192.168.100.3", "gateway"},
        {"\"prefix\": 24", "\"prefix\": 31", "prefix"},
        {"\"prefix\": 24", "\"prefix\": \"24\"", "prefix"},
        {"[\"pi\"]", "[\"../pi\"]", "layers[0]"},
        {"[\"pi\"]", "\"pi\"", "layers"},
        {"\"AWS_REGION\"", "\"AWS REGION\"", "variable"},
        {"\"AWS_REGION\"", "\"1A\"", "variable"},
        {"us-east-1", "us\\neast", "control byte"},
        {"\"layers\"", "\"extra\": 1, \"layers\"", "unknown key"},
        {"\"layers\"", "\"role\": \"agent\", \"layers\"", "duplicate"},
        {"{\"version\"", "[{\"version\"", "line"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(agent_text, cases[i][0], cases[i][1], cases[i][2]);
}

static void refuses_to_write_what_the_guest_would_refuse(void **state)
{
    struct boot_config config = firewall_config();
    memcpy(config.link.mac, config.control.mac, sizeof(config.link.mac));
    struct buffer out;
    buffer_init(&out, BOOT_CONFIG_BYTES_LIMIT);
    struct error error = {""};
    assert_false(boot_config_encode(&config, &out, &error));
    assert_non_null(strstr(error.text, "mac"));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
}

static void refuses_a_recording_that_is_not_true(void **state)
{
    struct boot_config config = firewall_config();
    struct buffer out;
    struct error error = {""};
    config.is_recording = true;
    buffer_init(&out, BOOT_CONFIG_BYTES_LIMIT);
    assert_true(boot_config_encode(&config, &out, &error));
    char *text = bytes_copy_text(buffer_bytes(&out));
    assert_non_null(strstr(text, "true"));
    assert_refused(text, "true", "false", "recording");
    assert_refused(text, "true", "\"on\"", "recording");
    free(text);
    buffer_done(&out);
}

static void reads_an_agent(void **state)
{
    struct boot_config *config = memory_new(sizeof(*config));
    struct error error = {""};
    assert_true(boot_config_parse(bytes_from_text(agent_text), config, &error));
    assert_int_equal(config->role, BOOT_ROLE_AGENT);
    assert_int_equal(config->link.address, 0xc0a86403);
    assert_int_equal(config->link.gateway, 0xc0a86402);
    assert_int_equal(config->layer_count, 1);
    assert_string_equal(config->layers[0], "pi");
    assert_int_equal(config->variable_count, 1);
    assert_string_equal(config->environment[0].value, "us-east-1");
    free(config);
}

static void reads_back_what_it_wrote(void **state)
{
    struct boot_config *read = memory_new(sizeof(*read));
    for (int i = 0; i < 2; i++) {
        struct boot_config config = firewall_config();
        struct buffer out;
        struct error error = {""};
        config.is_recording = i == 1;
        buffer_init(&out, BOOT_CONFIG_BYTES_LIMIT);
        assert_true(boot_config_encode(&config, &out, &error));
        assert_true(boot_config_parse(buffer_bytes(&out), read, &error));
        assert_memory_equal(&config, read, sizeof(config));
        buffer_done(&out);
    }
    free(read);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_not_exactly_the_format),
          cmocka_unit_test(refuses_to_write_what_the_guest_would_refuse),
          cmocka_unit_test(refuses_a_recording_that_is_not_true), cmocka_unit_test(reads_an_agent),
          cmocka_unit_test(reads_back_what_it_wrote))
