#include "wire/websocket_handshake.h"

#include "base/check.h"

#include <string.h>

static const struct {
    const char *text;
    int status;
} reasons[] = {
    [WEBSOCKET_FINE] = {"fine", 101},
    [WEBSOCKET_NOT_GET] = {"a WebSocket is asked for with GET", 400},
    [WEBSOCKET_NO_UPGRADE] = {"Upgrade and Connection do not ask for a WebSocket", 400},
    [WEBSOCKET_HAS_BODY] = {"a WebSocket request has no body", 400},
    [WEBSOCKET_KEY] = {"Sec-WebSocket-Key is missing, repeated or not 16 bytes of base64", 400},
    [WEBSOCKET_VERSION] = {"Sec-WebSocket-Version is not 13", 426},
    [WEBSOCKET_STATUS] = {"the server did not switch protocols", 502},
    [WEBSOCKET_ACCEPT] = {"Sec-WebSocket-Accept does not fit the key", 502},
    [WEBSOCKET_PROTOCOL] = {"the server chose a subprotocol that was not offered", 502},
    [WEBSOCKET_EXTENSION] = {"the server chose an extension that was not offered", 502},
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == WEBSOCKET_REASON_COUNT, "one row a reason");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *websocket_reason_text(enum websocket_reason reason)
{
    return reasons[reason].text;
}

int websocket_reason_status(enum websocket_reason reason)
{
    return reasons[reason].status;
}

bool websocket_handshake_is_asked(const struct http_head *request)
{
    return request->upgrade == HTTP_UPGRADE_WEBSOCKET;
}

/* 16 bytes are 22 letters, the last one with four zero bits, and two `=` (RFC 4648 section 4). */
static bool is_key(struct bytes key)
{
    if (key.length != WEBSOCKET_KEY_LENGTH || key.data[22] != '=' || key.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++)
        if (key.data[i] == 0 || strchr(alphabet, key.data[i]) == NULL)
            return false;
    return strchr("AQgw", key.data[21]) != NULL;
}

enum websocket_reason websocket_handshake_check_request(const struct http_head *request)
{
    struct bytes key, version;
    if (!bytes_equal_text(http_head_method(request), "GET"))
        return WEBSOCKET_NOT_GET;
    if (request->upgrade != HTTP_UPGRADE_WEBSOCKET)
        return WEBSOCKET_NO_UPGRADE;
    if (request->body != HTTP_BODY_NONE || request->expects_continue)
        return WEBSOCKET_HAS_BODY;
    if (http_head_count(request, "sec-websocket-version") != 1 ||
        !http_head_find(request, "sec-websocket-version", &version) ||
        !bytes_equal_text(version, "13"))
        return WEBSOCKET_VERSION;
    if (http_head_count(request, "sec-websocket-key") != 1 ||
        !http_head_find(request, "sec-websocket-key", &key) || !is_key(key))
        return WEBSOCKET_KEY;
    return WEBSOCKET_FINE;
}

void websocket_handshake_accept(struct bytes key, websocket_sha1 *sha1,
                                char accept[WEBSOCKET_ACCEPT_LENGTH + 1])
{
    static const char identifier[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t joined[WEBSOCKET_KEY_LENGTH + sizeof(identifier) - 1];
    uint8_t digest[21] = {0}; /* one zero byte more makes whole groups of three */
    CHECK(key.length == WEBSOCKET_KEY_LENGTH);
    memcpy(joined, key.data, WEBSOCKET_KEY_LENGTH);
    memcpy(joined + WEBSOCKET_KEY_LENGTH, identifier, sizeof(identifier) - 1);
    sha1(joined, sizeof(joined), digest);

    for (size_t group = 0; group < 7; group++) {
        const uint8_t *three = digest + 3 * group;
        uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
        for (size_t letter = 0; letter < 4; letter++)
            accept[4 * group + letter] = alphabet[bits >> (18 - 6 * letter) & 63];
    }
    accept[WEBSOCKET_ACCEPT_LENGTH - 1] = '=';
    accept[WEBSOCKET_ACCEPT_LENGTH] = 0;
}

/* One of the comma-separated elements of the request's fields `name` begins with `chosen`. */
static bool is_offered(const struct http_head *request, const char *name, struct bytes chosen)
{
    for (size_t i = 0; i < http_head_field_count(request); i++) {
        if (!bytes_equal_text(http_head_field_name(request, i), name))
            continue;
        struct bytes rest = http_head_field_value(request, i), element;
        while (bytes_next_token(&rest, ',', &element)) {
            struct bytes offered = bytes_trim(bytes_first(element, bytes_index_of(element, ';')));
            if (bytes_equal(offered, chosen))
                return true;
        }
    }
    return false;
}

/* The response chose no subprotocol, or one that was offered. */
static bool is_protocol_legal(const struct http_head *request, const struct http_head *response)
{
    struct bytes chosen;
    size_t count = http_head_count(response, "sec-websocket-protocol");
    if (count == 0)
        return true;
    return count == 1 && http_head_find(response, "sec-websocket-protocol", &chosen) &&
           http_head_is_token(chosen) && is_offered(request, "sec-websocket-protocol", chosen);
}

/* Every extension that the response chose was offered by the request. */
static bool are_extensions_offered(const struct http_head *request,
                                   const struct http_head *response)
{
    static const char name[] = "sec-websocket-extensions";
    for (size_t i = 0; i < http_head_field_count(response); i++) {
        if (!bytes_equal_text(http_head_field_name(response, i), name))
            continue;
        struct bytes rest = http_head_field_value(response, i), element;
        while (bytes_next_token(&rest, ',', &element)) {
            struct bytes chosen = bytes_trim(bytes_first(element, bytes_index_of(element, ';')));
            if (chosen.length && !is_offered(request, name, chosen))
                return false;
        }
    }
    return true;
}

enum websocket_reason websocket_handshake_check_response(const struct http_head *request,
                                                         const struct http_head *response,
                                                         websocket_sha1 *sha1)
{
    struct bytes key, received;
    char expected[WEBSOCKET_ACCEPT_LENGTH + 1];
    if (response->status != 101)
        return WEBSOCKET_STATUS;
    if (response->upgrade != HTTP_UPGRADE_WEBSOCKET)
        return WEBSOCKET_NO_UPGRADE;
    if (!http_head_find(request, "sec-websocket-key", &key) || !is_key(key))
        return WEBSOCKET_KEY;
    websocket_handshake_accept(key, sha1, expected);
    if (http_head_count(response, "sec-websocket-accept") != 1 ||
        !http_head_find(response, "sec-websocket-accept", &received) ||
        !bytes_equal_text(received, expected))
        return WEBSOCKET_ACCEPT;
    if (!is_protocol_legal(request, response))
        return WEBSOCKET_PROTOCOL;
    if (!are_extensions_offered(request, response))
        return WEBSOCKET_EXTENSION;
    return WEBSOCKET_FINE;
}
