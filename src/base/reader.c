#include "base/reader.h"

struct reader reader_over(struct bytes bytes)
{
    return (struct reader){.whole = bytes};
}

bool reader_is_failed(const struct reader *reader)
{
    return reader->is_failed;
}

bool reader_is_at_end(const struct reader *reader)
{
    return !reader->is_failed && reader->position == reader->whole.length;
}

size_t reader_left(const struct reader *reader)
{
    return reader->is_failed ? 0 : reader->whole.length - reader->position;
}

struct bytes reader_take(struct reader *reader, size_t length)
{
    if (length > reader_left(reader)) {
        reader->is_failed = true;
        return BYTES_EMPTY;
    }
    struct bytes taken = bytes_first(bytes_from(reader->whole, reader->position), length);
    reader->position += length;
    return taken;
}

static uint32_t take_integer(struct reader *reader, size_t width)
{
    struct bytes wire = reader_take(reader, width);
    uint32_t value = 0;
    for (size_t i = 0; i < wire.length; i++)
        value = value << 8 | wire.data[i];
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)take_integer(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)take_integer(reader, 2);
}

uint32_t reader_u24(struct reader *reader)
{
    return take_integer(reader, 3);
}

uint32_t reader_u32(struct reader *reader)
{
    return take_integer(reader, 4);
}

struct bytes reader_vector8(struct reader *reader)
{
    return reader_take(reader, reader_u8(reader));
}

struct bytes reader_vector16(struct reader *reader)
{
    return reader_take(reader, reader_u16(reader));
}
