#include "test.h"

#include "system/child.h"

#include <stdlib.h>

static void run_shell(const char *script, struct child_request *request, int *status,
                      struct error *error, bool *is_done)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add_all(&arguments, "sh", "-c", script, NULL);
    request->arguments = &arguments;
    *is_done = child_run(request, status, error);
}

static void refuses_program_that_is_not_there(void **state)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add(&arguments, "no-such-program-here");
    struct child_request request = {.arguments = &arguments};
    struct error error;
    int status = 7;
    assert_false(child_run(&request, &status, &error));
    assert_string_equal(error.text, "no-such-program-here: program not found");
    assert_int_equal(status, 7);
}

static void ends_a_child_that_takes_too_long(void **state)
{
    struct child_request request = {.timeout_ms = 100};
    struct error error;
    int status;
    bool is_done;
    run_shell("sleep 20", &request, &status, &error, &is_done);
    assert_false(is_done);
    assert_non_null(strstr(error.text, "no end after 100 ms"));
}

static void ends_a_child_that_says_too_much(void **state)
{
    struct buffer output;
    buffer_init(&output, 1000);
    struct child_request request = {.output_stream = CHILD_STREAM_CAPTURE, .output = &output};
    struct error error;
    int status;
    bool is_done;
    run_shell("yes", &request, &status, &error, &is_done);
    assert_false(is_done);
    assert_non_null(strstr(error.text, "more output than 1000 bytes"));
    buffer_done(&output);
}

static void gives_status_and_signal(void **state)
{
    struct child_request request = {0};
    struct error error;
    int status;
    bool is_done;
    run_shell("exit 42", &request, &status, &error, &is_done);
    assert_true(is_done);
    assert_int_equal(status, 42);
    run_shell("kill -9 $$", &request, &status, &error, &is_done);
    assert_true(is_done);
    assert_int_equal(status, 128 + 9);
}

static void carries_bytes_both_ways(void **state)
{
    struct buffer output;
    buffer_init(&output, 1 << 20);
    uint8_t sent[200000];
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7);
    struct child_request request = {.input_stream = CHILD_STREAM_CAPTURE,
                                    .input = {sent, sizeof(sent)},
                                    .output_stream = CHILD_STREAM_CAPTURE,
                                    .output = &output};
    struct error error;
    int status;
    bool is_done;
    run_shell("cat", &request, &status, &error, &is_done);
    assert_true(is_done);
    assert_true(bytes_equal(buffer_bytes(&output), (struct bytes){sent, sizeof(sent)}));
    buffer_done(&output);
}

static void says_the_last_line_of_a_program_that_failed(void **state)
{
    CLEANUP_ARGUMENTS struct argument_list arguments = {0};
    argument_list_add_all(&arguments, "sh", "-c", "echo one >&2; echo two >&2; exit 3", NULL);
    struct error error;
    assert_false(child_run_quietly(&arguments, NULL, &error));
    assert_string_equal(error.text, "sh: status 3: two");
}

RUN_TESTS(cmocka_unit_test(refuses_program_that_is_not_there),
          cmocka_unit_test(ends_a_child_that_takes_too_long),
          cmocka_unit_test(ends_a_child_that_says_too_much),
          cmocka_unit_test(gives_status_and_signal), cmocka_unit_test(carries_bytes_both_ways),
          cmocka_unit_test(says_the_last_line_of_a_program_that_failed))
