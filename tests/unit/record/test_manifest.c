#include "test.h"

#include "record/manifest.h"

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define TEXT(files)                                                                                \
    "{\"version\": 1, \"architecture\": \"x86_64\", \"release\": \"0.1.0\", \"files\": [" files    \
    "], \"packages\": []}"
#define FILE_ENTRY(name, hash, bytes)                                                              \
    "{\"name\": \"" name "\", \"sha256\": \"" hash "\", \"bytes\": " bytes "}"

static void refuses_names_that_leave_the_folder(void **state)
{
    static const char *const bad[] = {"",      "/etc/passwd", "../x", "a/../b", ".hidden", "a/.b",
                                      "a/b/c", "a//b",        "a/",   "a b",    "a\nb"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(manifest_is_file_name(bytes_from_text(bad[i])));
    assert_true(manifest_is_file_name(bytes_from_text("layers/pi.img")));
    assert_true(manifest_is_file_name(bytes_from_text("vmlinuz")));
}

static void refuses_what_is_not_exactly_the_format(void **state)
{
    static const char *const bad[][2] = {
        {TEXT(FILE_ENTRY("../x", HASH_A, "1")), "name"},
        {TEXT(FILE_ENTRY("x", "abc", "1")), "sha256"},
        {TEXT(FILE_ENTRY("x", HASH_A, "-1")), "bytes"},
        {TEXT(FILE_ENTRY("x", HASH_A, "1") "," FILE_ENTRY("x", HASH_B, "1")), "twice"},
        {TEXT("{\"name\": \"x\"}"), "sha256"},
        {TEXT("1"), "files[0]"},
        {"{\"version\": 2}", "version"},
        {"[]", "object"},
        {"", "line"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct manifest manifest;
        struct error error = {""};
        if (manifest_parse(bytes_from_text(bad[i][0]), &manifest, &error) ||
            strstr(error.text, bad[i][1]) == NULL)
            fail_msg("%s: %s", bad[i][0], error.text);
    }
}

static void reads_back_what_it_wrote_in_sorted_order(void **state)
{
    struct manifest manifest;
    manifest_init(&manifest);
    memcpy(manifest.architecture, "x86_64", 7);
    memcpy(manifest.release, "0.1.0", 6);
    struct manifest_file second = {
        .name = "vmlinuz", .sha256 = HASH_A, .size_bytes = 7, .download = {"v.zst", HASH_B, 3}};
    struct manifest_file first = {.name = "agent.img", .sha256 = HASH_B, .size_bytes = 9};
    manifest_add_file(&manifest, &second);
    manifest_add_file(&manifest, &first);
    struct manifest_package package = {MANIFEST_ORIGIN_NPM, "node", "22.1.0", "sha512-AA=="};
    manifest_add_package(&manifest, &package);
    struct buffer out;
    buffer_init(&out, MANIFEST_BYTES_LIMIT);
    struct error error = {""};
    assert_true(manifest_encode(&manifest, &out, &error));
    struct manifest read;
    assert_true(manifest_parse(buffer_bytes(&out), &read, &error));
    assert_int_equal(read.file_count, 2);
    assert_string_equal(read.files[0].name, "agent.img");
    assert_string_equal(manifest_find_file(&read, "vmlinuz")->download.sha256, HASH_B);
    assert_null(manifest_find_file(&read, "absent"));
    assert_int_equal(read.package_count, 1);
    assert_string_equal(read.packages[0].integrity, "sha512-AA==");
    manifest_done(&read);
    manifest_done(&manifest);
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(refuses_names_that_leave_the_folder),
          cmocka_unit_test(refuses_what_is_not_exactly_the_format),
          cmocka_unit_test(reads_back_what_it_wrote_in_sorted_order))
