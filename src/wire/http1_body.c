#include "wire/http1.h"

#include "base/check.h"
#include "base/number.h"
#include "wire/http1_line.h"

/*
 * Theory of operation (chunked, RFC 9112 section 7.1)
 *
 *   SIZE -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE ...
 *     \-> EXTENSION -/                     size 0: -> TRAILER -> DONE
 *
 * Size lines and trailer lines may be split anywhere, so their bytes are gathered in `line`;
 * data passes by as parts of the caller's input. A CR must be followed by its LF in every state.
 */
enum state { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, DONE };

enum { SIZE_DIGITS_MAX = 16, CHUNK_FREE_BYTES = 16 };

void http1_body_start(struct http1_body *body, const struct http1_head_parser *parser,
                      struct http_head *trailers)
{
    *body = (struct http1_body){.framing = parser->framing,
                                .may_have_extensions = parser->kind == HTTP_RESPONSE,
                                .trailers = trailers};
    if (parser->framing == HTTP1_BODY_LENGTH)
        body->left = parser->body_bytes;
    buffer_init(&body->line, HTTP1_FIELD_LINE_MAX);
}

void http1_body_done(struct http1_body *body)
{
    buffer_done_secret(&body->line);
    body->trailers = NULL;
}

size_t http1_body_held_bytes(const struct http1_body *body)
{
    return buffer_length(&body->line);
}

static enum http1_reason take_size(struct http1_body *body)
{
    if (!number_parse_hexadecimal(buffer_bytes(&body->line), INT64_MAX, &body->left))
        return HTTP1_CHUNK_SIZE;
    buffer_clear(&body->line);
    body->digit_count = 0;
    body->state = body->left ? DATA : TRAILER;
    /* Overhead is paid for by data: what is left over after that may only grow so far. */
    uint64_t paid =
        body->left < HTTP1_CHUNK_OVERHEAD_MAX ? CHUNK_FREE_BYTES + 2 * body->left : UINT64_MAX;
    body->overhead_bytes = body->overhead_bytes > paid ? body->overhead_bytes - paid : 0;
    return body->overhead_bytes > HTTP1_CHUNK_OVERHEAD_MAX ? HTTP1_CHUNK_OVERHEAD : HTTP1_FINE;
}

static enum http1_reason take_size_byte(struct http1_body *body, uint8_t byte)
{
    if (byte == '\r') {
        body->state = SIZE_LF;
        return body->digit_count ? HTTP1_FINE : HTTP1_CHUNK_SIZE;
    }
    /* RFC 9112 section 7.1.1 allows white space before `;`: gone with the extension. */
    if (body->digit_count && (byte == ';' || byte == ' ' || byte == '\t')) {
        body->state = EXTENSION;
        return body->may_have_extensions ? HTTP1_FINE : HTTP1_CHUNK_EXTENSION;
    }
    uint64_t digit = 0;
    if (body->digit_count == SIZE_DIGITS_MAX ||
        !number_parse_hexadecimal((struct bytes){&byte, 1}, 15, &digit))
        return HTTP1_CHUNK_SIZE;
    body->digit_count++;
    CHECK(buffer_append_byte(&body->line, byte));
    return HTTP1_FINE;
}

static enum http1_reason take_extension_byte(struct http1_body *body, uint8_t byte)
{
    if (byte == '\r')
        body->state = SIZE_LF;
    else if (http1_line_is_control(byte))
        return HTTP1_CHUNK_EXTENSION;
    return body->overhead_bytes > 2 * (uint64_t)HTTP1_CHUNK_OVERHEAD_MAX ? HTTP1_CHUNK_OVERHEAD
                                                                         : HTTP1_FINE;
}

static enum http1_reason take_trailer_line(struct http1_body *body, struct bytes line)
{
    struct bytes name;
    struct bytes value;
    if (line.length == 0) {
        body->state = DONE;
        return HTTP1_FINE;
    }
    enum http1_reason reason = http1_line_split_field(line, &name, &value);
    if (reason != HTTP1_FINE)
        return reason;
    if (body->trailers == NULL)
        return HTTP1_FINE;
    reason = http1_line_head_reason(http_head_add(body->trailers, name, value));
    if (reason != HTTP1_FINE)
        return reason;
    /* As stored: in lower case. */
    size_t last = http_head_field_count(body->trailers) - 1;
    return http_head_is_forbidden_trailer(http_head_field_name(body->trailers, last))
               ? HTTP1_TRAILER_FORBIDDEN
               : HTTP1_FINE;
}

static enum http1_reason take_trailer_byte(struct http1_body *body, uint8_t byte)
{
    struct bytes line = buffer_bytes(&body->line);
    bool is_after_cr = line.length > 0 && line.data[line.length - 1] == '\r';
    if (++body->trailer_bytes > HTTP1_TRAILER_BYTES_MAX)
        return HTTP1_HEAD_TOO_LARGE;
    if (byte == '\n') {
        if (!is_after_cr)
            return HTTP1_BARE_LF;
        enum http1_reason reason = take_trailer_line(body, bytes_first(line, line.length - 1));
        buffer_clear(&body->line);
        return reason;
    }
    if (is_after_cr)
        return HTTP1_BARE_CR;
    if (byte != '\r' && http1_line_is_control(byte))
        return HTTP1_CONTROL_BYTE;
    return buffer_append_byte(&body->line, byte) ? HTTP1_FINE : HTTP1_LINE_TOO_LONG;
}

/* One byte of framing. */
static enum http1_reason take_byte(struct http1_body *body, uint8_t byte)
{
    body->overhead_bytes++;
    switch ((enum state)body->state) {
    case SIZE:
        return take_size_byte(body, byte);
    case EXTENSION:
        return take_extension_byte(body, byte);
    case SIZE_LF:
        return byte == '\n' ? take_size(body) : HTTP1_BARE_CR;
    case DATA_CR:
        body->state = DATA_LF;
        return byte == '\r' ? HTTP1_FINE : HTTP1_CHUNK_END;
    case DATA_LF:
        body->state = SIZE;
        return byte == '\n' ? HTTP1_FINE : HTTP1_CHUNK_END;
    case TRAILER:
        return take_trailer_byte(body, byte);
    case DATA:
    case DONE:
        break;
    }
    CHECK(false);
    return HTTP1_CHUNK_END;
}

/* As much of the input as belongs to the data that is left. */
static struct bytes take_data(struct http1_body *body, struct bytes input)
{
    struct bytes data =
        bytes_first(input, body->left < input.length ? (size_t)body->left : input.length);
    body->left -= data.length;
    return data;
}

static enum parse_status push_chunked(struct http1_body *body, struct bytes input, size_t *consumed,
                                      struct bytes *data)
{
    size_t position = 0;
    while (body->state != DONE && position < input.length) {
        if (body->state == DATA) {
            *data = take_data(body, bytes_from(input, position));
            *consumed = position + data->length;
            if (body->left == 0)
                body->state = DATA_CR;
            return PARSE_NEED_MORE;
        }
        body->reason = take_byte(body, input.data[position++]);
        if (body->reason != HTTP1_FINE) {
            *consumed = position;
            return PARSE_BAD;
        }
    }
    *consumed = position;
    return body->state == DONE ? PARSE_OK : PARSE_NEED_MORE;
}

enum parse_status http1_body_push(struct http1_body *body, struct bytes input, size_t *consumed,
                                  struct bytes *data)
{
    *consumed = 0;
    *data = BYTES_EMPTY;
    if (body->reason != HTTP1_FINE)
        return PARSE_BAD;
    switch (body->framing) {
    case HTTP1_BODY_NONE:
        return PARSE_OK;
    case HTTP1_BODY_LENGTH:
        *data = take_data(body, input);
        *consumed = data->length;
        return body->left == 0 ? PARSE_OK : PARSE_NEED_MORE;
    case HTTP1_BODY_CHUNKED:
        return push_chunked(body, input, consumed, data);
    case HTTP1_BODY_UNTIL_CLOSE:
        *data = input;
        *consumed = input.length;
        return PARSE_NEED_MORE;
    }
    return PARSE_BAD;
}

enum parse_status http1_body_end(struct http1_body *body)
{
    if (body->reason != HTTP1_FINE)
        return PARSE_BAD;
    bool is_complete = body->framing == HTTP1_BODY_UNTIL_CLOSE ||
                       body->framing == HTTP1_BODY_NONE ||
                       (body->framing == HTTP1_BODY_LENGTH && body->left == 0) ||
                       (body->framing == HTTP1_BODY_CHUNKED && body->state == DONE);
    if (is_complete)
        return PARSE_OK;
    body->reason = HTTP1_TRUNCATED;
    return PARSE_BAD;
}
