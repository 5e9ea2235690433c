#include "test.h"
#include "test_folder.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "host/image_process.h"
#include "system/file.h"
#include "system/wall_clock.h"

enum { WAIT_MS = 10000, POLL_MS = 20 };

static bool run_shell(const char *text, struct error *error)
{
    CLEANUP_FREE char *log = memory_format("%s/log", test_folder);
    struct argument_list arguments CLEANUP_ARGUMENTS;
    argument_list_init(&arguments);
    argument_list_add_all(&arguments, "sh", "-c", text, "sh", test_folder, NULL);
    struct image_process_request request = {.arguments = &arguments, .log = log};
    return image_process_run(&request, error);
}

static void a_failure_is_told_by_its_first_error_line(void **state)
{
    struct error error = {""};
    assert_false(run_shell("echo fine; echo 'E: no space left'; echo 'E: failed'; exit 3", &error));
    assert_non_null(strstr(error.text, "status 3"));
    assert_non_null(strstr(error.text, "no space left"));
    assert_true(run_shell("echo fine", &error));
}

static void a_missing_program_is_named(void **state)
{
    struct argument_list arguments CLEANUP_ARGUMENTS;
    struct error error = {""};
    argument_list_init(&arguments);
    argument_list_add(&arguments, "no-such-program-here");
    struct image_process_request request = {.arguments = &arguments, .log = "/dev/null"};
    assert_false(image_process_run(&request, &error));
    assert_non_null(strstr(error.text, "no-such-program-here is not installed"));
}

static bool appears(const char *name)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", test_folder, name);
    int64_t end_ms = wall_clock_monotonic_ms() + WAIT_MS;
    while (!file_exists(path) && wall_clock_monotonic_ms() < end_ms)
        wall_clock_sleep_ms(POLL_MS);
    return file_exists(path);
}

/* The program cleans up when it is interrupted, and so it is when its user is killed. */
static void the_program_is_interrupted_when_we_are_killed(void **state)
{
    pid_t user = fork();
    if (user == 0) {
        struct error error;
        run_shell("trap 'touch $1/cleaned; exit' INT; touch $1/started; "
                  "while :; do sleep 0.05; done",
                  &error);
        _exit(0);
    }
    assert_true(appears("started"));
    kill(user, SIGKILL);
    waitpid(user, NULL, 0);
    assert_true(appears("cleaned"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_told_by_its_first_error_line),
        cmocka_unit_test(a_missing_program_is_named),
        cmocka_unit_test(the_program_is_interrupted_when_we_are_killed),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
