#include "wire/dns_message.h"

#include "base/number.h"
#include "base/reader.h"

#include <stdio.h>
#include <string.h>

enum {
    HEADER_BYTES = 12,
    FLAG_RESPONSE = 0x8000,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_RECURSION_AVAILABLE = 0x0080,
    FLAG_CHECKING_DISABLED = 0x0010,
    CLASS_IN = 1,
    UDP_BYTES_MIN = 512,
    ADDITIONAL_MAX = 8,
    NAME_BYTES_MAX = 255,
    LABEL_BYTES_MAX = 63,
    POINTER_TO_QUESTION = 0xc000 | HEADER_BYTES,
    OPTION_EXTENDED_ERROR = 15, /* RFC 8914 section 2 */
    EXTENDED_ERROR_FILTERED = 17,
    EXTENDED_ERROR_TEXT_MAX = 64,
    EDNS_DNSSEC_OK = 0x8000,
};

static const struct {
    uint16_t type;
    const char *text;
} types[] = {
    {DNS_TYPE_A, "A"},         {DNS_TYPE_NS, "NS"},     {DNS_TYPE_CNAME, "CNAME"},
    {DNS_TYPE_SOA, "SOA"},     {DNS_TYPE_PTR, "PTR"},   {DNS_TYPE_HINFO, "HINFO"},
    {DNS_TYPE_MX, "MX"},       {DNS_TYPE_TXT, "TXT"},   {DNS_TYPE_AAAA, "AAAA"},
    {DNS_TYPE_SRV, "SRV"},     {DNS_TYPE_OPT, "OPT"},   {DNS_TYPE_DS, "DS"},
    {DNS_TYPE_SSHFP, "SSHFP"}, {DNS_TYPE_SVCB, "SVCB"}, {DNS_TYPE_HTTPS, "HTTPS"},
    {DNS_TYPE_ANY, "ANY"},     {DNS_TYPE_CAA, "CAA"},
};

const char *dns_type_text(uint16_t type, char *text, size_t size)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == type) {
            snprintf(text, size, "%s", types[i].text);
            return text;
        }
    }
    snprintf(text, size, "TYPE%u", type);
    return text;
}

enum dns_rcode dns_verdict_rcode(enum dns_verdict verdict)
{
    switch (verdict) {
    case DNS_ANSWER:
        return DNS_RCODE_NO_ERROR;
    case DNS_NOT_IMPLEMENTED:
        return DNS_RCODE_NOT_IMPLEMENTED;
    case DNS_REFUSED:
        return DNS_RCODE_REFUSED;
    case DNS_BAD_VERSION:
        return DNS_RCODE_BAD_VERSION;
    case DNS_IGNORE:
    case DNS_FORMAT_ERROR:
        break;
    }
    return DNS_RCODE_FORMAT_ERROR;
}

/* Append one label in presentation form (RFC 1035 section 5.1): at most 4 bytes for each. */
static size_t write_label(struct bytes label, char *text)
{
    size_t length = 0;
    for (size_t i = 0; i < label.length; i++) {
        uint8_t byte = label.data[i];
        if (byte == '.' || byte == '\\') {
            text[length++] = '\\';
            text[length++] = (char)byte;
        } else if (byte > 0x20 && byte < 0x7f) {
            text[length++] = (char)byte;
        } else {
            length += (size_t)snprintf(text + length, 5, "\\%03u", byte);
        }
    }
    return length;
}

/* The name of the question: labels only, a compression pointer has nothing to point to. */
static bool read_question_name(struct reader *reader, struct dns_query *query)
{
    size_t wire_bytes = 1, length = 0;
    for (;;) {
        uint8_t label_bytes = reader_u8(reader);
        if (reader_is_failed(reader) || label_bytes > LABEL_BYTES_MAX)
            return false;
        if (label_bytes == 0)
            break;
        struct bytes label = reader_take(reader, label_bytes);
        wire_bytes += 1 + (size_t)label_bytes;
        if (reader_is_failed(reader) || wire_bytes > NAME_BYTES_MAX)
            return false;
        if (length)
            query->name[length++] = '.';
        length += write_label(label, query->name + length);
    }
    query->name[length] = 0;
    query->name_length = length;
    return true;
}

/* Pass over the owner name of a record, which may end in a pointer that we never follow. */
static void skip_owner_name(struct reader *reader)
{
    for (;;) {
        uint8_t label_bytes = reader_u8(reader);
        if (label_bytes == 0)
            return;
        if (label_bytes >= 0xc0) {
            reader_u8(reader);
            return;
        }
        if (label_bytes > LABEL_BYTES_MAX)
            reader->is_failed = true;
        reader_take(reader, label_bytes);
    }
}

/* RFC 6891 section 6.1: at most one OPT, owned by the root; its options are ignored. */
static bool read_additional(struct reader *reader, struct dns_query *query, uint8_t *version)
{
    size_t owner_start = reader->position;
    skip_owner_name(reader);
    bool is_root = reader->position == owner_start + 1;
    uint16_t type = reader_u16(reader);
    uint16_t class_code = reader_u16(reader);
    uint32_t ttl = reader_u32(reader);
    reader_vector16(reader);
    if (reader_is_failed(reader))
        return false;
    if (type != DNS_TYPE_OPT)
        return true;
    if (query->has_edns || !is_root)
        return false;
    query->has_edns = true;
    query->is_dnssec_ok = (ttl & EDNS_DNSSEC_OK) != 0;
    query->udp_bytes = class_code < UDP_BYTES_MIN       ? UDP_BYTES_MIN
                       : class_code > DNS_UDP_BYTES_MAX ? DNS_UDP_BYTES_MAX
                                                        : class_code;
    *version = (uint8_t)(ttl >> 16);
    return true;
}

enum dns_verdict dns_message_parse_query(struct bytes message, struct dns_query *query)
{
    struct reader reader = reader_over(message);
    *query = (struct dns_query){.udp_bytes = UDP_BYTES_MIN};
    query->id = reader_u16(&reader);
    uint16_t flags = reader_u16(&reader);
    uint16_t question_count = reader_u16(&reader);
    uint16_t answer_count = reader_u16(&reader);
    uint16_t authority_count = reader_u16(&reader);
    uint16_t additional_count = reader_u16(&reader);
    if (reader_is_failed(&reader) || (flags & FLAG_RESPONSE))
        return DNS_IGNORE;
    query->opcode = flags >> 11 & 15;
    query->is_recursion_desired = (flags & FLAG_RECURSION_DESIRED) != 0;
    query->is_checking_disabled = (flags & FLAG_CHECKING_DISABLED) != 0;
    if (query->opcode != 0)
        return DNS_NOT_IMPLEMENTED;
    if (question_count != 1 || answer_count || authority_count || additional_count > ADDITIONAL_MAX)
        return DNS_FORMAT_ERROR;
    if (!read_question_name(&reader, query)) {
        query->name[0] = '\0';
        return DNS_FORMAT_ERROR;
    }

    query->type = reader_u16(&reader);
    query->class_code = reader_u16(&reader);
    if (reader_is_failed(&reader))
        return DNS_FORMAT_ERROR;
    query->question = (struct bytes){message.data + HEADER_BYTES, reader.position - HEADER_BYTES};

    uint8_t version = 0;
    for (uint16_t i = 0; i < additional_count; i++)
        if (!read_additional(&reader, query, &version))
            return DNS_FORMAT_ERROR;
    if (!reader_is_at_end(&reader))
        return DNS_FORMAT_ERROR;
    if (version != 0)
        return DNS_BAD_VERSION;
    return query->class_code == CLASS_IN ? DNS_ANSWER : DNS_REFUSED;
}

bool dns_query_reverse_address(const struct dns_query *query, uint32_t *address)
{
    struct bytes name = {(const uint8_t *)query->name, query->name_length};
    struct bytes zone = BYTES_LITERAL(".in-addr.arpa");
    uint32_t reversed, sum = 0;
    if (name.length <= zone.length ||
        !bytes_equal_ignore_case(bytes_from(name, name.length - zone.length), zone) ||
        !number_parse_ipv4(bytes_first(name, name.length - zone.length), &reversed))
        return false;
    for (int octet = 0; octet < 4; octet++)
        sum = sum << 8 | (reversed >> (8 * octet) & 255);
    *address = sum;
    return true;
}

/* A message under construction. Parts are appended until one has no room. */
struct message_writer {
    struct buffer *out;
    size_t start; /* buffer_length(out) before */
    bool is_full;
};

static void put_u16(struct message_writer *writer, uint16_t value)
{
    writer->is_full |= !buffer_append_u16(writer->out, value);
}

static void put_u32(struct message_writer *writer, uint32_t value)
{
    writer->is_full |= !buffer_append_u32(writer->out, value);
}

static void put_u8(struct message_writer *writer, uint8_t value)
{
    writer->is_full |= !buffer_append_byte(writer->out, value);
}

static void put_bytes(struct message_writer *writer, struct bytes bytes)
{
    writer->is_full |= !buffer_append(writer->out, bytes);
}

struct record_counts {
    uint16_t answers, authorities;
};

static struct message_writer begin(struct buffer *out, const struct dns_query *query,
                                   uint16_t rcode, uint16_t more_flags, struct record_counts counts)
{
    struct message_writer writer = {.out = out, .start = buffer_length(out)};
    uint16_t flags =
        (uint16_t)(FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE | more_flags | query->opcode << 11 |
                   (query->is_recursion_desired ? FLAG_RECURSION_DESIRED : 0) |
                   (query->is_checking_disabled ? FLAG_CHECKING_DISABLED : 0) | (rcode & 15));
    put_u16(&writer, query->id);
    put_u16(&writer, flags);
    put_u16(&writer, query->question.length ? 1 : 0);
    put_u16(&writer, counts.answers);
    put_u16(&writer, counts.authorities);
    put_u16(&writer, query->has_edns ? 1 : 0);
    put_bytes(&writer, query->question);
    return writer;
}

/* A record that belongs to the name of the question, up to its data. */
static void put_record(struct message_writer *writer, uint16_t type, uint32_t ttl,
                       size_t data_bytes)
{
    put_u16(writer, POINTER_TO_QUESTION);
    put_u16(writer, type);
    put_u16(writer, CLASS_IN);
    put_u32(writer, ttl);
    put_u16(writer, (uint16_t)data_bytes);
}

/*
 * The zone that a negative answer needs (RFC 2308 section 3). Every name is a zone of its own
 * here, without a server to ask, so both names in it are the root.
 */
static void put_start_of_authority(struct message_writer *writer, uint32_t ttl)
{
    enum { SERIAL = 1, REFRESH = 3600, RETRY = 600, EXPIRE = 86400 };
    put_record(writer, DNS_TYPE_SOA, ttl, 2 + 5 * 4);
    put_u8(writer, 0);
    put_u8(writer, 0);
    put_u32(writer, SERIAL);
    put_u32(writer, REFRESH);
    put_u32(writer, RETRY);
    put_u32(writer, EXPIRE);
    put_u32(writer, ttl);
}

static void put_edns(struct message_writer *writer, const struct dns_query *query, uint16_t rcode,
                     struct bytes extended_error_text)
{
    if (!query->has_edns)
        return;
    put_u8(writer, 0);
    put_u16(writer, DNS_TYPE_OPT);
    put_u16(writer, DNS_UDP_BYTES_MAX);
    put_u32(writer, (uint32_t)(rcode >> 4) << 24 | (query->is_dnssec_ok ? EDNS_DNSSEC_OK : 0));
    if (extended_error_text.data == NULL) {
        put_u16(writer, 0);
        return;
    }
    put_u16(writer, (uint16_t)(4 + 2 + extended_error_text.length));
    put_u16(writer, OPTION_EXTENDED_ERROR);
    put_u16(writer, (uint16_t)(2 + extended_error_text.length));
    put_u16(writer, EXTENDED_ERROR_FILTERED);
    put_bytes(writer, extended_error_text);
}

/* All or nothing: take back what was written of a message that had no room. */
static bool finish(struct message_writer *writer)
{
    if (writer->is_full)
        writer->out->end -= buffer_length(writer->out) - writer->start;
    return !writer->is_full;
}

static bool finish_within(struct message_writer *writer, const struct dns_query *query,
                          enum dns_transport transport)
{
    size_t length = buffer_length(writer->out) - writer->start;
    if (!writer->is_full && transport == DNS_OVER_UDP && length > query->udp_bytes) {
        writer->out->end -= length;
        return dns_message_write_truncated(writer->out, query);
    }
    return finish(writer);
}

bool dns_message_write_address(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, uint32_t address, uint32_t ttl)
{
    struct message_writer writer = begin(out, query, 0, 0, (struct record_counts){.answers = 1});
    put_record(&writer, DNS_TYPE_A, ttl, 4);
    put_u32(&writer, address);
    put_edns(&writer, query, 0, BYTES_EMPTY);
    return finish_within(&writer, query, transport);
}

bool dns_message_write_pointer(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, struct bytes name, uint32_t ttl)
{
    struct message_writer writer = begin(out, query, 0, 0, (struct record_counts){.answers = 1});
    put_record(&writer, DNS_TYPE_PTR, ttl, name.length + 2);
    struct bytes label;
    while (bytes_next_token(&name, '.', &label)) {
        put_u8(&writer, (uint8_t)label.length);
        put_bytes(&writer, label);
    }
    put_u8(&writer, 0);
    put_edns(&writer, query, 0, BYTES_EMPTY);
    return finish_within(&writer, query, transport);
}

bool dns_message_write_any(struct buffer *out, const struct dns_query *query,
                           enum dns_transport transport, uint32_t ttl)
{
    struct bytes processor = BYTES_LITERAL("\7RFC8482\0"); /* and an empty operating system */
    struct message_writer writer = begin(out, query, 0, 0, (struct record_counts){.answers = 1});
    put_record(&writer, DNS_TYPE_HINFO, ttl, processor.length);
    put_bytes(&writer, processor);
    put_edns(&writer, query, 0, BYTES_EMPTY);
    return finish_within(&writer, query, transport);
}

bool dns_message_write_no_data(struct buffer *out, const struct dns_query *query,
                               enum dns_transport transport, uint32_t ttl)
{
    struct message_writer writer =
        begin(out, query, 0, 0, (struct record_counts){.authorities = 1});
    put_start_of_authority(&writer, ttl);
    put_edns(&writer, query, 0, BYTES_EMPTY);
    return finish_within(&writer, query, transport);
}

bool dns_message_write_denied(struct buffer *out, const struct dns_query *query,
                              enum dns_transport transport, const char *text, uint32_t ttl)
{
    struct message_writer writer =
        begin(out, query, DNS_RCODE_NAME_ERROR, 0, (struct record_counts){.authorities = 1});
    put_start_of_authority(&writer, ttl);
    put_edns(&writer, query, DNS_RCODE_NAME_ERROR,
             bytes_first(bytes_from_text(text), EXTENDED_ERROR_TEXT_MAX));
    return finish_within(&writer, query, transport);
}

bool dns_message_write_error(struct buffer *out, const struct dns_query *query,
                             enum dns_rcode rcode)
{
    struct message_writer writer = begin(out, query, (uint16_t)rcode, 0, (struct record_counts){0});
    put_edns(&writer, query, (uint16_t)rcode, BYTES_EMPTY);
    return finish(&writer);
}

bool dns_message_write_truncated(struct buffer *out, const struct dns_query *query)
{
    struct message_writer writer = begin(out, query, 0, FLAG_TRUNCATED, (struct record_counts){0});
    put_edns(&writer, query, 0, BYTES_EMPTY);
    return finish(&writer);
}
