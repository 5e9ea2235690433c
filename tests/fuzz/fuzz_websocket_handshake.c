#include "fuzz.h"

#include "http1_properties.h"
#include "wire/websocket_handshake.h"

#include <string.h>

static void zero_sha1(const void *data, size_t length, uint8_t digest[20])
{
    memset(digest, 0, 20);
}

static bool parse_request(struct bytes *rest, struct http_head *head)
{
    struct http1_head_parser parser;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, BYTES_LITERAL("a.example.com"), 443);
    if (http1_head_parser_push(&parser, *rest, head, &head_bytes) != PARSE_OK)
        return false;
    *rest = bytes_from(*rest, head_bytes);
    return true;
}

/* A request head with a response head behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = {data, size};
    struct http_head request;
    struct http_head response;
    struct http1_head_parser parser;
    size_t head_bytes = 0;
    http_head_init(&request, HTTP_REQUEST);
    http_head_init(&response, HTTP_RESPONSE);
    if (parse_request(&rest, &request)) {
        enum websocket_reason reason = websocket_handshake_check_request(&request);
        CHECK(websocket_reason_text(reason));
        http1_head_parser_start_response(&parser, &request);
        if (http1_head_parser_push(&parser, rest, &response, &head_bytes) == PARSE_OK) {
            enum websocket_reason agreed =
                websocket_handshake_check_response(&request, &response, zero_sha1);
            if (agreed == WEBSOCKET_FINE)
                CHECK(response.status == 101 && request.upgrade == HTTP_UPGRADE_WEBSOCKET);
        }
    }
    http_head_done(&request);
    http_head_done(&response);
    return 0;
}
