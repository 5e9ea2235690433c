#include "test.h"
#include "test_folder.h"

#include "host/spy_session.h"
#include "system/file.h"
#include "system/wall_clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, CAP = 4096 };

static int enter_folder(void **state)
{
    return test_folder_make(state) == 0 ? chdir(test_folder) : -1;
}

static int leave_folder(void **state)
{
    return chdir("/") == 0 ? test_folder_remove(state) : -1;
}

static void write_script(const char *name, const char *text)
{
    struct error error;
    char script[1024];
    snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", text);
    unlink(name);
    assert_true(file_update_atomic(name, bytes_from_text(script), 0700, &error));
}

/* A session whose ssh and viewer are these scripts, which run in the test's folder. */
static bool run(const char *ssh, const char *viewer, int *status, struct error *error)
{
    struct instance instance = {.folder = test_folder};
    struct argument_list arguments = {0};
    snprintf(instance.settings.ssh, sizeof(instance.settings.ssh), "%s/ssh", test_folder);
    write_script("ssh", ssh);
    write_script("viewer", viewer);
    argument_list_add_format(&arguments, "%s/viewer", test_folder);
    struct spy_session session = {&instance, &arguments, true};
    bool is_done = spy_session_run(&session, status, error);
    argument_list_done(&arguments);
    return is_done;
}

static void assert_fails(const char *ssh, const char *viewer, const char *reason)
{
    struct error error;
    int status;
    assert_false(run(ssh, viewer, &status, &error));
    if (strstr(error.text, reason) == NULL)
        assert_string_equal(error.text, reason);
}

static void assert_file(const char *name, const char *expected)
{
    struct buffer text;
    struct error error;
    buffer_init(&text, CAP);
    int64_t end_ms = wall_clock_monotonic_ms() + PATIENCE_MS;
    while (access(name, F_OK) != 0 && wall_clock_monotonic_ms() < end_ms)
        wall_clock_sleep_ms(10);
    assert_true(file_read(name, &text, &error));
    assert_bytes(buffer_bytes(&text), expected);
    buffer_done(&text);
}

static void tells_a_refusal_and_starts_no_viewer(void **state)
{
    unlink("viewed");
    assert_fails("echo '{\"ok\":false,\"error\":\"4 others watch \\u001b[31malready\"}'; exit 1",
                 ": >viewed", "the firewall refuses: 4 others watch \\x1b[31malready");
    assert_fails("echo 'control: no such thing' >&2; exit 2", ": >viewed",
                 "the firewall VM captures nothing (control: no such thing); when it is older");
    assert_fails("echo 'Connection refused' >&2; exit 255", ": >viewed",
                 "the connection to the firewall VM failed (Connection refused)");
    assert_fails("exit 255", ": >viewed",
                 "the connection to the firewall VM failed; `rootcell list`");
    assert_fails("echo no JSON", ": >viewed", "answer of the firewall");
    assert_fails("yes '' | tr '\\n' x", ": >viewed", "the firewall's answer is too long");
    assert_int_not_equal(access("viewed", F_OK), 0);
}

static void tells_an_end_that_nobody_asked_for(void **state)
{
    assert_fails("echo '{\"ok\":true}'; echo event; echo gone >&2; exit 255", "cat >seen",
                 "the connection to the firewall VM was lost (gone); `rootcell list` shows");
    assert_file("seen", "event\n");
    assert_fails("echo '{\"ok\":true}'; kill -KILL $$", "cat >/dev/null",
                 "the connection to the firewall VM was lost; `rootcell list`");
    assert_fails("echo '{\"ok\":true}'; exit 2", "cat >/dev/null",
                 "the firewall has ended the capture; try again");
}

/* Its attendance ends with the viewer, and it is ended itself. */
static void ends_ssh_with_the_viewer(void **state)
{
    struct error error;
    int status;
    assert_true(run("trap '' TERM; echo '{\"ok\":true}'; echo event; cat >left; mv left ended",
                    "read line; echo \"$line\" >seen; exit 7", &status, &error));
    assert_int_equal(status, 7);
    assert_file("seen", "event\n");
    assert_file("ended", "");
    assert_true(run("echo '{\"ok\":true}'; exec sleep 1000", "exit 0", &status, &error));
    assert_int_equal(status, 0);
}

static void asks_for_what_is_wanted(void **state)
{
    struct error error;
    int status;
    assert_true(run("for word; do last=$word; done; echo \"$last\" >asked; echo '{\"ok\":true}'; "
                    "exec sleep 1000",
                    "exit 0", &status, &error));
    assert_file("asked", "exec rootcell-firewall control /run/firewall.sock capture backlog bodies "
                         "attended\n");
}

static void hands_signals_to_the_viewer(void **state)
{
    struct error error;
    int status;
    char viewer[100];
    snprintf(viewer, sizeof(viewer), "trap 'exit 5' INT; kill -INT %d; while :; do sleep 0.1; done",
             (int)getpid());
    assert_true(run("echo '{\"ok\":true}'; exec sleep 1000", viewer, &status, &error));
    assert_int_equal(status, 5);
}

static void ends_quietly_before_the_answer(void **state)
{
    struct error error;
    int status;
    char ssh[100];
    snprintf(ssh, sizeof(ssh), "kill -INT %d; exec sleep 1000", (int)getpid());
    assert_true(run(ssh, "exit 9", &status, &error));
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_refusal_and_starts_no_viewer),
        cmocka_unit_test(tells_an_end_that_nobody_asked_for),
        cmocka_unit_test(ends_ssh_with_the_viewer),
        cmocka_unit_test(asks_for_what_is_wanted),
        cmocka_unit_test(hands_signals_to_the_viewer),
        cmocka_unit_test(ends_quietly_before_the_answer),
    };
    return cmocka_run_group_tests(tests, enter_folder, leave_folder);
}
