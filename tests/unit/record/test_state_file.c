#include "test.h"

#include "record/state_file.h"

static void assert_refused(const char *text)
{
    struct state_file state = {.ssh_port = 7};
    struct error error;
    assert_false(state_file_parse(bytes_from_text(text), &state, &error));
    assert_int_equal(state.ssh_port, 7);
    assert_true(strlen(error.text) > 0);
}

static void refuses_what_it_cannot_have_written(void **unused)
{
    assert_refused("");
    assert_refused("{");
    assert_refused("[]");
    assert_refused("{}");
    assert_refused("{\"version\":2,\"firewall_ip\":\"10.0.0.2\",\"agent_ip\":\"10.0.0.3\","
                   "\"prefix\":24,\"ssh_port\":0}");
    assert_refused("{\"version\":1,\"firewall_ip\":\"10.0.0.2\",\"agent_ip\":\"10.0.0.3\","
                   "\"prefix\":31,\"ssh_port\":0}");
    assert_refused("{\"version\":1,\"firewall_ip\":\"10.0.0\",\"agent_ip\":\"10.0.0.3\","
                   "\"prefix\":24,\"ssh_port\":0}");
    assert_refused("{\"version\":1,\"firewall_ip\":\"10.0.0.2\",\"agent_ip\":\"10.0.0.3\","
                   "\"prefix\":24,\"ssh_port\":65536}");
    assert_refused("{\"version\":1,\"firewall_ip\":\"10.0.0.2\",\"agent_ip\":\"10.0.0.3\","
                   "\"prefix\":24,\"ssh_port\":0,\"surprise\":1}");
}

static void reads_what_it_wrote(void **unused)
{
    struct state_file state = {
        .firewall_ip = 0xc0a86402,
        .agent_ip = 0xc0a86403,
        .prefix = 24,
        .ssh_port = 40022,
        .image = "abc",
        .runtime = "/run/rootcell/1",
        .is_old_layout_copied = true,
    };
    struct state_file read;
    struct error error;
    struct buffer text;
    buffer_init(&text, STATE_FILE_BYTES_LIMIT);
    assert_true(state_file_encode(&state, &text, &error));
    assert_true(state_file_parse(buffer_bytes(&text), &read, &error));
    assert_int_equal(read.firewall_ip, state.firewall_ip);
    assert_int_equal(read.agent_ip, state.agent_ip);
    assert_int_equal(read.prefix, 24);
    assert_int_equal(read.ssh_port, 40022);
    assert_string_equal(read.image, "abc");
    assert_string_equal(read.runtime, "/run/rootcell/1");
    assert_string_equal(read.provisioned, "");
    assert_true(read.is_old_layout_copied);
    buffer_done(&text);
}

RUN_TESTS(cmocka_unit_test(refuses_what_it_cannot_have_written),
          cmocka_unit_test(reads_what_it_wrote))
