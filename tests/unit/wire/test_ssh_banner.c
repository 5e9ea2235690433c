#include "test.h"

#include "wire/ssh_banner.h"

static struct bytes banner;
static size_t banner_bytes;

static void refuses_what_is_no_banner_with_its_first_wrong_byte(void **state)
{
    static const struct bytes refused[] = {
        BYTES_LITERAL("G"),
        BYTES_LITERAL("SSX"),
        BYTES_LITERAL("ssh-2.0-x\r\n"),
        BYTES_LITERAL("SSH-1.5-x\r\n"),
        BYTES_LITERAL("SSH-3"),
        BYTES_LITERAL("\r\nSSH-2.0-x\r\n"),
        BYTES_LITERAL("SSH-2.0-\r\n"),
        BYTES_LITERAL("SSH-2.0-\n"),
        BYTES_LITERAL("SSH-2.0-a\0b\r\n"),
        BYTES_LITERAL("SSH-2.0-a\rb"),
        BYTES_LITERAL("SSH-2.0-a\x80"),
        BYTES_LITERAL("SSH-2.0-a\033"),
        BYTES_LITERAL("\x16\x03\x01"),
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(ssh_banner_parse(refused[i], &banner, &banner_bytes), PARSE_BAD);
}

static void refuses_a_line_of_more_than_255_bytes(void **state)
{
    uint8_t line[300];
    memset(line, 'x', sizeof(line));
    memcpy(line, "SSH-2.0-", 8);
    assert_int_equal(ssh_banner_parse((struct bytes){line, 254}, &banner, &banner_bytes),
                     PARSE_NEED_MORE);
    assert_int_equal(ssh_banner_parse((struct bytes){line, 255}, &banner, &banner_bytes),
                     PARSE_BAD);
    line[253] = '\r';
    line[254] = '\n';
    assert_int_equal(ssh_banner_parse((struct bytes){line, 300}, &banner, &banner_bytes), PARSE_OK);
    assert_int_equal(banner_bytes, 255);
}

static void takes_banners_byte_by_byte(void **state)
{
    struct bytes received = BYTES_LITERAL("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\nrest");
    for (size_t i = 0; i < 32; i++)
        assert_int_equal(ssh_banner_parse(bytes_first(received, i), &banner, &banner_bytes),
                         PARSE_NEED_MORE);
    assert_int_equal(ssh_banner_parse(received, &banner, &banner_bytes), PARSE_OK);
    assert_bytes(banner, "SSH-2.0-OpenSSH_9.2p1 Debian-2");
    assert_int_equal(banner_bytes, 32);
    assert_int_equal(ssh_banner_parse(BYTES_LITERAL("SSH-1.99-x\n"), &banner, &banner_bytes),
                     PARSE_OK);
    assert_bytes(banner, "SSH-1.99-x");
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_banner_with_its_first_wrong_byte),
          cmocka_unit_test(refuses_a_line_of_more_than_255_bytes),
          cmocka_unit_test(takes_banners_byte_by_byte))
