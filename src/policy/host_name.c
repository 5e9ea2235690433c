#include "policy/host_name.h"

#include <string.h>

/* RFC 3492 section 5 */
enum {
    PUNYCODE_BASE = 36,
    PUNYCODE_TMIN = 1,
    PUNYCODE_TMAX = 26,
    PUNYCODE_SKEW = 38,
    PUNYCODE_DAMP = 700,
    PUNYCODE_INITIAL_BIAS = 72,
    PUNYCODE_INITIAL_N = 128
};

static bool is_letter(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* The canonical form of a byte, or 0 for one that no host name has. */
static uint8_t canonical_byte(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (uint8_t)(byte + ('a' - 'A'));
    return is_letter(byte) || is_digit(byte) || byte == '-' || byte == '_' || byte == '.' ? byte
                                                                                          : 0;
}

static uint64_t punycode_adapt(uint64_t delta, uint64_t points, bool is_first)
{
    delta = is_first ? delta / PUNYCODE_DAMP : delta / 2;
    delta += delta / points;
    uint64_t k = 0;
    while (delta > ((PUNYCODE_BASE - PUNYCODE_TMIN) * PUNYCODE_TMAX) / 2) {
        delta /= PUNYCODE_BASE - PUNYCODE_TMIN;
        k += PUNYCODE_BASE;
    }
    return k + (PUNYCODE_BASE - PUNYCODE_TMIN + 1) * delta / (delta + PUNYCODE_SKEW);
}

/* One variable-length integer (RFC 3492 section 6.2) added to `*i`; false when it is broken. */
static bool punycode_next(struct bytes *rest, uint64_t bias, uint64_t *i)
{
    uint64_t weight = 1;
    for (uint64_t k = PUNYCODE_BASE;; k += PUNYCODE_BASE) {
        if (rest->length == 0)
            return false;
        uint8_t byte = rest->data[0];
        *rest = bytes_from(*rest, 1);
        if (!is_letter(byte) && !is_digit(byte))
            return false;
        uint64_t digit = is_letter(byte) ? (uint64_t)(byte - 'a') : (uint64_t)(byte - '0' + 26);
        *i += digit * weight;
        if (*i > UINT32_MAX)
            return false;
        uint64_t threshold = k <= bias                   ? PUNYCODE_TMIN
                             : k >= bias + PUNYCODE_TMAX ? PUNYCODE_TMAX
                                                         : k - bias;
        if (digit < threshold)
            return true;
        weight *= PUNYCODE_BASE - threshold;
        if (weight > UINT32_MAX)
            return false;
    }
}

/* The part behind `xn--` decodes to code points, at least one beyond ASCII, no control. */
static bool is_punycode(struct bytes encoded)
{
    size_t basic = 0;
    for (size_t i = 0; i < encoded.length; i++)
        if (encoded.data[i] == '-')
            basic = i;
    uint64_t points = basic;
    struct bytes rest = basic ? bytes_from(encoded, basic + 1) : encoded;
    if (rest.length == 0)
        return false;
    uint64_t n = PUNYCODE_INITIAL_N;
    uint64_t bias = PUNYCODE_INITIAL_BIAS;
    uint64_t i = 0;
    while (rest.length > 0) {
        uint64_t before = i;
        if (!punycode_next(&rest, bias, &i))
            return false;
        points++;
        bias = punycode_adapt(i - before, points, before == 0);
        n += i / points;
        i = i % points + 1;
        if (n < 0xa0 || n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff))
            return false;
    }
    return true;
}

static enum host_name_problem check_label(struct bytes label)
{
    if (label.length == 0)
        return HOST_NAME_EMPTY_LABEL;
    if (label.length > HOST_NAME_LABEL_MAX)
        return HOST_NAME_LONG_LABEL;
    if (label.data[0] == '-' || label.data[label.length - 1] == '-')
        return HOST_NAME_HYPHEN;
    if (bytes_start_with(label, BYTES_LITERAL("xn--")) && !is_punycode(bytes_from(label, 4)))
        return HOST_NAME_BAD_ALABEL;
    return HOST_NAME_FINE;
}

/*
 * Resolvers and URL parsers take a name whose last label is a number for an IPv4 address, in
 * hexadecimal too (inet_aton; "ends in a number" of the URL standard).
 */
static bool is_number(struct bytes label)
{
    size_t start = bytes_start_with(label, BYTES_LITERAL("0x")) ? 2 : 0;
    for (size_t i = start; i < label.length; i++) {
        uint8_t byte = label.data[i];
        if (!is_digit(byte) && !(start && byte >= 'a' && byte <= 'f'))
            return false;
    }
    return true;
}

enum host_name_problem host_name_parse(struct bytes text, struct host_name *name)
{
    if (text.length == 0)
        return HOST_NAME_EMPTY;
    if (text.length > HOST_NAME_LENGTH_MAX)
        return HOST_NAME_TOO_LONG;
    struct host_name made = {.length = (uint8_t)text.length};
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = canonical_byte(text.data[i]);
        if (byte == 0)
            return HOST_NAME_BAD_BYTE;
        if (byte == '_')
            made.has_underscore = true;
        made.text[i] = (char)byte;
    }
    struct bytes rest = host_name_bytes(&made);
    struct bytes label;
    struct bytes last = BYTES_EMPTY;
    while (bytes_next_token(&rest, '.', &label)) {
        enum host_name_problem problem = check_label(label);
        if (problem != HOST_NAME_FINE)
            return problem;
        last = label;
    }
    if (made.text[made.length - 1] == '.')
        return HOST_NAME_EMPTY_LABEL;
    if (is_number(last))
        return HOST_NAME_ADDRESS;
    *name = made;
    return HOST_NAME_FINE;
}

const char *host_name_problem_text(enum host_name_problem problem)
{
    switch (problem) {
    case HOST_NAME_FINE:
        return "the name is fine";
    case HOST_NAME_EMPTY:
        return "the name is empty";
    case HOST_NAME_TOO_LONG:
        return "the name is longer than 253 bytes";
    case HOST_NAME_BAD_BYTE:
        return "the name has a byte other than letters, digits, `-`, `_` and `.`";
    case HOST_NAME_EMPTY_LABEL:
        return "the name has an empty label";
    case HOST_NAME_LONG_LABEL:
        return "the name has a label longer than 63 bytes";
    case HOST_NAME_HYPHEN:
        return "a label of the name starts or ends with a hyphen";
    case HOST_NAME_ADDRESS:
        return "the name is an address";
    case HOST_NAME_BAD_ALABEL:
        return "a label that starts with `xn--` is no Punycode";
    }
    return "the name is unknown";
}

struct bytes host_name_bytes(const struct host_name *name)
{
    return (struct bytes){(const uint8_t *)name->text, name->length};
}

bool host_name_equal(const struct host_name *a, const struct host_name *b)
{
    return bytes_equal(host_name_bytes(a), host_name_bytes(b));
}
