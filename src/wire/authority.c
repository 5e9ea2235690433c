#include "wire/authority.h"

#include "base/number.h"

static bool is_host_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

bool authority_parse(struct bytes text, struct authority *authority)
{
    size_t colon = bytes_index_of(text, ':');
    struct bytes host = bytes_first(text, colon);
    uint64_t port = 0;
    if (host.length == 0)
        return false;
    for (size_t i = 0; i < host.length; i++)
        if (!is_host_byte(host.data[i]))
            return false;
    if (colon < text.length) {
        struct bytes digits = {text.data + colon + 1, text.length - colon - 1};
        if (!number_parse_decimal(digits, UINT16_MAX, &port) || port == 0)
            return false;
    }
    *authority = (struct authority){.host = host, .port = (uint16_t)port};
    return true;
}

bool authority_matches(struct bytes text, struct bytes host, uint16_t port)
{
    struct authority authority;
    return authority_parse(text, &authority) && bytes_equal_ignore_case(authority.host, host) &&
           (authority.port == 0 || authority.port == port);
}

bool authority_append(struct buffer *out, struct bytes host, uint16_t port, uint16_t default_port)
{
    if (port == default_port)
        return buffer_append(out, host);
    return buffer_append_format(out, "%.*s:%u", (int)host.length, (const char *)host.data, port);
}
