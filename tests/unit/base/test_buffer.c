#include "test.h"

#include "base/buffer.h"

static void refuses_to_grow_past_its_cap(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 4);
    assert_false(buffer_append_text(&buffer, "abcde"));
    assert_int_equal(buffer_length(&buffer), 0);
    assert_true(buffer_append_text(&buffer, "abcd"));
    assert_false(buffer_append_byte(&buffer, 'e'));
    size_t room = 9;
    buffer_reserve(&buffer, 10, &room);
    assert_int_equal(room, 0);
    buffer_done(&buffer);
}

static void reuses_consumed_room(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_true(buffer_append_text(&buffer, "0123456789"));
        if (i >= 50)
            buffer_consume(&buffer, 10);
    }
    assert_int_equal(buffer_length(&buffer), 500);
    assert_memory_equal(buffer_bytes(&buffer).data, "0123456789", 10);
    buffer_done(&buffer);
}

static void writes_integers_in_network_order(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 6);
    assert_true(buffer_append_u16(&buffer, 0x0102));
    assert_true(buffer_append_u32(&buffer, 0x03040506));
    assert_memory_equal(buffer_bytes(&buffer).data, "\1\2\3\4\5\6", 6);
    assert_false(buffer_append_u16(&buffer, 1));
    buffer_done(&buffer);
}

static void formats_all_or_nothing(void **state)
{
    struct buffer buffer;
    buffer_init(&buffer, 5);
    assert_false(buffer_append_format(&buffer, "%d", 123456));
    assert_true(buffer_append_format(&buffer, "%d", 12345));
    assert_bytes(buffer_bytes(&buffer), "12345");
    buffer_done(&buffer);
}

RUN_TESTS(cmocka_unit_test(refuses_to_grow_past_its_cap), cmocka_unit_test(reuses_consumed_room),
          cmocka_unit_test(writes_integers_in_network_order),
          cmocka_unit_test(formats_all_or_nothing))
