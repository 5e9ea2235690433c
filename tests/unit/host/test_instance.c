#include "test.h"
#include "test_folder.h"

#include "host/instance.h"
#include "host/pki.h"

#include "base/memory.h"
#include "system/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct home home;

static void write_text(const char *below, const char *text)
{
    struct error error;
    CLEANUP_FREE char *path = test_folder_path(below);
    assert_true(file_write_atomic(path, bytes_from_text(text), 0600, &error));
}

static void make_below(const char *below)
{
    struct error error;
    CLEANUP_FREE char *path = test_folder_path(below);
    assert_true(file_make_directories(path, 0700, &error));
}

/* A checkout with the defaults of a policy and a home inside. */
static int make_home(void **state)
{
    struct error error;
    if (test_folder_make(state) != 0)
        return -1;
    make_below("data/policy");
    write_text("rootcell", "#!/bin/sh\n");
    write_text("data/policy/allowed-https.txt.defaults", "# models\napi.example.com\n");
    write_text("data/policy/allowed-ssh.txt.defaults", "github.com\n");
    write_text("data/policy/allowed-dns.txt.defaults", "");
    CLEANUP_FREE char *home_folder = test_folder_path(".rootcell");
    CLEANUP_FREE char *data = test_folder_path("data");
    setenv("ROOTCELL_HOME", home_folder, 1);
    setenv("ROOTCELL_DATA", data, 1);
    unsetenv("ROOTCELL_ACCEL");
    return home_find(&home, &error) ? 0 : -1;
}

static int remove_home(void **state)
{
    home_done(&home);
    return test_folder_remove(state);
}

static void prepare(const char *name, struct instance *instance)
{
    struct error error = {""};
    if (!instance_prepare(instance, &home, name, &error))
        fail_msg("%s", error.text);
}

static void assert_file(const struct instance *instance, const char *below, const char *text)
{
    struct buffer contents;
    struct error error;
    CLEANUP_FREE char *path = instance_path(instance, below);
    buffer_init(&contents, 64 * 1024);
    assert_true(file_read(path, &contents, &error));
    assert_bytes(buffer_bytes(&contents), text);
    buffer_done(&contents);
}

static void refuses_a_setting_with_file_and_line(void **state)
{
    struct instance instance;
    struct error error;
    prepare("a", &instance);
    instance_done(&instance);
    write_text(".rootcell/instances/a/.env", "\nROOTCELL_AGENT_CPUS=many\n");
    assert_false(instance_prepare(&instance, &home, "a", &error));
    assert_non_null(strstr(error.text, "/instances/a/.env:2: ROOTCELL_AGENT_CPUS is \"many\"; "
                                       "allowed: 1 to 64"));
    assert_false(instance_read(&instance, &home, "a", &error));
}

static void refuses_to_read_what_is_not_there(void **state)
{
    struct instance instance;
    struct error error;
    assert_false(instance_read(&instance, &home, "none", &error));
    assert_non_null(strstr(error.text, "there is none"));
    assert_false(instance_exists(&home, "none"));
}

static void sets_a_broken_state_aside_and_restores_it_from_its_copy(void **state)
{
    struct instance instance;
    struct error error;
    prepare("a", &instance);
    uint32_t agent_ip = instance.state.agent_ip;
    instance.state.ssh_port = 4242;
    assert_true(instance_save_state(&instance, &error));
    instance_done(&instance);
    write_text(".rootcell/instances/a/state.json", "{\"version\":1,");
    assert_false(instance_read(&instance, &home, "a", &error));
    prepare("a", &instance);
    assert_int_equal(instance.state.agent_ip, agent_ip);
    assert_int_equal(instance.state.ssh_port, 4242);
    assert_file(&instance, "state.json.broken", "{\"version\":1,");
    instance_done(&instance);
}

static void takes_no_foreign_folder_for_its_sockets(void **state)
{
    struct instance instance;
    struct error error;
    prepare("a", &instance);
    make_below("private");
    make_below("private/keys");
    snprintf(instance.state.runtime, sizeof(instance.state.runtime), "%s/private/keys",
             test_folder);
    assert_true(instance_save_state(&instance, &error));
    instance_done(&instance);
    assert_true(instance_read(&instance, &home, "a", &error));
    assert_null(strstr(instance.runtime, "private"));
    instance_done(&instance);
}

static void makes_the_state_anew_when_the_copy_is_broken_too(void **state)
{
    struct instance instance;
    prepare("a", &instance);
    instance_done(&instance);
    write_text(".rootcell/instances/a/state.json", "");
    write_text(".rootcell/instances/a/vm/state.copy.json", "null");
    prepare("a", &instance);
    assert_int_not_equal(instance.state.agent_ip, 0);
    assert_int_equal(instance.state.ssh_port, 0);
    instance_done(&instance);
}

static void gives_instances_networks_that_do_not_overlap(void **state)
{
    struct instance a, b;
    prepare("a", &a);
    prepare("b", &b);
    assert_int_not_equal(a.state.agent_ip >> 8, b.state.agent_ip >> 8);
    assert_int_equal(a.state.agent_ip & 0xff, 3);
    assert_int_equal(a.state.firewall_ip & 0xff, 2);
    instance_done(&a);
    instance_done(&b);
}

static void seeds_a_policy_file_again_and_keeps_the_others(void **state)
{
    struct instance instance;
    prepare("a", &instance);
    assert_file(&instance, "proxy/allowed-https.txt", "# models\napi.example.com\n");
    write_text(".rootcell/instances/a/proxy/allowed-https.txt", "mine.example.com\n");
    CLEANUP_FREE char *ssh = instance_path(&instance, "proxy/allowed-ssh.txt");
    assert_int_equal(unlink(ssh), 0);
    instance_done(&instance);
    prepare("a", &instance);
    assert_file(&instance, "proxy/allowed-https.txt", "mine.example.com\n");
    assert_file(&instance, "proxy/allowed-ssh.txt", "github.com\n");
    instance_done(&instance);
}

static void copies_the_earlier_layout_into_the_default_instance_once(void **state)
{
    struct instance instance;
    make_below("proxy");
    make_below("pi/agent/skills");
    write_text(".env", "AWS_REGION=eu-west-9\n");
    write_text("proxy/allowed-https.txt", "old.example.com\n");
    write_text("pi/agent/skills/a.md", "skill\n");
    prepare("other", &instance);
    assert_string_equal(instance.settings.aws_region, "");
    instance_done(&instance);
    prepare("default", &instance);
    assert_string_equal(instance.settings.aws_region, "eu-west-9");
    assert_file(&instance, "proxy/allowed-https.txt", "old.example.com\n");
    assert_file(&instance, "proxy/allowed-ssh.txt", "github.com\n");
    assert_file(&instance, "pi/agent/skills/a.md", "skill\n");
    CLEANUP_FREE char *https = instance_path(&instance, "proxy/allowed-https.txt");
    assert_int_equal(unlink(https), 0);
    instance_done(&instance);
    prepare("default", &instance);
    assert_file(&instance, "proxy/allowed-https.txt", "# models\napi.example.com\n");
    instance_done(&instance);
}

static void lists_names_in_order_and_nothing_else(void **state)
{
    struct instance instance;
    struct error error;
    size_t count;
    prepare("b", &instance);
    instance_done(&instance);
    prepare("a", &instance);
    instance_done(&instance);
    make_below(".rootcell/instances/.removing-c-1");
    char **names = instance_list_names(&home, &count, &error);
    assert_int_equal(count, 2);
    assert_string_equal(names[0], "a");
    assert_string_equal(names[1], "b");
    instance_list_free(names);
}

static void makes_a_ca_once_and_replaces_one_that_cannot_be_used(void **state)
{
    struct instance instance;
    struct error error;
    struct stat first, second;
    prepare("a", &instance);
    CLEANUP_FREE char *pki = instance_path(&instance, "pki");
    CLEANUP_FREE char *key = instance_path(&instance, "pki/ca-key.pem");
    CLEANUP_FREE char *aside = instance_path(&instance, "pki/ca-key.pem.unusable");
    assert_true(pki_ensure_ca(pki, "a", &error));
    assert_int_equal(stat(key, &first), 0);
    assert_int_equal(first.st_mode & 0777, 0600);
    assert_true(pki_ensure_ca(pki, "a", &error));
    assert_int_equal(stat(key, &second), 0);
    assert_int_equal(first.st_ino, second.st_ino);
    assert_false(file_exists(aside));
    write_text(".rootcell/instances/a/pki/ca.pem", "junk");
    assert_true(pki_ensure_ca(pki, "a", &error));
    assert_true(file_exists(aside));
    instance_done(&instance);
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

RUN_TESTS(WITH_HOME(refuses_a_setting_with_file_and_line),
          WITH_HOME(refuses_to_read_what_is_not_there),
          WITH_HOME(sets_a_broken_state_aside_and_restores_it_from_its_copy),
          WITH_HOME(takes_no_foreign_folder_for_its_sockets),
          WITH_HOME(makes_the_state_anew_when_the_copy_is_broken_too),
          WITH_HOME(gives_instances_networks_that_do_not_overlap),
          WITH_HOME(seeds_a_policy_file_again_and_keeps_the_others),
          WITH_HOME(copies_the_earlier_layout_into_the_default_instance_once),
          WITH_HOME(lists_names_in_order_and_nothing_else),
          WITH_HOME(makes_a_ca_once_and_replaces_one_that_cannot_be_used))
