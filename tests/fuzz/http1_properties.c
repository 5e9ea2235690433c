#include "http1_properties.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

void http1_properties_check_equal(const struct http_head *a, const struct http_head *b)
{
    CHECK(a->status == b->status && a->body == b->body && a->body_bytes == b->body_bytes);
    CHECK(a->announced_bytes == b->announced_bytes && a->upgrade == b->upgrade);
    CHECK(a->expects_continue == b->expects_continue);
    CHECK(a->accepts_trailers == b->accepts_trailers);
    CHECK(bytes_equal(http_head_method(a), http_head_method(b)));
    CHECK(bytes_equal(http_head_scheme(a), http_head_scheme(b)));
    CHECK(bytes_equal(http_head_authority(a), http_head_authority(b)));
    CHECK(bytes_equal(http_head_path(a), http_head_path(b)));
    CHECK(http_head_field_count(a) == http_head_field_count(b));
    for (size_t i = 0; i < http_head_field_count(a); i++) {
        CHECK(bytes_equal(http_head_field_name(a, i), http_head_field_name(b, i)));
        CHECK(bytes_equal(http_head_field_value(a, i), http_head_field_value(b, i)));
    }
}

void http1_properties_check_pieces(const struct http1_head_parser *start, struct bytes message,
                                   size_t step, enum parse_status status,
                                   const struct http_head *head, size_t head_bytes)
{
    struct http1_head_parser slow = *start;
    struct http_head other;
    size_t other_bytes = 0;
    enum parse_status piecewise = PARSE_NEED_MORE;
    http_head_init(&other, start->kind);
    for (size_t i = 0; piecewise == PARSE_NEED_MORE; i += step) {
        size_t length = i < message.length ? i : message.length;
        uint8_t *copy = malloc(length + 1);
        CHECK(copy);
        if (length)
            memcpy(copy, message.data, length);
        piecewise =
            http1_head_parser_push(&slow, (struct bytes){copy, length}, &other, &other_bytes);
        free(copy);
        if (length == message.length)
            break;
    }
    CHECK(piecewise == status);
    if (status == PARSE_OK) {
        CHECK(head_bytes == other_bytes);
        http1_properties_check_equal(head, &other);
    }
    http_head_done(&other);
}
