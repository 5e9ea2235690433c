#include "test.h"

#include "spy/screen_input.h"

#include <stdio.h>

/* All events of some bytes, given in pieces of `size`, as words. */
static const char *read_as(struct bytes bytes, size_t size)
{
    static const char *const names[SCREEN_KEY_COUNT] = {
        "char", "up",    "down", "left",    "right",    "c-left",    "c-right",
        "pgup", "pgdn",  "home", "end",     "enter",    "tab",       "bs",
        "esc",  "press", "drag", "release", "wheel-up", "wheel-down"};
    static char text[4096];
    struct screen_input input = {.length = 0};
    struct screen_input_event event;
    size_t length = 0;
    text[0] = '\0';
    while (bytes.length > 0 || input.length > 0) {
        bool is_all = bytes.length == 0;
        struct bytes piece = bytes_first(bytes, size);
        bytes = bytes_from(bytes, screen_input_add(&input, piece));
        while (screen_input_next(&input, is_all, &event)) {
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
                                       length ? " " : "", names[event.key]);
            if (event.key == SCREEN_KEY_CHARACTER)
                length +=
                    (size_t)snprintf(text + length, sizeof(text) - length, ":%x", event.code_point);
            if (event.key >= SCREEN_KEY_PRESS)
                length += (size_t)snprintf(text + length, sizeof(text) - length, "@%d,%d",
                                           event.column, event.row);
        }
        if (is_all)
            assert_int_equal(input.length, 0);
    }
    return text;
}

static const char *read_text(const char *bytes)
{
    static char whole[4096];
    snprintf(whole, sizeof(whole), "%s", read_as(bytes_from_text(bytes), 4096));
    return whole;
}

static void reads_keys(void **state)
{
    assert_string_equal(read_text("aZ ?"), "char:61 char:5a char:20 char:3f");
    assert_string_equal(read_text("\r\n\t\x7f\b\x03"), "enter enter tab bs bs char:3");
    assert_string_equal(read_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                        "char:e4 char:20ac char:1f600");
    assert_string_equal(read_text("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F"),
                        "up down right left home end");
    assert_string_equal(read_text("\x1bOA\x1bOB\x1bOH\x1bOF"), "up down home end");
    assert_string_equal(read_text("\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[7~\x1b[8~"),
                        "home end pgup pgdn home end");
    assert_string_equal(read_text("\x1b[1;5D\x1b[1;5C\x1b[1;2A"), "c-left c-right up");
}

static void an_escape_alone_is_a_key(void **state)
{
    assert_string_equal(read_text("\x1b"), "esc");
    assert_string_equal(read_text("\x1bq"), "esc char:71");
    assert_string_equal(read_text("\x1b\x1b"), "esc esc");
    struct screen_input input = {.length = 0};
    struct screen_input_event event;
    screen_input_add(&input, BYTES_LITERAL("\x1b"));
    assert_false(screen_input_next(&input, false, &event)); /* more may come */
    screen_input_add(&input, BYTES_LITERAL("[A"));
    assert_true(screen_input_next(&input, false, &event));
    assert_int_equal(event.key, SCREEN_KEY_UP);
}

static void reads_the_mouse(void **state)
{
    assert_string_equal(read_text("\x1b[<0;10;5M\x1b[<0;10;5m"), "press@9,4 release@9,4");
    assert_string_equal(read_text("\x1b[<32;300;99M"), "drag@299,98");
    assert_string_equal(read_text("\x1b[<64;1;1M\x1b[<65;1;2M"), "wheel-up@0,0 wheel-down@0,1");
    assert_string_equal(read_text("\x1b[M !!\x1b[M#!!"), "press@0,0 release@0,0");
    /* Other buttons, and places that do not exist. */
    assert_string_equal(read_text("\x1b[<2;1;1M\x1b[<0;0;0M\x1b[<66;1;1M\x1b[<128;1;1Mx"),
                        "char:78");
}

static void skips_what_is_not_known_whole(void **state)
{
    assert_string_equal(read_text("\x1b[200~x\x1b[?25h\x1b[>0cx"), "char:78 char:78");
    assert_string_equal(read_text("\x1b[99999999999999999999;;;;;;;;A"), "up");
    assert_string_equal(read_text("\xff\x80q"), "char:71");
    char longest[600];
    memset(longest, '1', sizeof(longest));
    memcpy(longest, "\x1b[", 2);
    read_as((struct bytes){(uint8_t *)longest, sizeof(longest)}, 100);
}

static void pieces_of_any_size_give_the_same(void **state)
{
    const char text[] = "a\x1b[1;5D\xe2\x82\xac\x1b[<0;10;5Mq\x1bOAz\x1b[5~\xf0\x9f\x98\x80";
    char whole[4096];
    snprintf(whole, sizeof(whole), "%s", read_text(text));
    for (size_t size = 1; size < sizeof(text); size++)
        assert_string_equal(read_as(bytes_from_text(text), size), whole);
}

static void takes_any_bytes(void **state)
{
    uint32_t random = 7;
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof(bytes); i++) {
            random = random * 1103515245 + 12345;
            uint32_t value = random >> 16;
            bytes[i] = (uint8_t)(value & 3 ? value >> 8 : (uint32_t) "\x1b[O<;M~5"[value >> 4 & 7]);
        }
        read_as((struct bytes){bytes, sizeof(bytes)}, 1 + (size_t)round % 64);
    }
}

RUN_TESTS(cmocka_unit_test(reads_keys), cmocka_unit_test(an_escape_alone_is_a_key),
          cmocka_unit_test(reads_the_mouse), cmocka_unit_test(skips_what_is_not_known_whole),
          cmocka_unit_test(pieces_of_any_size_give_the_same), cmocka_unit_test(takes_any_bytes))
