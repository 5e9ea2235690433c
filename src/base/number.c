#include "base/number.h"

#include <stdio.h>
#include <string.h>

bool number_parse_decimal(struct bytes text, uint64_t maximum, uint64_t *value)
{
    if (text.length == 0 || (text.length > 1 && text.data[0] == '0'))
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t digit = text.data[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(digit - '0'), &sum))
            return false;
    }
    if (sum > maximum)
        return false;
    *value = sum;
    return true;
}

static int hexadecimal_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool number_parse_hexadecimal(struct bytes text, uint64_t maximum, uint64_t *value)
{
    if (text.length == 0 || text.length > 16)
        return false;
    uint64_t sum = 0;
    for (size_t i = 0; i < text.length; i++) {
        int digit = hexadecimal_digit(text.data[i]);
        if (digit < 0)
            return false;
        sum = sum << 4 | (uint64_t)digit;
    }
    if (sum > maximum)
        return false;
    *value = sum;
    return true;
}

bool number_parse_size(struct bytes text, uint64_t unit, uint64_t maximum, uint64_t *size_bytes)
{
    if (text.length == 0)
        return false;
    uint64_t value, product;
    const char *suffix = strchr("KMG", text.data[text.length - 1]);
    if (suffix && *suffix) {
        unit = UINT64_C(1) << (*suffix == 'K' ? 10 : *suffix == 'M' ? 20 : 30);
        text.length--;
    }
    if (!number_parse_decimal(text, UINT64_MAX, &value) ||
        __builtin_mul_overflow(value, unit, &product) || product > maximum)
        return false;
    *size_bytes = product;
    return true;
}

bool number_parse_ipv4(struct bytes text, uint32_t *address)
{
    uint32_t sum = 0;
    for (int octet_index = 0; octet_index < 4; octet_index++) {
        struct bytes token;
        uint64_t octet;
        if (!bytes_next_token(&text, '.', &token) || !number_parse_decimal(token, 255, &octet))
            return false;
        sum = sum << 8 | (uint32_t)octet;
    }
    if (text.data != NULL)
        return false;
    *address = sum;
    return true;
}

void number_format_ipv4(uint32_t address, char text[16])
{
    snprintf(text, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
             address & 255);
}
