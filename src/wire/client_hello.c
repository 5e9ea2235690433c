#include "wire/client_hello.h"

#include "base/reader.h"

#include <string.h>

enum {
    RECORD_HEADER_BYTES = 5,
    RECORD_BYTES_MAX = 16384,
    HANDSHAKE_HEADER_BYTES = 4,
    CONTENT_HANDSHAKE = 22,
    HANDSHAKE_CLIENT_HELLO = 1,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ALPN = 16,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_SUPPORTED_VERSIONS = 43,
    EXTENSION_ENCRYPTED_HELLO = 0xfe0d,
    ALERT_UNEXPECTED_MESSAGE = 10,
    ALERT_RECORD_OVERFLOW = 22,
    ALERT_ILLEGAL_PARAMETER = 47,
    ALERT_DECODE_ERROR = 50,
};

static const struct {
    const char *text;
    uint8_t alert;
} reasons[] = {
    [CLIENT_HELLO_FINE] = {"fine", 0},
    [CLIENT_HELLO_NOT_TLS] = {"not TLS", ALERT_UNEXPECTED_MESSAGE},
    [CLIENT_HELLO_NOT_HELLO] = {"not a ClientHello", ALERT_UNEXPECTED_MESSAGE},
    [CLIENT_HELLO_RECORD] = {"broken TLS record", ALERT_DECODE_ERROR},
    [CLIENT_HELLO_TOO_LONG] = {"ClientHello too long", ALERT_RECORD_OVERFLOW},
    [CLIENT_HELLO_MALFORMED] = {"malformed ClientHello", ALERT_DECODE_ERROR},
    [CLIENT_HELLO_TOO_MANY] = {"too many parts in the ClientHello", ALERT_ILLEGAL_PARAMETER},
    [CLIENT_HELLO_REPEATED] = {"repeated extension in the ClientHello", ALERT_ILLEGAL_PARAMETER},
    [CLIENT_HELLO_SERVER_NAME] = {"malformed server name", ALERT_DECODE_ERROR},
    [CLIENT_HELLO_ALPN] = {"malformed protocol list", ALERT_DECODE_ERROR},
    [CLIENT_HELLO_TRAILING] = {"bytes behind the ClientHello", ALERT_UNEXPECTED_MESSAGE},
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == CLIENT_HELLO_REASON_COUNT,
               "one row a reason");

const char *client_hello_reason_text(enum client_hello_reason reason)
{
    return reasons[reason].text;
}

uint8_t client_hello_reason_alert(enum client_hello_reason reason)
{
    return reasons[reason].alert;
}

void client_hello_init(struct client_hello *hello)
{
    memset(hello, 0, sizeof(*hello));
    buffer_init(&hello->message, HANDSHAKE_HEADER_BYTES + CLIENT_HELLO_BYTES_MAX);
}

void client_hello_done(struct client_hello *hello)
{
    buffer_done(&hello->message);
}

static enum parse_status refuse(struct client_hello *hello, enum client_hello_reason reason)
{
    hello->reason = reason;
    return PARSE_BAD;
}

bool client_hello_parse_server_name(struct bytes extension, struct bytes *name)
{
    struct reader whole = reader_over(extension);
    struct reader list = reader_over(reader_vector16(&whole));
    if (!reader_is_at_end(&whole))
        return false;
    uint8_t type = reader_u8(&list);
    struct bytes host = reader_vector16(&list);
    /* One name of type host_name: the type has no second one (RFC 6066 section 3). */
    if (!reader_is_at_end(&list) || type != 0 || host.length == 0)
        return false;
    *name = host;
    return true;
}

bool client_hello_parse_protocols(struct bytes extension,
                                  struct bytes protocols[CLIENT_HELLO_PROTOCOLS_MAX], size_t *count)
{
    struct bytes found[CLIENT_HELLO_PROTOCOLS_MAX];
    size_t found_count = 0;
    struct reader whole = reader_over(extension);
    struct reader list = reader_over(reader_vector16(&whole));
    if (!reader_is_at_end(&whole))
        return false;
    while (reader_left(&list)) {
        struct bytes protocol = reader_vector8(&list);
        if (protocol.length == 0 || found_count == CLIENT_HELLO_PROTOCOLS_MAX)
            return false;
        found[found_count++] = protocol;
    }
    if (reader_is_failed(&list) || found_count == 0)
        return false;
    memcpy(protocols, found, found_count * sizeof(found[0]));
    *count = found_count;
    return true;
}

bool client_hello_offers_protocol(const struct client_hello *hello, const char *protocol)
{
    for (size_t i = 0; i < hello->protocol_count; i++)
        if (bytes_equal_text(hello->protocols[i], protocol))
            return true;
    return false;
}

static bool read_supported_versions(struct client_hello *hello, struct bytes extension)
{
    struct reader whole = reader_over(extension);
    struct reader list = reader_over(reader_vector8(&whole));
    if (!reader_is_at_end(&whole) || reader_left(&list) == 0)
        return false;
    hello->offers_tls12 = false;
    while (reader_left(&list)) {
        uint16_t version = reader_u16(&list);
        hello->offers_tls13 |= version == 0x0304;
        hello->offers_tls12 |= version == 0x0303;
    }
    return !reader_is_failed(&list);
}

static enum client_hello_reason read_extension(struct client_hello *hello, uint16_t type,
                                               struct bytes content)
{
    switch (type) {
    case EXTENSION_SERVER_NAME:
        hello->has_server_name = true;
        return client_hello_parse_server_name(content, &hello->server_name)
                   ? CLIENT_HELLO_FINE
                   : CLIENT_HELLO_SERVER_NAME;
    case EXTENSION_ALPN:
        hello->has_alpn = true;
        return client_hello_parse_protocols(content, hello->protocols, &hello->protocol_count)
                   ? CLIENT_HELLO_FINE
                   : CLIENT_HELLO_ALPN;
    case EXTENSION_SUPPORTED_VERSIONS:
        return read_supported_versions(hello, content) ? CLIENT_HELLO_FINE : CLIENT_HELLO_MALFORMED;
    case EXTENSION_EARLY_DATA:
        hello->has_early_data = true;
        return CLIENT_HELLO_FINE;
    case EXTENSION_ENCRYPTED_HELLO:
        hello->has_encrypted_hello = true;
        return CLIENT_HELLO_FINE;
    default:
        return CLIENT_HELLO_FINE;
    }
}

static enum client_hello_reason read_extensions(struct client_hello *hello, struct bytes block)
{
    uint16_t seen[CLIENT_HELLO_EXTENSIONS_MAX];
    struct reader reader = reader_over(block);
    while (reader_left(&reader)) {
        uint16_t type = reader_u16(&reader);
        struct bytes content = reader_vector16(&reader);
        if (reader_is_failed(&reader))
            return CLIENT_HELLO_MALFORMED;
        if (hello->extension_count == CLIENT_HELLO_EXTENSIONS_MAX)
            return CLIENT_HELLO_TOO_MANY;
        for (size_t i = 0; i < hello->extension_count; i++)
            if (seen[i] == type)
                return CLIENT_HELLO_REPEATED;
        seen[hello->extension_count++] = type;
        enum client_hello_reason reason = read_extension(hello, type, content);
        if (reason != CLIENT_HELLO_FINE)
            return reason;
    }
    return CLIENT_HELLO_FINE;
}

/* The body of the handshake message, all of it. */
static enum client_hello_reason read_body(struct client_hello *hello, struct bytes body)
{
    struct reader reader = reader_over(body);
    hello->legacy_version = reader_u16(&reader);
    hello->offers_tls12 = hello->legacy_version >= 0x0303;
    reader_take(&reader, 32); /* random */
    struct bytes session = reader_vector8(&reader);
    struct bytes ciphers = reader_vector16(&reader);
    struct bytes compressions = reader_vector8(&reader);
    if (reader_is_failed(&reader) || session.length > 32 || ciphers.length < 2 ||
        ciphers.length % 2 != 0 || compressions.length == 0)
        return CLIENT_HELLO_MALFORMED;
    hello->cipher_count = ciphers.length / 2;
    if (reader_is_at_end(&reader))
        return CLIENT_HELLO_FINE; /* TLS 1.2 allows none at all */
    struct bytes extensions = reader_vector16(&reader);
    if (!reader_is_at_end(&reader))
        return CLIENT_HELLO_MALFORMED;
    return read_extensions(hello, extensions);
}

/* Move the content of each whole record into the message. */
static enum parse_status take_records(struct client_hello *hello, struct bytes received)
{
    for (;;) {
        struct bytes rest = bytes_from(received, hello->record_position);
        struct reader reader = reader_over(rest);
        uint8_t type = reader_u8(&reader);
        uint16_t version = reader_u16(&reader);
        uint16_t length = reader_u16(&reader);
        if (rest.length >= 1 && type != CONTENT_HANDSHAKE)
            return refuse(hello, hello->record_count ? CLIENT_HELLO_RECORD : CLIENT_HELLO_NOT_TLS);
        if (rest.length >= 2 && rest.data[1] != 3)
            return refuse(hello, hello->record_count ? CLIENT_HELLO_RECORD : CLIENT_HELLO_NOT_TLS);
        if (rest.length < RECORD_HEADER_BYTES)
            return PARSE_NEED_MORE;
        if (version > 0x0304 || length == 0 || length > RECORD_BYTES_MAX)
            return refuse(hello, CLIENT_HELLO_RECORD);
        if (hello->record_count == CLIENT_HELLO_RECORDS_MAX)
            return refuse(hello, CLIENT_HELLO_TOO_MANY);
        struct bytes content = bytes_first(bytes_from(rest, RECORD_HEADER_BYTES), length);
        /* The first byte of the first record already says whether this is a hello. */
        if (buffer_length(&hello->message) == 0 && content.length &&
            content.data[0] != HANDSHAKE_CLIENT_HELLO)
            return refuse(hello, CLIENT_HELLO_NOT_HELLO);
        if (content.length < length)
            return PARSE_NEED_MORE;
        if (!buffer_append(&hello->message, content))
            return refuse(hello, CLIENT_HELLO_TOO_LONG);
        hello->record_count++;
        hello->record_position += RECORD_HEADER_BYTES + (size_t)length;

        struct reader message = reader_over(buffer_bytes(&hello->message));
        reader_u8(&message);
        uint32_t body_bytes = reader_u24(&message);
        if (reader_is_failed(&message))
            continue;
        if (body_bytes > CLIENT_HELLO_BYTES_MAX)
            return refuse(hello, CLIENT_HELLO_TOO_LONG);
        if (reader_left(&message) > body_bytes)
            return refuse(hello, CLIENT_HELLO_TRAILING);
        if (reader_left(&message) == body_bytes)
            return PARSE_OK;
    }
}

enum parse_status client_hello_push(struct client_hello *hello, struct bytes received)
{
    enum parse_status status = take_records(hello, received);
    if (status != PARSE_OK)
        return status;
    struct bytes message = buffer_bytes(&hello->message);
    hello->message_bytes = message.length;
    hello->wire_bytes = hello->record_position;
    enum client_hello_reason reason = read_body(hello, bytes_from(message, HANDSHAKE_HEADER_BYTES));
    return reason == CLIENT_HELLO_FINE ? PARSE_OK : refuse(hello, reason);
}
