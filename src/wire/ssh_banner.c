#include "wire/ssh_banner.h"

/* `received` may still become `prefix`, or has become it. */
static bool agrees_with(struct bytes received, struct bytes prefix)
{
    size_t shared = received.length < prefix.length ? received.length : prefix.length;
    return bytes_equal(bytes_first(received, shared), bytes_first(prefix, shared));
}

enum parse_status ssh_banner_parse(struct bytes received, struct bytes *banner,
                                   size_t *banner_bytes)
{
    static const struct bytes prefixes[] = {BYTES_LITERAL("SSH-2.0-"), BYTES_LITERAL("SSH-1.99-")};
    const struct bytes *prefix = NULL;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (agrees_with(received, prefixes[i]))
            prefix = &prefixes[i];
    if (prefix == NULL)
        return PARSE_BAD;

    struct bytes line = bytes_first(received, SSH_BANNER_BYTES_MAX);
    for (size_t i = prefix->length; i < line.length; i++) {
        uint8_t byte = line.data[i];
        if (byte == '\n') {
            size_t end = line.data[i - 1] == '\r' ? i - 1 : i;
            /* The software version may not be empty. */
            if (end <= prefix->length)
                return PARSE_BAD;
            *banner = bytes_first(line, end);
            *banner_bytes = i + 1;
            return PARSE_OK;
        }
        bool is_end_begun = line.data[i - 1] == '\r' && i > prefix->length;
        if (is_end_begun || (byte != '\r' && (byte < 0x20 || byte > 0x7e)))
            return PARSE_BAD;
    }
    return line.length < SSH_BANNER_BYTES_MAX ? PARSE_NEED_MORE : PARSE_BAD;
}
