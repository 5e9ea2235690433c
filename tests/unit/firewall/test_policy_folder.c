#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "firewall/policy_bundle.h"
#include "firewall/policy_folder.h"
#include "system/file.h"

static char *make_folder(void)
{
    char *folder = memory_format("/tmp/rootcell-policy-folder-%s", "XX"
                                                                   "XX"
                                                                   "XX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void remove_folder(char *folder)
{
    struct error error;
    assert_true(file_remove_tree(folder, &error));
    free(folder);
}

static void put(const char *folder, const char *name, const char *text)
{
    struct error error;
    CLEANUP_FREE char *path = memory_format("%s/%s", folder, name);
    assert_true(file_write_atomic(path, bytes_from_text(text), 0600, &error));
}

static void put_lists(const char *folder)
{
    put(folder, "allowed-https.txt", "api.example.com\n@npm\n");
    put(folder, "allowed-ssh.txt", "");
    put(folder, "allowed-dns.txt", "docs.example.com\n");
}

static void refuses_a_folder_that_lacks_a_list(void **state)
{
    static const char *const names[] = {"allowed-https.txt", "allowed-ssh.txt", "allowed-dns.txt"};
    for (size_t i = 0; i < 3; i++) {
        char *folder = make_folder();
        struct buffer bundle;
        struct error error = {""};
        put_lists(folder);
        CLEANUP_FREE char *path = memory_format("%s/%s", folder, names[i]);
        unlink(path);
        buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
        assert_false(policy_folder_read(folder, &bundle, &error));
        assert_non_null(strstr(error.text, names[i]));
        buffer_done(&bundle);
        remove_folder(folder);
    }
}

/* A file of so many bytes that are no rule. */
static void put_hole(const char *folder, const char *name, size_t length)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", folder, name);
    put(folder, name, "");
    assert_int_equal(truncate(path, (off_t)length), 0);
}

static void refuses_a_folder_whose_files_are_too_long_together(void **state)
{
    char *folder = make_folder();
    struct buffer bundle;
    struct error error = {""};
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    put_lists(folder);
    assert_int_equal(mkdir(groups, 0700), 0);
    size_t whole = POLICY_BUNDLE_BYTES_MAX / POLICY_FILE_BYTES_MAX;
    for (size_t i = 0; i < whole; i++) {
        char name[] = "a.txt";
        name[0] = (char)('a' + i);
        put_hole(groups, name, POLICY_FILE_BYTES_MAX);
    }
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    assert_false(policy_folder_read(folder, &bundle, &error));
    assert_non_null(strstr(error.text, "d.txt: the policy is too long"));
    /* One file less is read. */
    CLEANUP_FREE char *last = memory_format("%s/d.txt", groups);
    unlink(last);
    buffer_clear(&bundle);
    assert_true(policy_folder_read(folder, &bundle, &error));
    buffer_done(&bundle);
    remove_folder(folder);
}

static void reads_groups_and_passes_over_other_files(void **state)
{
    char *folder = make_folder();
    struct buffer bundle;
    struct error error;
    struct policy *policy = NULL;
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    put_lists(folder);
    assert_int_equal(mkdir(groups, 0700), 0);
    put(groups, "npm.txt", "https registry.example.com\n");
    put(groups, "npm.txt~", "not a rule\n");
    put(groups, ".hidden.txt", "not a rule\n");
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    assert_true(policy_folder_read(folder, &bundle, &error));
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    assert_int_equal(policy_rule_count(policy), 3);
    policy_free(policy);
    buffer_done(&bundle);
    remove_folder(folder);
}

static void writes_what_it_reads_and_deletes_groups_that_are_gone(void **state)
{
    char *folder = make_folder();
    struct buffer bundle, again;
    struct error error;
    put_lists(folder);
    buffer_init(&bundle, POLICY_BUNDLE_BYTES_MAX);
    buffer_init(&again, POLICY_BUNDLE_BYTES_MAX);
    assert_true(policy_folder_read(folder, &bundle, &error));
    CLEANUP_FREE char *groups = memory_format("%s/groups", folder);
    assert_int_equal(mkdir(groups, 0700), 0);
    put(groups, "old.txt", "https old.example.com\n");
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("npm"),
                                     BYTES_LITERAL("https registry.example.com\n")));
    assert_true(policy_folder_write(folder, buffer_bytes(&bundle), &error));
    assert_true(policy_folder_read(folder, &again, &error));
    assert_true(bytes_equal(buffer_bytes(&bundle), buffer_bytes(&again)));
    buffer_done(&bundle);
    buffer_done(&again);
    remove_folder(folder);
}

RUN_TESTS(cmocka_unit_test(refuses_a_folder_whose_files_are_too_long_together),
          cmocka_unit_test(refuses_a_folder_that_lacks_a_list),
          cmocka_unit_test(reads_groups_and_passes_over_other_files),
          cmocka_unit_test(writes_what_it_reads_and_deletes_groups_that_are_gone))
