#include "wire/http_head.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/authority.h"

#include <stdlib.h>
#include <string.h>

enum { DATA_SMALLEST = 1024, FIELDS_SMALLEST = 16 };

void http_head_init(struct http_head *head, enum http_head_kind kind)
{
    *head = (struct http_head){.kind = kind, .announced_bytes = -1};
}

void http_head_done(struct http_head *head)
{
    /* Heads carry keys and cookies. */
    if (head->data)
        explicit_bzero(head->data, head->data_bytes);
    free(head->data);
    free(head->fields);
    http_head_init(head, head->kind);
}

void http_head_clear(struct http_head *head, enum http_head_kind kind)
{
    if (head->data)
        explicit_bzero(head->data, head->data_bytes);
    *head = (struct http_head){.kind = kind,
                               .announced_bytes = -1,
                               .fields = head->fields,
                               .field_room = head->field_room,
                               .data = head->data,
                               .data_room = head->data_room};
}

void http_head_copy(struct http_head *to, const struct http_head *from)
{
    if (to == from)
        return;
    http_head_done(to);
    *to = *from;
    to->data = NULL;
    to->fields = NULL;
    to->data_room = from->data_bytes;
    to->field_room = from->field_count;
    if (from->data_bytes) {
        to->data = memory_new(from->data_bytes);
        memcpy(to->data, from->data, from->data_bytes);
    }
    if (from->field_count) {
        to->fields = memory_new_array(from->field_count, sizeof(*to->fields));
        memcpy(to->fields, from->fields, from->field_count * sizeof(*to->fields));
    }
}

static struct bytes span_bytes(const struct http_head *head, struct http_span span)
{
    if (span.length == 0)
        return BYTES_EMPTY;
    return (struct bytes){head->data + span.offset, span.length};
}

static bool store(struct http_head *head, struct bytes bytes, struct http_span *span)
{
    if (bytes.length > HTTP_HEAD_BYTES_MAX - head->data_bytes)
        return false;
    size_t wanted = head->data_bytes + bytes.length;
    if (wanted > head->data_room) {
        size_t room = head->data_room ? head->data_room : DATA_SMALLEST;
        while (room < wanted)
            room *= 2;
        /* By copy, so that no key is left behind by realloc's own move. */
        uint8_t *grown = memory_new(room);
        if (head->data_bytes) {
            memcpy(grown, head->data, head->data_bytes);
            explicit_bzero(head->data, head->data_bytes);
        }
        free(head->data);
        head->data = grown;
        head->data_room = room;
    }
    if (bytes.length)
        memcpy(head->data + head->data_bytes, bytes.data, bytes.length);
    *span = (struct http_span){(uint32_t)head->data_bytes, (uint32_t)bytes.length};
    head->data_bytes = wanted;
    return true;
}

/* ---- syntax ---- */

/* RFC 9110 section 5.6.2. */
static bool is_token_byte(uint8_t byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
        (byte >= '0' && byte <= '9'))
        return true;
    return byte > ' ' && byte < 0x7f && strchr("!#$%&'*+-.^_`|~", byte) != NULL;
}

bool http_head_is_token(struct bytes text)
{
    for (size_t i = 0; i < text.length; i++)
        if (!is_token_byte(text.data[i]))
            return false;
    return text.length > 0;
}

bool http_head_is_field_value(struct bytes text)
{
    if (text.length == 0)
        return true;
    uint8_t first = text.data[0];
    uint8_t last = text.data[text.length - 1];
    if (first == ' ' || first == '\t' || last == ' ' || last == '\t')
        return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            return false;
    }
    return true;
}

bool http_head_is_path(struct bytes text)
{
    if (bytes_equal_text(text, "*"))
        return true;
    if (text.length == 0 || text.data[0] != '/')
        return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        /* `#` would be a fragment, which some servers cut off and others take as path. */
        if (byte <= ' ' || byte == 0x7f || byte == '#')
            return false;
    }
    return true;
}

static bool is_listed(struct bytes name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (name.data[0] == (uint8_t)list[i][0] && bytes_equal_text(name, list[i]))
            return true;
    return false;
}

bool http_head_is_connection_name(struct bytes name)
{
    static const char *const names[] = {
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    };
    return name.length > 0 && is_listed(name, names, sizeof(names) / sizeof(names[0]));
}

bool http_head_is_forbidden_trailer(struct bytes name)
{
    static const char *const names[] = {
        "age",
        "authentication-info",
        "authorization",
        "cache-control",
        "content-encoding",
        "content-location",
        "content-range",
        "content-type",
        "cookie",
        "date",
        "expires",
        "forwarded",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "location",
        "max-forwards",
        "pragma",
        "range",
        "retry-after",
        "set-cookie",
        "trailer",
        "vary",
        "www-authenticate",
        "x-api-key",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    };
    return name.length == 0 || http_head_is_connection_name(name) ||
           is_listed(name, names, sizeof(names) / sizeof(names[0]));
}

/* ---- parts ---- */

static enum http_head_status set_part(struct http_head *head, struct bytes value, bool is_legal,
                                      size_t cap, struct http_span *part)
{
    if (!is_legal)
        return HTTP_HEAD_BAD;
    if (value.length > cap || !store(head, value, part))
        return HTTP_HEAD_TOO_LARGE;
    return HTTP_HEAD_OK;
}

enum http_head_status http_head_set_method(struct http_head *head, struct bytes method)
{
    return set_part(head, method, http_head_is_token(method), HTTP_HEAD_METHOD_MAX, &head->method);
}

enum http_head_status http_head_set_scheme(struct http_head *head, struct bytes scheme)
{
    return set_part(head, scheme, bytes_equal_text(scheme, "https"), SIZE_MAX, &head->scheme);
}

enum http_head_status http_head_set_authority(struct http_head *head, struct bytes authority)
{
    struct authority parsed;
    return set_part(head, authority, authority_parse(authority, &parsed), SIZE_MAX,
                    &head->authority);
}

enum http_head_status http_head_set_path(struct http_head *head, struct bytes path)
{
    return set_part(head, path, http_head_is_path(path), HTTP_HEAD_PATH_MAX, &head->path);
}

struct bytes http_head_method(const struct http_head *head)
{
    return span_bytes(head, head->method);
}

struct bytes http_head_scheme(const struct http_head *head)
{
    return span_bytes(head, head->scheme);
}

struct bytes http_head_authority(const struct http_head *head)
{
    return span_bytes(head, head->authority);
}

struct bytes http_head_path(const struct http_head *head)
{
    return span_bytes(head, head->path);
}

/* ---- fields ---- */

enum http_head_status http_head_add(struct http_head *head, struct bytes name, struct bytes value)
{
    if (!http_head_is_token(name) || !http_head_is_field_value(value))
        return HTTP_HEAD_BAD;
    if (head->field_count == HTTP_HEAD_FIELDS_MAX)
        return HTTP_HEAD_TOO_LARGE;
    struct http_field field;
    size_t before = head->data_bytes;
    if (!store(head, name, &field.name) || !store(head, value, &field.value)) {
        head->data_bytes = before;
        return HTTP_HEAD_TOO_LARGE;
    }
    for (size_t i = 0; i < name.length; i++) {
        uint8_t *byte = &head->data[field.name.offset + i];
        if (*byte >= 'A' && *byte <= 'Z')
            *byte = (uint8_t)(*byte + ('a' - 'A'));
    }
    if (head->field_count == head->field_room) {
        head->field_room = head->field_room ? head->field_room * 2 : FIELDS_SMALLEST;
        head->fields = memory_resize_array(head->fields, head->field_room, sizeof(*head->fields));
    }
    head->fields[head->field_count++] = field;
    return HTTP_HEAD_OK;
}

size_t http_head_remove_name(struct http_head *head, struct bytes name)
{
    size_t kept = 0;
    for (size_t i = 0; i < head->field_count; i++)
        if (!bytes_equal_ignore_case(http_head_field_name(head, i), name))
            head->fields[kept++] = head->fields[i];
    size_t removed = head->field_count - kept;
    head->field_count = kept;
    return removed;
}

size_t http_head_remove(struct http_head *head, const char *name)
{
    return http_head_remove_name(head, bytes_from_text(name));
}

enum http_head_status http_head_set(struct http_head *head, const char *name, struct bytes value)
{
    http_head_remove(head, name);
    return http_head_add(head, bytes_from_text(name), value);
}

size_t http_head_field_count(const struct http_head *head)
{
    return head->field_count;
}

struct bytes http_head_field_name(const struct http_head *head, size_t index)
{
    CHECK(index < head->field_count);
    return span_bytes(head, head->fields[index].name);
}

struct bytes http_head_field_value(const struct http_head *head, size_t index)
{
    CHECK(index < head->field_count);
    return span_bytes(head, head->fields[index].value);
}

bool http_head_find(const struct http_head *head, const char *name, struct bytes *value)
{
    for (size_t i = 0; i < head->field_count; i++) {
        if (bytes_equal_text(http_head_field_name(head, i), name)) {
            *value = http_head_field_value(head, i);
            return true;
        }
    }
    return false;
}

size_t http_head_count(const struct http_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->field_count; i++)
        if (bytes_equal_text(http_head_field_name(head, i), name))
            count++;
    return count;
}
