#include "fuzz.h"

#include "http1_properties.h"

/* What the writer makes of an accepted head is read back as the same head. */
static void check_rewritten(const struct http_head *request, const struct http_head *head)
{
    struct buffer out;
    buffer_init(&out, 2 * HTTP1_HEAD_BYTES_MAX);
    CHECK(http1_write_head(&out, head, HTTP1_KEEP_ALIVE, 1) == HTTP1_WRITTEN);
    struct http1_head_parser parser;
    struct http_head again;
    size_t head_bytes = 0;
    http1_head_parser_start_response(&parser, request);
    http_head_init(&again, HTTP_RESPONSE);
    enum parse_status status =
        http1_head_parser_push(&parser, buffer_bytes(&out), &again, &head_bytes);
    CHECK(status == PARSE_OK || buffer_length(&out) > HTTP1_HEAD_BYTES_MAX);
    if (status == PARSE_OK)
        http1_properties_check_equal(head, &again);
    http_head_done(&again);
    buffer_clear(&out);
    if (head->status >= 200)
        CHECK(http1_write_head(&out, head, HTTP1_CLOSE, 0) == HTTP1_WRITTEN);
    buffer_done(&out);
}

/* The first byte says what was asked: HEAD, a WebSocket or a GET. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct bytes message = {data + 1, size - 1};
    struct http_head request;
    struct http_head head;
    size_t head_bytes = 0;
    http_head_init(&request, HTTP_REQUEST);
    http_head_init(&head, HTTP_RESPONSE);
    struct bytes method = data[0] == 'H' ? BYTES_LITERAL("HEAD") : BYTES_LITERAL("GET");
    CHECK(http_head_set_method(&request, method) == HTTP_HEAD_OK);
    if (data[0] == 'W')
        request.upgrade = HTTP_UPGRADE_WEBSOCKET;
    struct http1_head_parser start;
    http1_head_parser_start_response(&start, &request);
    struct http1_head_parser parser = start;
    enum parse_status status = http1_head_parser_push(&parser, message, &head, &head_bytes);
    CHECK((status == PARSE_BAD) == (parser.reason != HTTP1_FINE));
    http1_properties_check_pieces(&start, message, 1 + size % 37, status, &head, head_bytes);
    /* A 101 that agrees to nothing is for the handshake's check to refuse. */
    if (status == PARSE_OK && (head.status != 101 || head.upgrade != HTTP_UPGRADE_NONE))
        check_rewritten(&request, &head);
    http_head_done(&head);
    http_head_done(&request);
    return 0;
}
