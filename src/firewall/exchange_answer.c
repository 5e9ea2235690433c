#include "firewall/exchange_answer.h"

#include "base/check.h"

enum { ANSWER_PATH_SHOWN = 1024, HTTPS_PORT = 443 };

/* A JSON string. Text that is no visible ASCII is escaped byte by byte. */
static bool append_string(struct buffer *body, struct bytes text)
{
    bool is_good = buffer_append_byte(body, '"');
    for (size_t i = 0; i < text.length && is_good; i++) {
        uint8_t byte = text.data[i];
        if (byte == '"' || byte == '\\')
            is_good = buffer_append_byte(body, '\\') && buffer_append_byte(body, byte);
        else if (byte < 0x20 || byte >= 0x7f)
            is_good = buffer_append_format(body, "\\u%04x", byte);
        else
            is_good = buffer_append_byte(body, byte);
    }
    return is_good && buffer_append_byte(body, '"');
}

static bool append_member(struct buffer *body, const char *name, struct bytes value)
{
    if (value.length == 0)
        return true;
    return buffer_append_format(body, ",\"%s\":", name) && append_string(body, value);
}

/* The command of the host that would allow the request. */
static bool append_advice(const struct exchange_answer *answer, struct buffer *body)
{
    if (!answer->is_allowable)
        return true;
    if (answer->port == HTTPS_PORT)
        return buffer_append_format(body, ",\"allow\":\"rootcell allow %s\"", answer->name->text);
    return buffer_append_format(body, ",\"allow\":\"rootcell allow %s:%u\"", answer->name->text,
                                answer->port);
}

static bool append_body(const struct exchange_answer *answer, struct buffer *body)
{
    return buffer_append_text(body, "{\"rootcell\":") &&
           append_string(body, bytes_from_text(answer->error)) &&
           append_member(body, "reason", bytes_from_text(answer->reason)) &&
           append_member(body, "detail",
                         answer->detail ? bytes_from_text(answer->detail) : BYTES_EMPTY) &&
           append_member(body, "host", host_name_bytes(answer->name)) &&
           append_member(body, "method", answer->method) &&
           append_member(body, "path", bytes_first(answer->path, ANSWER_PATH_SHOWN)) &&
           append_advice(answer, body) && buffer_append_text(body, "}\n");
}

void exchange_answer_write(const struct exchange_answer *answer, struct http_head *head,
                           struct buffer *body)
{
    CHECK(append_body(answer, body));
    head->status = answer->status;
    bool is_head = bytes_equal_text(answer->method, "HEAD");
    head->body = is_head ? HTTP_BODY_NONE : HTTP_BODY_LENGTH;
    head->body_bytes = is_head ? 0 : buffer_length(body);
    head->announced_bytes = is_head ? (int64_t)buffer_length(body) : -1;
    CHECK(http_head_add(head, BYTES_LITERAL("content-type"), BYTES_LITERAL("application/json")) ==
          HTTP_HEAD_OK);
    CHECK(http_head_add(head, BYTES_LITERAL("cache-control"), BYTES_LITERAL("no-store")) ==
          HTTP_HEAD_OK);
    if (is_head)
        buffer_clear(body);
}
