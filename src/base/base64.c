#include "base/base64.h"

#include "base/check.h"

static const char *const alphabets[] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

enum { NO_VALUE = 64 };

size_t base64_encoded_length(size_t length)
{
    CHECK(length <= SIZE_MAX / 4 * 3 - 3);
    return (length + 2) / 3 * 4;
}

bool base64_encode(struct buffer *out, struct bytes bytes, enum base64_alphabet alphabet)
{
    const char *letters = alphabets[alphabet];
    size_t length = base64_encoded_length(bytes.length);
    size_t room = 0;
    if (alphabet == BASE64_URL)
        length -= (3 - bytes.length % 3) % 3;
    if (length > buffer_room(out))
        return false;
    uint8_t *text = buffer_reserve(out, length, &room);
    for (size_t group = 0; 3 * group < bytes.length; group++) {
        uint32_t bits = 0;
        for (size_t i = 3 * group; i < 3 * group + 3; i++)
            bits = bits << 8 | (i < bytes.length ? bytes.data[i] : 0);
        for (size_t i = 0; i < 4 && 4 * group + i < length; i++)
            text[4 * group + i] = (uint8_t)letters[bits >> (18 - 6 * i) & 63];
    }
    for (size_t i = bytes.length / 3 * 4 + bytes.length % 3 + 1; bytes.length % 3 && i < length;
         i++)
        text[i] = '=';
    buffer_commit(out, length);
    return true;
}

static uint32_t value_of(uint8_t letter, enum base64_alphabet alphabet)
{
    const char *letters = alphabets[alphabet];
    if (letter >= 'A' && letter <= 'Z')
        return letter - (uint32_t)'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - (uint32_t)'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - (uint32_t)'0' + 52;
    if (letter == (uint8_t)letters[62])
        return 62;
    return letter == (uint8_t)letters[63] ? 63 : NO_VALUE;
}

/* The letters without their padding. False when there is a wrong number of either. */
static bool take_padding(struct bytes *text, enum base64_alphabet alphabet)
{
    size_t whole = text->length;
    while (text->length && whole - text->length < 2 && text->data[text->length - 1] == '=')
        text->length--;
    if (text->length % 4 == 1)
        return false;
    return whole % 4 == 0 || (alphabet == BASE64_URL && whole == text->length);
}

bool base64_decode(struct buffer *out, struct bytes text, enum base64_alphabet alphabet)
{
    size_t room = 0;
    size_t written = 0;
    uint32_t bits = 0;
    if (!take_padding(&text, alphabet))
        return false;
    size_t length = text.length / 4 * 3 + (text.length % 4 ? text.length % 4 - 1 : 0);
    if (length > buffer_room(out))
        return false;
    uint8_t *bytes = buffer_reserve(out, length, &room);
    for (size_t i = 0; i < text.length; i++) {
        uint32_t value = value_of(text.data[i], alphabet);
        if (value == NO_VALUE)
            return false;
        bits = bits << 6 | value;
        if (i % 4)
            bytes[written++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    size_t left_over = text.length % 4 == 2 ? 4 : text.length % 4 == 3 ? 2 : 0;
    if (bits & ((1U << left_over) - 1))
        return false;
    CHECK(written == length);
    buffer_commit(out, length);
    return true;
}
