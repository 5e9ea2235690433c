#include "base/bytes.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

struct bytes bytes_from_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool bytes_equal_text(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_from_text(text));
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

bool bytes_equal_ignore_case(struct bytes a, struct bytes b)
{
    if (a.length != b.length)
        return false;
    for (size_t i = 0; i < a.length; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool bytes_start_with(struct bytes whole, struct bytes prefix)
{
    return whole.length >= prefix.length && bytes_equal(bytes_first(whole, prefix.length), prefix);
}

bool bytes_end_with(struct bytes whole, struct bytes suffix)
{
    return whole.length >= suffix.length &&
           bytes_equal(bytes_from(whole, whole.length - suffix.length), suffix);
}

int bytes_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared ? memcmp(a.data, b.data, shared) : 0;
    if (order != 0 || a.length == b.length)
        return order;
    return a.length < b.length ? -1 : 1;
}

struct bytes bytes_from(struct bytes whole, size_t offset)
{
    if (offset >= whole.length)
        return BYTES_EMPTY;
    return (struct bytes){whole.data + offset, whole.length - offset};
}

struct bytes bytes_first(struct bytes whole, size_t length)
{
    if (length > whole.length)
        length = whole.length;
    return (struct bytes){whole.data, length};
}

size_t bytes_index_of(struct bytes whole, uint8_t byte)
{
    const uint8_t *found = whole.length ? memchr(whole.data, byte, whole.length) : NULL;
    return found ? (size_t)(found - whole.data) : whole.length;
}

struct bytes bytes_trim(struct bytes whole)
{
    while (whole.length && (whole.data[0] == ' ' || whole.data[0] == '\t'))
        whole = bytes_from(whole, 1);
    while (whole.length &&
           (whole.data[whole.length - 1] == ' ' || whole.data[whole.length - 1] == '\t'))
        whole.length--;
    return whole;
}

bool bytes_next_token(struct bytes *rest, uint8_t separator, struct bytes *token)
{
    *token = BYTES_EMPTY;
    if (rest->data == NULL)
        return false;
    size_t end = bytes_index_of(*rest, separator);
    *token = bytes_first(*rest, end);
    *rest = end == rest->length ? BYTES_EMPTY
                                : (struct bytes){rest->data + end + 1, rest->length - end - 1};
    return true;
}

uint64_t bytes_hash(struct bytes whole)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < whole.length; i++)
        hash = (hash ^ whole.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

char *bytes_copy_text(struct bytes whole)
{
    CHECK(whole.length == 0 || memchr(whole.data, 0, whole.length) == NULL);
    char *text = memory_new(whole.length + 1);
    if (whole.length)
        memcpy(text, whole.data, whole.length);
    return text;
}
