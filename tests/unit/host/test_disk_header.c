#include "test.h"

#include "host/disk_header.h"

/* A header of version 3 with the name "/i/agent.img" at 0x40, 40 GiB. */
static const uint8_t good[] = {
    'Q', 'F', 'I', 0xfb, 0,  0, 0, 3,   0,   0,   0,   0,   0,   0,   0,   0x40, 0,   0,   0,
    12,  0,   0,   0,    16, 0, 0, 0,   10,  0,   0,   0,   0,   0,   0,   0,    0,   0,   0,
    0,   0,   0,   0,    0,  0, 0, 0,   0,   0,   0,   0,   0,   0,   0,   0,    0,   0,   0,
    0,   0,   0,   0,    0,  0, 0, '/', 'i', '/', 'a', 'g', 'e', 'n', 't', '.',  'i', 'm', 'g',
};

static void refuses_what_is_no_disk(void **state)
{
    struct disk_header header = {.size_bytes = 7};
    struct error error;
    assert_false(disk_header_parse(BYTES_EMPTY, &header, &error));
    assert_false(disk_header_parse(BYTES_LITERAL("QFI"), &header, &error));
    uint8_t bad[sizeof(good)];
    memcpy(bad, good, sizeof(good));
    bad[3] = 0;
    assert_false(disk_header_parse((struct bytes){bad, sizeof(bad)}, &header, &error));
    assert_int_equal(header.size_bytes, 7);
}

static void refuses_a_name_outside_the_header(void **state)
{
    struct disk_header header;
    struct error error;
    uint8_t bad[sizeof(good)];
    memcpy(bad, good, sizeof(good));
    bad[19] = 13;
    assert_false(disk_header_parse((struct bytes){bad, sizeof(bad)}, &header, &error));
    memcpy(bad, good, sizeof(good));
    memset(bad + 8, 0xff, 8);
    assert_false(disk_header_parse((struct bytes){bad, sizeof(bad)}, &header, &error));
}

static void reads_size_and_the_image_below(void **state)
{
    struct disk_header header;
    struct error error;
    assert_true(disk_header_parse((struct bytes){good, sizeof(good)}, &header, &error));
    assert_int_equal(header.size_bytes, 40ULL << 30);
    assert_string_equal(header.backing_file, "/i/agent.img");
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_disk),
          cmocka_unit_test(refuses_a_name_outside_the_header),
          cmocka_unit_test(reads_size_and_the_image_below))
