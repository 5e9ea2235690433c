#include "test.h"
#include "test_folder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "init/agent_trust.h"
#include "system/file.h"

#define BUNDLE "/etc/ssl/certs/ca-certificates.crt"

static void put(const char *path, const char *text)
{
    CLEANUP_FREE char *full = memory_format("%s%s", test_folder, path);
    struct error error;
    assert_true(file_write_atomic(full, bytes_from_text(text), 0644, &error));
}

static void assert_holds(const char *path, const char *text)
{
    CLEANUP_FREE char *full = memory_format("%s%s", test_folder, path);
    struct buffer content;
    struct error error;
    buffer_init(&content, 64 * 1024);
    assert_true(file_read(full, &content, &error));
    assert_bytes(buffer_bytes(&content), text);
    buffer_done(&content);
}

static void assert_contains(const char *path, const char *text)
{
    CLEANUP_FREE char *full = memory_format("%s%s", test_folder, path);
    struct buffer content;
    struct error error;
    buffer_init(&content, 64 * 1024);
    assert_true(file_read(full, &content, &error));
    struct bytes all = buffer_bytes(&content);
    assert_non_null(memmem(all.data, all.length, text, strlen(text)));
    buffer_done(&content);
}

static int make_root(void **state)
{
    static const char *const folders[] = {"/etc/ssl/certs", "/usr/local/share/ca-certificates",
                                          "/etc/systemd/system.conf.d", "/etc/sudoers.d"};
    struct error error;
    if (test_folder_make(state) != 0)
        return -1;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        CLEANUP_FREE char *full = memory_format("%s%s", test_folder, folders[i]);
        if (!file_make_directories(full, 0755, &error))
            return -1;
    }
    return 0;
}

static void a_new_ca_takes_the_place_of_the_old_one(void **state)
{
    struct error error = {""};
    put(BUNDLE, "FIRST\nSECOND\n");
    assert_true(agent_trust_install_ca(test_folder, BYTES_LITERAL("OLD\n"), &error));
    assert_holds(BUNDLE, "FIRST\nSECOND\nOLD\n");
    assert_true(agent_trust_install_ca(test_folder, BYTES_LITERAL("OLD\n"), &error));
    assert_holds(BUNDLE, "FIRST\nSECOND\nOLD\n");
    assert_true(agent_trust_install_ca(test_folder, BYTES_LITERAL("NEW\n"), &error));
    assert_holds(BUNDLE, "FIRST\nSECOND\nNEW\n");
    assert_holds("/usr/local/share/ca-certificates/rootcell.crt", "NEW\n");
}

static void variables_reach_sessions_services_and_sudo(void **state)
{
    struct error error = {""};
    struct boot_config *config = memory_new(sizeof(*config));
    config->variable_count = 2;
    memcpy(config->environment[0].name, "AWS_REGION", 11);
    memcpy(config->environment[0].value, "us-east-1", 10);
    memcpy(config->environment[1].name, "EVIL", 5);
    memcpy(config->environment[1].value, "x\" NOPASSWD", 12);
    assert_true(agent_trust_write_environment(test_folder, config, &error));
    assert_contains("/etc/environment", "AWS_REGION=\"us-east-1\"\n");
    assert_contains("/etc/environment", "SSL_CERT_FILE=\"/etc/ssl/certs/ca-certificates.crt\"\n");
    assert_contains("/etc/systemd/system.conf.d/50-rootcell.conf", "\"AWS_REGION=us-east-1\"");
    assert_contains("/etc/sudoers.d/50-rootcell-environment", " AWS_REGION LANG");
    CLEANUP_FREE char *full = memory_format("%s/etc/environment", test_folder);
    struct buffer content;
    buffer_init(&content, 64 * 1024);
    assert_true(file_read(full, &content, &error));
    struct bytes all = buffer_bytes(&content);
    assert_null(memmem(all.data, all.length, "EVIL", 4));
    buffer_done(&content);
    free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_ca_takes_the_place_of_the_old_one),
        cmocka_unit_test(variables_reach_sessions_services_and_sudo),
    };
    return cmocka_run_group_tests(tests, make_root, test_folder_remove);
}
