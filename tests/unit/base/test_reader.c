#include "test.h"

#include "base/reader.h"

static void fails_once_and_for_good(void **state)
{
    struct reader reader = reader_over(BYTES_LITERAL("\1\2\3"));
    assert_int_equal(reader_u16(&reader), 0x0102);
    assert_int_equal(reader_u16(&reader), 0);
    assert_true(reader_is_failed(&reader));
    assert_int_equal(reader_u8(&reader), 0);
    assert_int_equal(reader_left(&reader), 0);
    assert_false(reader_is_at_end(&reader));
}

static void refuses_a_vector_longer_than_the_input(void **state)
{
    struct reader reader = reader_over(BYTES_LITERAL("\0\4abc"));
    assert_int_equal(reader_vector16(&reader).length, 0);
    assert_true(reader_is_failed(&reader));
}

static void reads_integers_and_vectors(void **state)
{
    struct reader reader = reader_over(BYTES_LITERAL("\1\2\3\4\5\6\7\2ab"));
    assert_int_equal(reader_u32(&reader), 0x01020304);
    assert_int_equal(reader_u24(&reader), 0x050607);
    assert_bytes(reader_vector8(&reader), "ab");
    assert_true(reader_is_at_end(&reader));
}

RUN_TESTS(cmocka_unit_test(fails_once_and_for_good),
          cmocka_unit_test(refuses_a_vector_longer_than_the_input),
          cmocka_unit_test(reads_integers_and_vectors))
