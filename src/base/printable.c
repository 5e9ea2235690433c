#include "base/printable.h"

#include <stdio.h>
#include <string.h>

size_t printable_next_code_point(struct bytes rest, uint32_t *code_point)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (rest.length == 0)
        return 0;
    uint8_t first = rest.data[0];
    size_t length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || length > rest.length)
        return 0;
    uint32_t value = length == 1 ? first : first & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((rest.data[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (rest.data[i] & 0x3fu);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *code_point = value;
    return length;
}

bool printable_is_visible(uint32_t code_point)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
        {0x61c, 0x61c},   {0x115f, 0x1160},   {0x17b4, 0x17b5},   {0x180b, 0x180f},
        {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0x3164, 0x3164},
        {0xfe00, 0xfe0d}, {0xfeff, 0xfeff},   {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
        {0xfffe, 0xffff}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        if (code_point >= hidden[i].first && code_point <= hidden[i].last)
            return false;
    return true;
}

void printable_append(struct buffer *out, struct bytes remote)
{
    /* Up to here the mark that says something was cut still fits. */
    size_t length_with_mark = buffer_length(out);
    while (remote.length) {
        uint32_t code_point = 0;
        size_t taken = printable_next_code_point(remote, &code_point);
        char escaped[24] = "";
        struct bytes piece = bytes_first(remote, taken);
        if (taken == 0 || !printable_is_visible(code_point)) {
            piece = BYTES_EMPTY;
            taken = taken ? taken : 1;
            for (size_t i = 0; i < taken; i++)
                snprintf(escaped + 4 * i, 5, "\\x%02x", remote.data[i]);
        } else if (code_point == '\\') {
            piece = BYTES_EMPTY;
            memcpy(escaped, "\\\\", 3);
        }
        if (piece.length == 0)
            piece = bytes_from_text(escaped);
        if (!buffer_append(out, piece)) {
            out->end -= buffer_length(out) - length_with_mark;
            (void)!buffer_append(out, BYTES_LITERAL("..."));
            return;
        }
        if (buffer_room(out) >= 3)
            length_with_mark = buffer_length(out);
        remote = bytes_from(remote, taken);
    }
}

const char *printable_text(struct bytes remote, char *text, size_t size)
{
    struct buffer out;
    buffer_init(&out, size - 1);
    printable_append(&out, remote);
    struct bytes filtered = buffer_bytes(&out);
    if (filtered.length)
        memcpy(text, filtered.data, filtered.length);
    text[filtered.length] = 0;
    buffer_done(&out);
    return text;
}
