#include "test.h"
#include "test_folder.h"

#include <sys/stat.h>

#include "host/image_inputs.h"

static const char list[] = "data/packages.txt", key[] = "data/image-signing.pub";

static void put(const char *name, const char *text)
{
    struct error error;
    CLEANUP_FREE char *path = test_folder_path(name);
    assert_true(file_write_atomic(path, bytes_from_text(text), 0644, &error));
}

static int make_data(void **state)
{
    struct error error;
    if (test_folder_make(state) != 0)
        return -1;
    CLEANUP_FREE char *data = test_folder_path("data/agent/etc");
    CLEANUP_FREE char *image = test_folder_path("image");
    setenv("npm_config_registry", "https://packages.invalid/", 1);
    if (!file_make_directories(data, 0755, &error) || !file_make_directories(image, 0755, &error))
        return -1;
    put(list, "bash\n");
    put("data/agent/etc/motd", "hello\n");
    put(key, "one\n");
    return 0;
}

static void compute(const char *architecture, char sha256[MANIFEST_HASH_SIZE])
{
    struct error error = {""};
    CLEANUP_FREE char *data = test_folder_path("data");
    struct image_build_options options = {.data = data, .architecture = architecture};
    if (!image_inputs_hash(&options, sha256, &error))
        fail_msg("%s", error.text);
}

/* Whether the hash is another one now; `sha256` becomes it. */
static bool has_changed(char sha256[MANIFEST_HASH_SIZE])
{
    char before[MANIFEST_HASH_SIZE];
    memcpy(before, sha256, sizeof(before));
    compute("x86_64", sha256);
    return strcmp(before, sha256) != 0;
}

static void changes_with_every_input(void **state)
{
    char sha256[MANIFEST_HASH_SIZE] = "", other[MANIFEST_HASH_SIZE];
    CLEANUP_FREE char *motd = test_folder_path("data/agent/etc/motd");
    compute("x86_64", sha256);
    assert_false(has_changed(sha256));
    compute("aarch64", other);
    assert_string_not_equal(sha256, other);
    put(list, "bash\nzsh\n");
    assert_true(has_changed(sha256));
    put("data/agent/etc/issue", "");
    assert_true(has_changed(sha256));
    assert_int_equal(chmod(motd, 0755), 0);
    assert_true(has_changed(sha256));
    setenv("npm_config_registry", "https://mirror.invalid/", 1);
    assert_true(has_changed(sha256));
}

static void is_the_same_for_another_signing_key(void **state)
{
    char sha256[MANIFEST_HASH_SIZE] = "";
    compute("x86_64", sha256);
    put(key, "two\n");
    assert_false(has_changed(sha256));
}

static void reads_only_a_whole_note(void **state)
{
    char sha256[MANIFEST_HASH_SIZE], noted[MANIFEST_HASH_SIZE] = "before";
    struct error error;
    CLEANUP_FREE char *image = test_folder_path("image");
    assert_false(image_inputs_read(image, noted));
    put("image/inputs.sha256", "0123");
    assert_false(image_inputs_read(image, noted));
    assert_string_equal(noted, "before");
    compute("x86_64", sha256);
    assert_true(image_inputs_write(image, sha256, &error));
    assert_true(image_inputs_read(image, noted));
    assert_string_equal(noted, sha256);
}

#define WITH_DATA(test) cmocka_unit_test_setup_teardown(test, make_data, test_folder_remove)

RUN_TESTS(WITH_DATA(changes_with_every_input), WITH_DATA(is_the_same_for_another_signing_key),
          WITH_DATA(reads_only_a_whole_note))
