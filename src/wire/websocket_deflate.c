#include "wire/websocket_deflate.h"

#include "base/number.h"

enum { WINDOW_BITS_MIN = 8, WINDOW_BITS_MAX = 15 };

enum parameter {
    SERVER_NO_CONTEXT_TAKEOVER,
    CLIENT_NO_CONTEXT_TAKEOVER,
    SERVER_MAX_WINDOW_BITS,
    CLIENT_MAX_WINDOW_BITS,
    PARAMETERS
};

static const char *const names[] = {
    [SERVER_NO_CONTEXT_TAKEOVER] = "server_no_context_takeover",
    [CLIENT_NO_CONTEXT_TAKEOVER] = "client_no_context_takeover",
    [SERVER_MAX_WINDOW_BITS] = "server_max_window_bits",
    [CLIENT_MAX_WINDOW_BITS] = "client_max_window_bits",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == PARAMETERS, "one name a parameter");

/* A value may stand in quotes (RFC 6455 section 9.1); those that are legal need no escapes. */
static struct bytes unquote(struct bytes value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return bytes_first(bytes_from(value, 1), value.length - 2);
    return value;
}

static bool take_parameter(struct bytes text, struct websocket_deflate *deflate, unsigned *seen)
{
    size_t equals = bytes_index_of(text, '=');
    struct bytes name = bytes_trim(bytes_first(text, equals));
    struct bytes value = unquote(bytes_trim(bytes_from(text, equals + 1)));
    uint64_t bits = 0;
    unsigned which = 0;
    while (which < PARAMETERS && !bytes_equal_ignore_case(name, bytes_from_text(names[which])))
        which++;
    if (which == PARAMETERS || *seen & 1U << which)
        return false;
    *seen |= 1U << which;
    if (which <= CLIENT_NO_CONTEXT_TAKEOVER) {
        if (which == SERVER_NO_CONTEXT_TAKEOVER)
            deflate->server_keeps_context = false;
        else
            deflate->client_keeps_context = false;
        return equals == text.length;
    }
    if (!number_parse_decimal(value, WINDOW_BITS_MAX, &bits) || bits < WINDOW_BITS_MIN)
        return false;
    if (which == SERVER_MAX_WINDOW_BITS)
        deflate->server_window_bits = (uint8_t)bits;
    else
        deflate->client_window_bits = (uint8_t)bits;
    return true;
}

static bool take_extension(struct bytes text, struct websocket_deflate *deflate)
{
    struct bytes token;
    unsigned seen = 0;
    if (deflate->is_on || !bytes_next_token(&text, ';', &token) ||
        !bytes_equal_ignore_case(bytes_trim(token), BYTES_LITERAL("permessage-deflate")))
        return false;
    deflate->is_on = true;
    while (bytes_next_token(&text, ';', &token))
        if (!take_parameter(bytes_trim(token), deflate, &seen))
            return false;
    return true;
}

bool websocket_deflate_parse(struct bytes extensions, struct websocket_deflate *deflate)
{
    struct websocket_deflate found = {.server_keeps_context = true,
                                      .client_keeps_context = true,
                                      .server_window_bits = WINDOW_BITS_MAX,
                                      .client_window_bits = WINDOW_BITS_MAX};
    struct bytes element;
    while (bytes_next_token(&extensions, ',', &element))
        if (bytes_trim(element).length && !take_extension(element, &found))
            return false;
    *deflate = found;
    return true;
}
