#include "record/audit_record.h"

#include <assert.h>
#include <time.h>

#include "base/check.h"
#include "base/printable.h"

/*
 * The datagram, all integers big-endian:
 *
 *   u8 version  u8 kind  u8 decision  u8 has_traffic  u16 port  u16 status  u32 count
 *   u64 time_ms  u64 sent  u64 received  u64 duration_ms
 *   six texts with u16 lengths: name method path rule reason detail
 */

enum { DATAGRAM_VERSION = 1, TEXT_COUNT = 6 };

static const char *const kind_names[] = {
    [AUDIT_DNS] = "dns",       [AUDIT_TLS] = "tls",         [AUDIT_HTTP] = "http",
    [AUDIT_SSH] = "ssh",       [AUDIT_CONNECT] = "connect", [AUDIT_LINK] = "link",
    [AUDIT_POLICY] = "policy", [AUDIT_CONTROL] = "control",
};
static_assert(sizeof(kind_names) / sizeof(*kind_names) == AUDIT_KIND_COUNT, "a name for each kind");

static const char *const decision_names[] = {
    [AUDIT_ALLOW] = "allow",
    [AUDIT_DENY] = "deny",
    [AUDIT_INFO] = "info",
};
static_assert(sizeof(decision_names) / sizeof(*decision_names) == AUDIT_DECISION_COUNT,
              "a name for each decision");

static const size_t text_limits[TEXT_COUNT] = {AUDIT_NAME_MAX, AUDIT_METHOD_MAX, AUDIT_PATH_MAX,
                                               AUDIT_RULE_MAX, AUDIT_REASON_MAX, AUDIT_DETAIL_MAX};

const char *audit_record_kind_name(enum audit_kind kind)
{
    CHECK(kind < AUDIT_KIND_COUNT);
    return kind_names[kind];
}

const char *audit_record_decision_name(enum audit_decision decision)
{
    CHECK(decision < AUDIT_DECISION_COUNT);
    return decision_names[decision];
}

static bool append_u64(struct buffer *out, uint64_t value)
{
    return buffer_append_u32(out, (uint32_t)(value >> 32)) &&
           buffer_append_u32(out, (uint32_t)value);
}

static uint64_t read_u64(struct reader *reader)
{
    uint64_t high = reader_u32(reader);
    return high << 32 | reader_u32(reader);
}

/* A text cut at its limit shows that it was cut. */
static bool append_text(struct buffer *out, struct bytes text, size_t limit)
{
    static const struct bytes mark = {(const uint8_t *)"...", 3};
    if (text.length <= limit)
        return buffer_append_u16(out, (uint16_t)text.length) && buffer_append(out, text);
    return buffer_append_u16(out, (uint16_t)limit) &&
           buffer_append(out, bytes_first(text, limit - mark.length)) && buffer_append(out, mark);
}

bool audit_record_encode(const struct audit_record *record, struct buffer *out)
{
    const struct bytes texts[TEXT_COUNT] = {record->name, record->method, record->path,
                                            record->rule, record->reason, record->detail};
    if (buffer_room(out) < AUDIT_DATAGRAM_MAX)
        return false;
    bool is_good = buffer_append_byte(out, DATAGRAM_VERSION) &&
                   buffer_append_byte(out, (uint8_t)record->kind) &&
                   buffer_append_byte(out, (uint8_t)record->decision) &&
                   buffer_append_byte(out, record->has_traffic) &&
                   buffer_append_u16(out, record->port) && buffer_append_u16(out, record->status) &&
                   buffer_append_u32(out, record->count) && append_u64(out, record->time_ms) &&
                   append_u64(out, record->sent) && append_u64(out, record->received) &&
                   append_u64(out, record->duration_ms);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        is_good = is_good && append_text(out, texts[i], text_limits[i]);
    CHECK(is_good);
    return true;
}

bool audit_record_decode(struct bytes datagram, struct audit_record *result)
{
    struct reader reader = reader_over(datagram);
    uint8_t version = reader_u8(&reader);
    uint8_t kind = reader_u8(&reader);
    uint8_t decision = reader_u8(&reader);
    uint8_t has_traffic = reader_u8(&reader);
    if (version != DATAGRAM_VERSION || kind >= AUDIT_KIND_COUNT ||
        decision >= AUDIT_DECISION_COUNT || has_traffic > 1)
        return false;
    struct audit_record record = {
        .kind = kind, .decision = decision, .has_traffic = has_traffic == 1};
    record.port = reader_u16(&reader);
    record.status = reader_u16(&reader);
    record.count = reader_u32(&reader);
    record.time_ms = read_u64(&reader);
    record.sent = read_u64(&reader);
    record.received = read_u64(&reader);
    record.duration_ms = read_u64(&reader);
    struct bytes *const texts[TEXT_COUNT] = {&record.name, &record.method, &record.path,
                                             &record.rule, &record.reason, &record.detail};
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        *texts[i] = reader_vector16(&reader);
        if (texts[i]->length > text_limits[i])
            return false;
    }
    if (!reader_is_at_end(&reader))
        return false;
    *result = record;
    return true;
}

/* Days to a civil date, proleptic Gregorian (Hinnant's algorithm): pure, unlike gmtime's caches. */
static void civil_date(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097;
    unsigned day_of_era = (unsigned)(shifted - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + (unsigned)(era * 400) + (*month <= 2);
}

static bool write_time(uint64_t time_ms, struct buffer *out)
{
    enum { DAY_MS = 86400000 };
    /* A time past the year 9999 cannot be written in RFC 3339. */
    uint64_t capped = time_ms < UINT64_C(253402300799999) ? time_ms : UINT64_C(253402300799999);
    unsigned year, month, day;
    civil_date(capped / DAY_MS, &year, &month, &day);
    unsigned of_day = (unsigned)(capped % DAY_MS);
    return buffer_append_format(out, "{\"time\":\"%04u-%02u-%02uT%02u:%02u:%02u.%03uZ\"", year,
                                month, day, of_day / 3600000, of_day / 60000 % 60,
                                of_day / 1000 % 60, of_day % 1000);
}

/* Characters that a terminal or a careless reader may act on: controls, bidi, invisible ones. */
static bool is_plain(uint32_t code_point)
{
    if (code_point < 0x20 || code_point == '"' || code_point == '\\')
        return false;
    if (code_point >= 0x7f && code_point <= 0xa0)
        return false;
    static const struct {
        uint32_t first, last;
    } escaped[] = {
        {0xad, 0xad},     {0x61c, 0x61c},     {0x180e, 0x180e}, {0x200b, 0x200f},
        {0x2028, 0x202f}, {0x2060, 0x206f},   {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
        {0xfff0, 0xfffb}, {0xe0000, 0xe0fff}, {0xe000, 0xf8ff}, {0xf0000, 0x10ffff},
    };
    for (size_t i = 0; i < sizeof(escaped) / sizeof(*escaped); i++)
        if (code_point >= escaped[i].first && code_point <= escaped[i].last)
            return false;
    return true;
}

static bool write_escaped(uint32_t code_point, struct buffer *out)
{
    if (code_point == '"' || code_point == '\\')
        return buffer_append_format(out, "\\%c", (char)code_point);
    if (code_point < 0x10000)
        return buffer_append_format(out, "\\u%04x", code_point);
    uint32_t offset = code_point - 0x10000;
    return buffer_append_format(out, "\\u%04x\\u%04x", 0xd800 + (offset >> 10),
                                0xdc00 + (offset & 0x3ff));
}

static bool write_string(struct bytes text, struct buffer *out)
{
    bool is_good = buffer_append_byte(out, '"');
    while (is_good && text.length) {
        uint32_t code_point = 0;
        size_t length = printable_next_code_point(text, &code_point);
        if (length == 0) {
            is_good = buffer_append_text(out, "\\ufffd");
            length = 1;
        } else if (is_plain(code_point)) {
            is_good = buffer_append(out, bytes_first(text, length));
        } else {
            is_good = write_escaped(code_point, out);
        }
        text = bytes_from(text, length);
    }
    return is_good && buffer_append_byte(out, '"');
}

static bool write_text_member(const char *key, struct bytes text, struct buffer *out)
{
    if (text.length == 0)
        return true;
    return buffer_append_format(out, ",\"%s\":", key) && write_string(text, out);
}

static bool write_number_member(const char *key, uint64_t number, bool is_present,
                                struct buffer *out)
{
    return !is_present ||
           buffer_append_format(out, ",\"%s\":%llu", key, (unsigned long long)number);
}

static bool write_members(const struct audit_record *record, struct buffer *out)
{
    return write_time(record->time_ms, out) &&
           write_text_member("kind", bytes_from_text(kind_names[record->kind]), out) &&
           write_text_member("decision", bytes_from_text(decision_names[record->decision]), out) &&
           write_text_member("name", record->name, out) &&
           write_number_member("port", record->port, record->port != 0, out) &&
           write_text_member("method", record->method, out) &&
           write_text_member("path", record->path, out) &&
           write_text_member("rule", record->rule, out) &&
           write_text_member("reason", record->reason, out) &&
           write_number_member("status", record->status, record->status != 0, out) &&
           write_number_member("sent", record->sent, record->has_traffic, out) &&
           write_number_member("received", record->received, record->has_traffic, out) &&
           write_number_member("duration_ms", record->duration_ms, record->has_traffic, out) &&
           write_number_member("count", record->count, record->count != 0, out) &&
           write_text_member("detail", record->detail, out) && buffer_append_text(out, "}\n");
}

bool audit_record_write_json(const struct audit_record *record, struct buffer *out)
{
    CHECK(record->kind < AUDIT_KIND_COUNT && record->decision < AUDIT_DECISION_COUNT);
    size_t length_before = buffer_length(out);
    if (write_members(record, out))
        return true;
    out->end -= buffer_length(out) - length_before;
    return false;
}
