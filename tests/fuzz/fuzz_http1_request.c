#include "fuzz.h"

#include "http1_properties.h"

static const struct bytes host = BYTES_LITERAL("a.example.com");

/* The writer says of some requests that they have no content: RFC 9110 section 8.6. */
static void forget_added_length(const struct http_head *head, struct http_head *again)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (head->body != HTTP_BODY_NONE || !bytes_equal_text(http_head_method(head), methods[i]))
            continue;
        CHECK(again->body == HTTP_BODY_LENGTH && again->body_bytes == 0);
        again->body = HTTP_BODY_NONE;
    }
}

/* What the writer makes of an accepted head is read back as the same head, and nothing else. */
static void check_rewritten(const struct http_head *head)
{
    struct buffer out;
    buffer_init(&out, 2 * HTTP1_HEAD_BYTES_MAX);
    CHECK(http1_write_head(&out, head, HTTP1_KEEP_ALIVE, 1) == HTTP1_WRITTEN);
    struct http1_head_parser parser;
    struct http_head again;
    size_t head_bytes = 0;
    http1_head_parser_start_request(&parser, host, 443);
    http_head_init(&again, HTTP_REQUEST);
    enum parse_status status =
        http1_head_parser_push(&parser, buffer_bytes(&out), &again, &head_bytes);
    /* A head at the cap can pass it by what the writer adds. */
    bool is_grown = buffer_length(&out) > HTTP1_HEAD_BYTES_MAX;
    CHECK(status == PARSE_OK || is_grown);
    if (status == PARSE_OK) {
        CHECK(head_bytes == buffer_length(&out));
        forget_added_length(head, &again);
        http1_properties_check_equal(head, &again);
    }
    http_head_done(&again);
    buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes message = {data, size};
    struct http1_head_parser start;
    http1_head_parser_start_request(&start, host, 443);
    struct http1_head_parser parser = start;
    struct http_head head;
    size_t head_bytes = 0;
    http_head_init(&head, HTTP_REQUEST);
    enum parse_status status = http1_head_parser_push(&parser, message, &head, &head_bytes);
    CHECK((status == PARSE_BAD) == (parser.reason != HTTP1_FINE));
    http1_properties_check_pieces(&start, message, 1 + size % 37, status, &head, head_bytes);
    if (status == PARSE_OK) {
        CHECK(bytes_equal(http_head_authority(&head), host));
        CHECK(bytes_end_with(bytes_first(message, head_bytes), BYTES_LITERAL("\r\n\r\n")));
        check_rewritten(&head);
    }
    http_head_done(&head);
    return 0;
}
