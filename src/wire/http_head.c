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

void http_head_trim(struct http_head *head)
{
    if (http_head_held_bytes(head) > HTTP_HEAD_KEPT_BYTES_MAX)
        http_head_done(head);
}

size_t http_head_held_bytes(const struct http_head *head)
{
    return head->data_room + head->field_room * sizeof(*head->fields);
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

/* What a byte may be part of. */
enum {
    TOKEN = 1, /* RFC 9110 section 5.6.2 */
    VALUE = 2, /* RFC 9110 section 5.5, with obs-text */
    PATH = 4   /* all that a request target may hold without ending it: no `#`, see below */
};

enum { ALL = TOKEN | VALUE | PATH, TEXT = VALUE | PATH };

/*
 * `#` would start a fragment, which some servers cut off and others take as path: no part of a
 * path here.
 */
static const uint8_t byte_classes[256] = {
    ['\t'] = VALUE,         [' '] = VALUE,        ['!'] = ALL,          ['"'] = TEXT,
    ['#'] = TOKEN | VALUE,  ['$' ... '\''] = ALL, /* $ % & ' */
    ['(' ... ')'] = TEXT,   ['*' ... '+'] = ALL,  [','] = TEXT,         ['-' ... '.'] = ALL,
    ['/'] = TEXT,           ['0' ... '9'] = ALL,  [':' ... '@'] = TEXT, /* : ; < = > ? @ */
    ['A' ... 'Z'] = ALL,    ['[' ... ']'] = TEXT, ['^' ... 'z'] = ALL,  /* ^ _ ` and letters */
    ['{'] = TEXT,           ['|'] = ALL,          ['}'] = TEXT,         ['~'] = ALL,
    [0x80 ... 0xff] = TEXT,
};

static bool are_all(struct bytes text, uint8_t class)
{
    uint8_t all = class;
    for (size_t i = 0; i < text.length; i++)
        all &= byte_classes[text.data[i]];
    return all != 0;
}

bool http_head_is_token(struct bytes text)
{
    return text.length > 0 && are_all(text, TOKEN);
}

static bool is_white(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

bool http_head_is_field_value(struct bytes text)
{
    return text.length == 0 || (!is_white(text.data[0]) && !is_white(text.data[text.length - 1]) &&
                                are_all(text, VALUE));
}

bool http_head_is_path(struct bytes text)
{
    if (bytes_equal_text(text, "*"))
        return true;
    return text.length > 0 && text.data[0] == '/' && are_all(text, PATH);
}

static bool is_listed(struct bytes name, const struct bytes *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (name.length == list[i].length && memcmp(name.data, list[i].data, name.length) == 0)
            return true;
    return false;
}

bool http_head_is_connection_name(struct bytes name)
{
    static const struct bytes names[] = {
        BYTES_LITERAL("connection"),
        BYTES_LITERAL("content-length"),
        BYTES_LITERAL("expect"),
        BYTES_LITERAL("host"),
        BYTES_LITERAL("http2-settings"),
        BYTES_LITERAL("keep-alive"),
        BYTES_LITERAL("proxy-authenticate"),
        BYTES_LITERAL("proxy-authorization"),
        BYTES_LITERAL("proxy-connection"),
        BYTES_LITERAL("te"),
        BYTES_LITERAL("transfer-encoding"),
        BYTES_LITERAL("upgrade"),
    };
    return name.length > 0 && is_listed(name, names, sizeof(names) / sizeof(names[0]));
}

bool http_head_is_forbidden_trailer(struct bytes name)
{
    static const struct bytes names[] = {
        BYTES_LITERAL("age"),
        BYTES_LITERAL("authentication-info"),
        BYTES_LITERAL("authorization"),
        BYTES_LITERAL("cache-control"),
        BYTES_LITERAL("content-encoding"),
        BYTES_LITERAL("content-location"),
        BYTES_LITERAL("content-range"),
        BYTES_LITERAL("content-type"),
        BYTES_LITERAL("cookie"),
        BYTES_LITERAL("date"),
        BYTES_LITERAL("expires"),
        BYTES_LITERAL("forwarded"),
        BYTES_LITERAL("if-match"),
        BYTES_LITERAL("if-modified-since"),
        BYTES_LITERAL("if-none-match"),
        BYTES_LITERAL("if-range"),
        BYTES_LITERAL("if-unmodified-since"),
        BYTES_LITERAL("location"),
        BYTES_LITERAL("max-forwards"),
        BYTES_LITERAL("pragma"),
        BYTES_LITERAL("range"),
        BYTES_LITERAL("retry-after"),
        BYTES_LITERAL("set-cookie"),
        BYTES_LITERAL("trailer"),
        BYTES_LITERAL("vary"),
        BYTES_LITERAL("www-authenticate"),
        BYTES_LITERAL("x-api-key"),
        BYTES_LITERAL("x-forwarded-for"),
        BYTES_LITERAL("x-forwarded-host"),
        BYTES_LITERAL("x-forwarded-proto"),
        BYTES_LITERAL("x-http-method"),
        BYTES_LITERAL("x-http-method-override"),
        BYTES_LITERAL("x-method-override"),
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
