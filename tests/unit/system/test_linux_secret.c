#include "test.h"
#include "test_folder.h"

#include "system/linux_secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file of so many bytes `k`; its path, to be freed after deleting it. */
static char *make_file(size_t length)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/key", test_folder) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < length; i++)
        fputc('k', file);
    fclose(file);
    return path;
}

static void refuses_what_is_missing_too_long_or_no_file(void **state)
{
    struct linux_secret secret;
    struct error error;
    char *path = make_file(LINUX_SECRET_BYTES_MAX + 1);
    assert_false(linux_secret_read(path, &secret, &error));
    assert_non_null(strstr(error.text, "longer than 16384 bytes"));
    assert_null(secret.pages);
    unlink(path);
    assert_false(linux_secret_read(path, &secret, &error));
    assert_null(secret.pages);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(linux_secret_read(path, &secret, &error));
    assert_non_null(strstr(error.text, "not a regular file"));
    unlink(path);
    free(path);
    assert_false(linux_secret_read(test_folder, &secret, &error));
}

static void reads_a_file_of_the_greatest_length(void **state)
{
    struct linux_secret secret;
    struct error error;
    char *path = make_file(LINUX_SECRET_BYTES_MAX);
    assert_true(linux_secret_read(path, &secret, &error));
    struct bytes bytes = linux_secret_bytes(&secret);
    assert_int_equal(bytes.length, LINUX_SECRET_BYTES_MAX);
    assert_int_equal(bytes.data[bytes.length - 1], 'k');
    linux_secret_done(&secret);
    assert_null(secret.pages);
    unlink(path);
    free(path);
}

/* What a process that is forked now finds there. */
static int first_byte_of_child(const struct linux_secret *secret)
{
    pid_t process = fork();
    if (process == 0)
        _exit(secret->pages[0]);
    int status = 0;
    assert_int_equal(waitpid(process, &status, 0), process);
    return WEXITSTATUS(status);
}

static void a_process_that_is_forked_has_it_only_when_it_is_shared(void **state)
{
    struct linux_secret secret;
    struct error error;
    char *path = make_file(10);
    assert_true(linux_secret_read(path, &secret, &error));
    assert_int_equal(first_byte_of_child(&secret), 0);
    assert_true(linux_secret_share(&secret, true, &error));
    assert_int_equal(first_byte_of_child(&secret), 'k');
    assert_true(linux_secret_share(&secret, false, &error));
    assert_int_equal(first_byte_of_child(&secret), 0);
    assert_int_equal(secret.pages[0], 'k');
    linux_secret_done(&secret);
    unlink(path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_missing_too_long_or_no_file),
        cmocka_unit_test(reads_a_file_of_the_greatest_length),
        cmocka_unit_test(a_process_that_is_forked_has_it_only_when_it_is_shared),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
