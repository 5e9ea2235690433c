#include "base/buffer.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_SMALLEST = 256 };

void buffer_init(struct buffer *buffer, size_t cap)
{
    *buffer = (struct buffer){.cap = cap};
}

void buffer_done(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer, buffer->cap);
}

void buffer_done_secret(struct buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->allocated);
    buffer_done(buffer);
}

size_t buffer_length(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

size_t buffer_room(const struct buffer *buffer)
{
    return buffer->cap - buffer_length(buffer);
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    if (buffer->data == NULL)
        return BYTES_EMPTY;
    return (struct bytes){buffer->data + buffer->start, buffer_length(buffer)};
}

/* Make `wanted` bytes (at most buffer_room) writable after buffer->end. */
static void make_space(struct buffer *buffer, size_t wanted)
{
    if (buffer->allocated - buffer->end >= wanted)
        return;
    size_t length = buffer_length(buffer);
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, length);
        buffer->start = 0;
        buffer->end = length;
    }
    if (buffer->allocated - buffer->end >= wanted)
        return;
    size_t size = buffer->allocated ? buffer->allocated : BUFFER_SMALLEST;
    while (size < length + wanted)
        size = size > buffer->cap / 2 ? buffer->cap : size * 2;
    /* Grow by copy so that secrets are never left behind by realloc's own move. */
    uint8_t *grown = memory_resize_array(NULL, size, 1);
    if (length)
        memcpy(grown, buffer->data, length);
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->allocated);
    free(buffer->data);
    buffer->data = grown;
    buffer->allocated = size;
}

uint8_t *buffer_reserve(struct buffer *buffer, size_t wanted, size_t *room)
{
    if (wanted > buffer_room(buffer))
        wanted = buffer_room(buffer);
    *room = wanted;
    if (wanted)
        make_space(buffer, wanted);
    return buffer->data ? buffer->data + buffer->end : NULL;
}

void buffer_commit(struct buffer *buffer, size_t written)
{
    CHECK(written <= buffer->allocated - buffer->end);
    buffer->end += written;
}

bool buffer_append(struct buffer *buffer, struct bytes bytes)
{
    if (bytes.length > buffer_room(buffer))
        return false;
    if (bytes.length == 0)
        return true;
    make_space(buffer, bytes.length);
    memcpy(buffer->data + buffer->end, bytes.data, bytes.length);
    buffer->end += bytes.length;
    return true;
}

bool buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, bytes_from_text(text));
}

bool buffer_append_byte(struct buffer *buffer, uint8_t byte)
{
    return buffer_append(buffer, (struct bytes){&byte, 1});
}

bool buffer_append_u16(struct buffer *buffer, uint16_t value)
{
    const uint8_t wire[] = {(uint8_t)(value >> 8), (uint8_t)value};
    return buffer_append(buffer, (struct bytes){wire, sizeof(wire)});
}

bool buffer_append_u32(struct buffer *buffer, uint32_t value)
{
    const uint8_t wire[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                            (uint8_t)value};
    return buffer_append(buffer, (struct bytes){wire, sizeof(wire)});
}

bool buffer_append_format(struct buffer *buffer, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    bool is_appended = buffer_append(buffer, (struct bytes){(uint8_t *)text, (size_t)length});
    free(text);
    return is_appended;
}

void buffer_consume(struct buffer *buffer, size_t length)
{
    CHECK(length <= buffer_length(buffer));
    buffer->start += length;
    if (buffer->start == buffer->end)
        buffer->start = buffer->end = 0;
}

void buffer_clear(struct buffer *buffer)
{
    buffer->start = buffer->end = 0;
}
