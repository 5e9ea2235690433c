#include "llm/llm_event_json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "llm/llm_json.h"

enum type {
    A_TEXT,
    A_JSON,
    A_U64,
    A_U32,
    A_U16,
    A_SIGNED, /* -1 is left out */
    A_BOOL,
    AN_API,
    A_TRANSPORT,
    A_SIDE,
    A_SECTION,
    A_ROLE,
    A_BLOCK_KIND,
};

/* The fields of an event, in the order in which they are written. */
struct field {
    const char *name;
    enum type type;
    enum llm_json_kind kind; /* of A_JSON: the only one allowed, LLM_JSON_NONE: any */
    size_t offset;
    uint32_t kinds; /* events that have it even where it is 0: bits of 1 << kind */
};

enum {
    CALL = 1 << LLM_CALL,
    REQUEST = 1 << LLM_REQUEST,
    BLOCK = 1 << LLM_BLOCK,
    DELTA = 1 << LLM_DELTA,
    NATIVE = 1 << LLM_NATIVE,
    BODY = 1 << LLM_BODY,
};

#define FIELD(member, type_of, ...)                                                                \
    {                                                                                              \
        .name = #member, .type = (type_of), .offset = offsetof(struct llm_event, member),          \
        __VA_ARGS__                                                                                \
    }

static const struct field fields[] = {
    FIELD(provider, A_TEXT),
    FIELD(api, AN_API, .kinds = CALL | REQUEST),
    FIELD(transport, A_TRANSPORT, .kinds = CALL),
    FIELD(exchange, A_U64),
    FIELD(host, A_TEXT),
    FIELD(method, A_TEXT),
    FIELD(path, A_TEXT),
    FIELD(headers, A_JSON, .kind = LLM_JSON_ARRAY),
    FIELD(operation, A_TEXT),
    FIELD(model, A_TEXT),
    FIELD(session, A_TEXT),
    FIELD(parent, A_TEXT),
    FIELD(parameters, A_JSON, .kind = LLM_JSON_OBJECT),
    FIELD(bytes, A_U64),
    FIELD(wire_bytes, A_U64),
    FIELD(side, A_SIDE, .kinds = BLOCK | DELTA | NATIVE | BODY),
    FIELD(section, A_SECTION, .kinds = BLOCK),
    FIELD(role, A_ROLE),
    FIELD(block_kind, A_BLOCK_KIND, .kinds = BLOCK),
    FIELD(block, A_U32, .kinds = BLOCK | DELTA),
    FIELD(message, A_U32, .kinds = BLOCK),
    FIELD(is_open, A_BOOL),
    FIELD(is_error, A_BOOL),
    FIELD(id, A_TEXT),
    FIELD(name, A_TEXT),
    FIELD(text, A_TEXT),
    FIELD(json, A_JSON),
    FIELD(status, A_U16),
    FIELD(first_byte_ms, A_SIGNED),
    FIELD(duration_ms, A_SIGNED),
    FIELD(is_truncated, A_BOOL),
    FIELD(count, A_U64),
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(*fields) };

static const struct {
    const char *name;
    size_t offset;
} usage_fields[] = {
    {"input", offsetof(struct llm_usage, input)},
    {"cache_read", offsetof(struct llm_usage, cache_read)},
    {"cache_write", offsetof(struct llm_usage, cache_write)},
    {"output", offsetof(struct llm_usage, output)},
    {"reasoning", offsetof(struct llm_usage, reasoning)},
};
enum { USAGE_FIELD_COUNT = sizeof(usage_fields) / sizeof(*usage_fields) };

static const void *place(const struct llm_event *event, const struct field *field)
{
    return (const uint8_t *)event + field->offset;
}

/* Words of the fields that are enumerations, NULL past the last. */
static const char *word(enum type type, unsigned value)
{
    switch (type) {
    case AN_API:
        return value < LLM_API_COUNT ? llm_api_name((enum llm_api)value) : NULL;
    case A_TRANSPORT:
        return value <= LLM_TRANSPORT_WEBSOCKET ? llm_transport_name((enum llm_transport)value)
                                                : NULL;
    case A_SIDE:
        return value == LLM_SIDE_REQUEST ? "request" : value == LLM_SIDE_RESPONSE ? "response" : 0;
    case A_SECTION:
        return value <= LLM_SECTION_MESSAGES ? llm_section_name((enum llm_section)value) : NULL;
    case A_ROLE:
        return value <= LLM_ROLE_TOOL ? llm_role_name((enum llm_role)value) : NULL;
    case A_BLOCK_KIND:
        return value < LLM_BLOCK_KIND_COUNT ? llm_block_kind_name((enum llm_block_kind)value)
                                            : NULL;
    default:
        return NULL;
    }
}

static bool write_key(const char *name, struct buffer *out)
{
    return buffer_append_format(out, ",\"%s\":", name);
}

/* What is no JSON stands there as a text: the line stays whole whatever it is given. */
static bool write_json(struct bytes text, struct buffer *out)
{
    struct llm_json json;
    bool is_json = llm_json_parse(&json, text) == LLM_JSON_WHOLE;
    bool is_room =
        is_json ? llm_value_compact(llm_json_root(&json), out) : llm_json_append_quoted(out, text);
    llm_json_done(&json);
    return is_room;
}

static bool write_text(const struct llm_event *event, const struct field *field, struct bytes text,
                       struct buffer *out)
{
    bool is_body = event->kind == LLM_BODY && field->offset == offsetof(struct llm_event, text);
    if (is_body && llm_json_utf8_length(text) != text.length)
        return write_key("base64", out) && buffer_append_byte(out, '"') &&
               base64_encode(out, text, BASE64_STANDARD) && buffer_append_byte(out, '"');
    return write_key(field->name, out) && llm_json_append_quoted(out, text);
}

static bool write_field(const struct llm_event *event, const struct field *field,
                        struct buffer *out)
{
    bool is_always = field->kinds >> event->kind & 1;
    const void *value = place(event, field);
    uint64_t number = 0;
    switch (field->type) {
    case A_TEXT:
    case A_JSON: {
        struct bytes text = *(const struct bytes *)value;
        if (text.length == 0)
            return true;
        if (field->type == A_TEXT)
            return write_text(event, field, text, out);
        return write_key(field->name, out) && write_json(text, out);
    }
    case A_BOOL:
        return !*(const bool *)value ||
               (write_key(field->name, out) && buffer_append_text(out, "true"));
    case A_SIGNED:
        return *(const int64_t *)value < 0 ||
               buffer_append_format(out, ",\"%s\":%lld", field->name,
                                    (long long)*(const int64_t *)value);
    case A_U64:
        number = *(const uint64_t *)value;
        break;
    case A_U32:
        number = *(const uint32_t *)value;
        break;
    case A_U16:
        number = *(const uint16_t *)value;
        break;
    default: {
        unsigned chosen = *(const unsigned *)value;
        const char *name = word(field->type, chosen);
        CHECK(name != NULL);
        return (chosen == 0 && !is_always) ||
               buffer_append_format(out, ",\"%s\":\"%s\"", field->name, name);
    }
    }
    return (number == 0 && !is_always) ||
           buffer_append_format(out, ",\"%s\":%llu", field->name, (unsigned long long)number);
}
static_assert(sizeof(enum llm_api) == sizeof(unsigned) &&
                  sizeof(enum llm_block_kind) == sizeof(unsigned),
              "enumerations are read as unsigned");

static bool write_usage(const struct llm_usage *usage, struct buffer *out)
{
    if (!buffer_append_text(out, ",\"usage\":{"))
        return false;
    const char *separator = "";
    for (size_t i = 0; i < USAGE_FIELD_COUNT; i++) {
        int64_t value = *(const int64_t *)((const uint8_t *)usage + usage_fields[i].offset);
        if (value < 0)
            continue;
        if (!buffer_append_format(out, "%s\"%s\":%lld", separator, usage_fields[i].name,
                                  (long long)value))
            return false;
        separator = ",";
    }
    if (usage->native.length &&
        !(buffer_append_text(out, separator) && buffer_append_text(out, "\"native\":") &&
          write_json(usage->native, out)))
        return false;
    return buffer_append_byte(out, '}');
}

/* Days to a civil date, proleptic Gregorian (Hinnant's algorithm), and back. */
static void civil_from_days(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097, of_era = shifted % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t shifted_month = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (unsigned)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = (unsigned)(year_of_era + era * 400 + (*month <= 2));
}

static uint64_t days_from_civil(uint64_t year, uint64_t month, uint64_t day)
{
    year -= month <= 2;
    uint64_t era = year / 400, year_of_era = year % 400;
    uint64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year -
           719468;
}

static bool write_time(uint64_t time_ms, struct buffer *out)
{
    /* A time past the year 9999 cannot be written in RFC 3339. */
    uint64_t capped = time_ms < UINT64_C(253402300799999) ? time_ms : UINT64_C(253402300799999);
    unsigned year, month, day, of_day = (unsigned)(capped / 1000 % 86400);
    civil_from_days(capped / 86400000, &year, &month, &day);
    return buffer_append_format(out, ",\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\"", year,
                                month, day, of_day / 3600, of_day / 60 % 60, of_day % 60,
                                (unsigned)(capped % 1000));
}

static bool write_event(const struct llm_event *event, struct buffer *out)
{
    if (!buffer_append_format(out, "{\"v\":%d,\"event\":\"%s\"", LLM_EVENT_VERSION,
                              llm_event_kind_name(event->kind)) ||
        (event->call &&
         !buffer_append_format(out, ",\"call\":%llu", (unsigned long long)event->call)) ||
        (event->time_ms && !write_time(event->time_ms, out)))
        return false;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (!write_field(event, &fields[i], out))
            return false;
    if (event->kind == LLM_USAGE && !write_usage(&event->usage, out))
        return false;
    return buffer_append_text(out, "}\n");
}

bool llm_event_write(const struct llm_event *event, struct buffer *out)
{
    size_t before = buffer_length(out);
    if (write_event(event, out) && buffer_length(out) - before <= LLM_EVENT_LINE_MAX)
        return true;
    out->end -= buffer_length(out) - before;
    return false;
}

/* What an event that was read borrows from. */
struct line_root {
    struct llm_json json;
    uint8_t *line; /* owned */
    struct buffer pieces[FIELD_COUNT + 1];
    struct buffer body;
};

static bool read_time(struct bytes text, uint64_t *time_ms)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";
    uint64_t parts[7] = {0};
    size_t part = 0;
    if (text.length != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        if (form[i] != '0') {
            if (byte != (uint8_t)form[i])
                return false;
            part++;
        } else if (byte < '0' || byte > '9') {
            return false;
        } else {
            parts[part] = parts[part] * 10 + byte - '0';
        }
    }
    if (parts[0] < 1970 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31 ||
        parts[3] > 23 || parts[4] > 59 || parts[5] > 60)
        return false;
    uint64_t days = days_from_civil(parts[0], parts[1], parts[2]);
    *time_ms = (((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]) * 1000 + parts[6];
    return true;
}

static bool read_number(struct llm_value value, uint64_t maximum, uint64_t *number)
{
    return llm_value_is(value, LLM_JSON_NUMBER) &&
           number_parse_decimal(llm_value_raw(value), maximum, number);
}

static bool read_word(struct llm_value value, enum type type, unsigned *chosen)
{
    if (!llm_value_is(value, LLM_JSON_STRING))
        return false;
    struct bytes text = llm_value_text(value);
    const char *name;
    for (unsigned i = 0; (name = word(type, i)) != NULL; i++)
        if (bytes_equal_text(text, name)) {
            *chosen = i;
            return true;
        }
    return false;
}

static bool read_json(struct llm_value value, struct buffer *piece, struct bytes *json)
{
    buffer_init(piece, LLM_EVENT_LINE_MAX * 4);
    if (!llm_value_compact(value, piece))
        return false;
    *json = buffer_bytes(piece);
    return true;
}

static bool read_field(struct line_root *root, size_t index, struct llm_value value,
                       struct llm_event *event)
{
    const struct field *field = &fields[index];
    void *to = (uint8_t *)event + field->offset;
    uint64_t number;
    switch (field->type) {
    case A_TEXT:
        if (!llm_value_is(value, LLM_JSON_STRING))
            return false;
        *(struct bytes *)to = llm_value_text(value);
        return true;
    case A_JSON:
        return (field->kind == LLM_JSON_NONE || llm_value_is(value, field->kind)) &&
               read_json(value, &root->pieces[index], to);
    case A_BOOL:
        *(bool *)to = llm_value_is_true(value);
        return *(bool *)to || llm_value_is(value, LLM_JSON_FALSE);
    case A_SIGNED:
        if (!read_number(value, INT64_MAX, &number))
            return false;
        *(int64_t *)to = (int64_t)number;
        return true;
    case A_U64:
        return read_number(value, UINT64_MAX, to);
    case A_U32:
        if (!read_number(value, UINT32_MAX, &number))
            return false;
        *(uint32_t *)to = (uint32_t)number;
        return true;
    case A_U16:
        if (!read_number(value, UINT16_MAX, &number))
            return false;
        *(uint16_t *)to = (uint16_t)number;
        return true;
    default:
        return read_word(value, field->type, to);
    }
}

static bool read_usage(struct line_root *root, struct llm_value value, struct llm_usage *usage)
{
    if (!llm_value_is(value, LLM_JSON_OBJECT))
        return false;
    struct llm_members members = llm_members_of(value);
    while (llm_members_next(&members)) {
        if (llm_value_equals(members.key, "native") &&
            !(llm_value_is(members.value, LLM_JSON_OBJECT) && usage->native.length == 0 &&
              read_json(members.value, &root->pieces[FIELD_COUNT], &usage->native)))
            return false;
        for (size_t i = 0; i < USAGE_FIELD_COUNT; i++) {
            uint64_t number;
            if (!llm_value_equals(members.key, usage_fields[i].name))
                continue;
            if (!read_number(members.value, INT64_MAX, &number))
                return false;
            *(int64_t *)((uint8_t *)usage + usage_fields[i].offset) = (int64_t)number;
        }
    }
    return true;
}

static bool read_body(struct line_root *root, struct llm_value value, struct bytes *text)
{
    buffer_init(&root->body, LLM_EVENT_LINE_MAX);
    if (!llm_value_is(value, LLM_JSON_STRING) ||
        !base64_decode(&root->body, llm_value_text(value), BASE64_STANDARD))
        return false;
    *text = buffer_bytes(&root->body);
    return true;
}

/* Members that are no fields. `*is_known` says whether it was one of these. */
static bool read_envelope(struct line_root *root, struct llm_value key, struct llm_value value,
                          struct llm_event *event, bool *is_known)
{
    *is_known = true;
    if (llm_value_equals(key, "call"))
        return read_number(value, UINT64_MAX, &event->call);
    if (llm_value_equals(key, "time"))
        return read_time(llm_value_text(value), &event->time_ms);
    if (llm_value_equals(key, "usage"))
        return event->usage.native.length == 0 && read_usage(root, value, &event->usage);
    if (llm_value_equals(key, "base64"))
        return root->body.cap == 0 && event->kind == LLM_BODY &&
               read_body(root, value, &event->text);
    *is_known = false;
    return true;
}

static bool read_members(struct line_root *root, struct llm_event *event, struct error *error)
{
    uint64_t seen = 0;
    static_assert(FIELD_COUNT <= 64, "a bit for each field");
    struct llm_members members = llm_members_of(llm_json_root(&root->json));
    while (llm_members_next(&members)) {
        bool is_known, is_good = read_envelope(root, members.key, members.value, event, &is_known);
        for (size_t i = 0; !is_known && i < FIELD_COUNT; i++) {
            if (!llm_value_equals(members.key, fields[i].name))
                continue;
            is_known = true;
            is_good = !(seen >> i & 1) && read_field(root, i, members.value, event);
            seen |= UINT64_C(1) << i;
        }
        char shown[64];
        if (!is_good)
            return error_set(error, "\"%s\" is wrong",
                             printable_text(llm_value_text(members.key), shown, sizeof(shown)));
    }
    return true;
}

static bool read_kind(struct llm_value root, enum llm_event_kind *kind, struct error *error)
{
    struct bytes text = llm_value_get_text(root, "event");
    for (int i = 0; i < LLM_EVENT_KIND_COUNT; i++)
        if (bytes_equal_text(text, llm_event_kind_name((enum llm_event_kind)i))) {
            *kind = (enum llm_event_kind)i;
            return true;
        }
    char shown[64];
    return error_set(error, "unknown event \"%s\"", printable_text(text, shown, sizeof(shown)));
}

static bool read_line(struct line_root *root, struct llm_event *event, struct bytes line,
                      struct error *error)
{
    enum llm_json_status status = llm_json_parse(&root->json, line);
    struct llm_value whole = llm_json_root(&root->json);
    if (status != LLM_JSON_WHOLE)
        return error_set(error, "%s",
                         status == LLM_JSON_CUT ? "the line is cut" : root->json.problem);
    if (!llm_value_is(whole, LLM_JSON_OBJECT))
        return error_set(error, "not an object");
    if (llm_value_get_number(whole, "v") != LLM_EVENT_VERSION)
        return error_set(error, "another version than %d", LLM_EVENT_VERSION);
    enum llm_event_kind kind = LLM_CALL;
    if (!read_kind(whole, &kind, error))
        return false;
    *event = llm_event_make(kind, 0);
    return read_members(root, event, error);
}

bool llm_event_read(struct bytes line, struct llm_event_line *read, struct error *error)
{
    if (line.length > LLM_EVENT_LINE_MAX)
        return error_set(error, "longer than %d bytes", LLM_EVENT_LINE_MAX);
    struct line_root *root = memory_new(sizeof(*root));
    root->line = memory_new(line.length + 1);
    if (line.length)
        memcpy(root->line, line.data, line.length);
    struct llm_event_line made = {.root = root};
    if (!read_line(root, &made.event, (struct bytes){root->line, line.length}, error)) {
        llm_event_line_done(&made);
        return false;
    }
    *read = made;
    return true;
}

void llm_event_line_done(struct llm_event_line *read)
{
    struct line_root *root = read->root;
    if (root == NULL)
        return;
    for (size_t i = 0; i <= FIELD_COUNT; i++)
        buffer_done(&root->pieces[i]);
    buffer_done(&root->body);
    llm_json_done(&root->json);
    free(root->line);
    free(root);
    read->root = NULL;
}
