#include "fuzz.h"

#include "http1_properties.h"

/* Decode in pieces of `step` bytes into `out`. Returns what was consumed. */
static size_t decode(const struct http1_head_parser *head, struct bytes input, size_t step,
                     struct buffer *out, struct http_head *trailers, enum parse_status *status)
{
    struct http1_body body;
    size_t position = 0;
    *status = PARSE_NEED_MORE;
    http1_body_start(&body, head, trailers);
    while (*status == PARSE_NEED_MORE && position < input.length) {
        size_t consumed = 0;
        struct bytes data;
        struct bytes piece = bytes_first(bytes_from(input, position), step);
        *status = http1_body_push(&body, piece, &consumed, &data);
        CHECK(consumed <= piece.length && data.length <= consumed);
        CHECK(consumed > 0 || *status != PARSE_NEED_MORE);
        CHECK(buffer_append(out, data));
        position += consumed;
    }
    CHECK((*status == PARSE_BAD) == (body.reason != HTTP1_FINE));
    if (*status == PARSE_OK)
        CHECK(http1_body_end(&body) == PARSE_OK);
    http1_body_done(&body);
    return position;
}

/* Content and trailers written as chunks are read back as they were. */
static void check_rewritten(struct bytes content, const struct http_head *trailers)
{
    struct http1_head_parser head = {.kind = HTTP_REQUEST, .framing = HTTP1_BODY_CHUNKED};
    struct buffer wire;
    struct buffer out;
    struct http_head again;
    enum parse_status status;
    buffer_init(&wire, content.length + 2 * HTTP1_TRAILER_BYTES_MAX);
    buffer_init(&out, content.length + 1);
    http_head_init(&again, HTTP_TRAILERS);
    if (content.length) {
        CHECK(http1_write_chunk_start(&wire, content.length) == HTTP1_WRITTEN);
        CHECK(buffer_append(&wire, content));
        CHECK(http1_write_chunk_end(&wire) == HTTP1_WRITTEN);
    }
    CHECK(http1_write_last_chunk(&wire, trailers) == HTTP1_WRITTEN);
    size_t used = decode(&head, buffer_bytes(&wire), SIZE_MAX, &out, &again, &status);
    CHECK(status == PARSE_OK && used == buffer_length(&wire));
    CHECK(bytes_equal(buffer_bytes(&out), content));
    http1_properties_check_equal(&again, trailers);
    http_head_done(&again);
    buffer_done(&out);
    buffer_done(&wire);
}

/* A chunked body: of a response where the first byte is even. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct http1_head_parser head = {.kind = data[0] & 1 ? HTTP_REQUEST : HTTP_RESPONSE,
                                     .framing = HTTP1_BODY_CHUNKED};
    struct bytes input = {data + 1, size - 1};
    struct buffer whole;
    struct buffer slow;
    struct http_head whole_trailers;
    struct http_head slow_trailers;
    enum parse_status status;
    enum parse_status piecewise;
    buffer_init(&whole, size);
    buffer_init(&slow, size);
    http_head_init(&whole_trailers, HTTP_TRAILERS);
    http_head_init(&slow_trailers, HTTP_TRAILERS);
    size_t used = decode(&head, input, SIZE_MAX, &whole, &whole_trailers, &status);
    size_t slow_used = decode(&head, input, 1 + data[0] % 7, &slow, &slow_trailers, &piecewise);
    CHECK(status == piecewise && used == slow_used);
    CHECK(bytes_equal(buffer_bytes(&whole), buffer_bytes(&slow)));
    if (status == PARSE_OK) {
        http1_properties_check_equal(&whole_trailers, &slow_trailers);
        check_rewritten(buffer_bytes(&whole), &whole_trailers);
    }
    http_head_done(&whole_trailers);
    http_head_done(&slow_trailers);
    buffer_done(&whole);
    buffer_done(&slow);
    return 0;
}
