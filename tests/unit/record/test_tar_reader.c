#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "record/tar_reader.h"

enum { BLOCK = 512 };

/* Append a header with its content; the checksum is computed as tar does. */
static void add(struct buffer *tar, const char *name, char type, const char *link,
                const char *content)
{
    char block[BLOCK] = {0};
    size_t size = strlen(content);
    memcpy(block, name, strlen(name));
    memcpy(block + 100, "0000644", 7);
    memcpy(block + 108, "0001750", 7);
    memcpy(block + 116, "0000000", 7);
    snprintf(block + 124, 12, "%011o", (unsigned)size);
    memcpy(block + 136, "00000000012", 11);
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 157, link, strlen(link));
    memcpy(block + 257, "ustar\00000", 8);
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += (uint8_t)block[i];
    snprintf(block + 148, 8, "%06o", sum);
    assert_true(buffer_append(tar, (struct bytes){(uint8_t *)block, BLOCK}));
    assert_true(buffer_append_text(tar, content));
    while (buffer_length(tar) % BLOCK != 0)
        assert_true(buffer_append_byte(tar, 0));
}

static struct buffer new_tar(void)
{
    struct buffer tar;
    buffer_init(&tar, 64 * 1024);
    return tar;
}

static void assert_bad(struct buffer *tar)
{
    struct tar_reader reader;
    struct tar_entry entry;
    tar_reader_init(&reader, buffer_bytes(tar));
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_BAD);
    assert_non_null(reader.reason);
    tar_reader_done(&reader);
    buffer_done(tar);
}

static void refuses_paths_that_leave_the_folder(void **state)
{
    static const char *const bad[] = {"/etc/passwd", "../x", "a/../../x", "a//b", "./../x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buffer tar = new_tar();
        add(&tar, bad[i], '0', "", "x");
        assert_bad(&tar);
    }
    struct buffer tar = new_tar();
    add(&tar, "a", '1', "../x", "");
    assert_bad(&tar);
}

static void refuses_a_wrong_checksum_and_a_cut(void **state)
{
    struct buffer tar = new_tar();
    add(&tar, "a", '0', "", "content");
    tar.data[0] = 'b';
    assert_bad(&tar);
    tar = new_tar();
    add(&tar, "a", '0', "", "content");
    tar.end = tar.start + BLOCK + 3;
    assert_bad(&tar);
    tar = new_tar();
    add(&tar, "a", '0', "", "");
    tar.end = tar.start + 100;
    assert_bad(&tar);
}

static void refuses_malformed_pax_records(void **state)
{
    static const char *const bad[] = {"5 a=b\n", "99 path=x\n", "path=x\n", "0 a=b\n",
                                      "11 path=xyz"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct buffer tar = new_tar();
        add(&tar, "pax", 'x', "", bad[i]);
        add(&tar, "a", '0', "", "");
        assert_bad(&tar);
    }
}

static void reads_entries_in_order(void **state)
{
    struct buffer tar = new_tar();
    add(&tar, "./", '5', "", "");
    add(&tar, "./etc/", '5', "", "");
    add(&tar, "./etc/hi", '0', "", "hello");
    add(&tar, "link", '2', "../up", "");
    add(&tar, "pax", 'x', "", "18 path=long/name\n");
    add(&tar, "short", '0', "", "y");
    assert_true(buffer_append(&tar, (struct bytes){(const uint8_t[BLOCK * 2]){0}, BLOCK * 2}));
    struct tar_reader reader;
    struct tar_entry entry;
    tar_reader_init(&reader, buffer_bytes(&tar));
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_ENTRY);
    assert_bytes(entry.path, "");
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_ENTRY);
    assert_bytes(entry.path, "etc");
    assert_int_equal(entry.type, TAR_DIRECTORY);
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_ENTRY);
    assert_bytes(entry.path, "etc/hi");
    assert_bytes(entry.content, "hello");
    assert_int_equal(entry.mode, 0644);
    assert_int_equal(entry.user, 1000);
    assert_int_equal(entry.time_seconds, 10);
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_ENTRY);
    assert_int_equal(entry.type, TAR_SYMLINK);
    assert_bytes(entry.link, "../up");
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_ENTRY);
    assert_bytes(entry.path, "long/name");
    assert_bytes(entry.content, "y");
    assert_int_equal(tar_reader_next(&reader, &entry), TAR_END);
    tar_reader_done(&reader);
    buffer_done(&tar);
}

RUN_TESTS(cmocka_unit_test(refuses_paths_that_leave_the_folder),
          cmocka_unit_test(refuses_a_wrong_checksum_and_a_cut),
          cmocka_unit_test(refuses_malformed_pax_records), cmocka_unit_test(reads_entries_in_order))
