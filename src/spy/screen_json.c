#include "spy/screen_json.h"

#include "base/number.h"

enum { DEPTH_MAX = 64, INDENT = 2 };

/* One pass over the tokens; what is no token of JSON ends it. */
struct writer {
    struct bytes rest;
    struct buffer *out;
    bool is_fine;
};

static void put(struct writer *writer, struct bytes bytes)
{
    writer->is_fine = writer->is_fine && buffer_append(writer->out, bytes);
}

static void put_byte(struct writer *writer, uint8_t byte)
{
    put(writer, (struct bytes){&byte, 1});
}

static void skip_space(struct writer *writer)
{
    struct bytes *rest = &writer->rest;
    while (rest->length && (rest->data[0] == ' ' || rest->data[0] == '\t' ||
                            rest->data[0] == '\n' || rest->data[0] == '\r'))
        *rest = bytes_from(*rest, 1);
}

static bool next_is(struct writer *writer, uint8_t byte)
{
    skip_space(writer);
    if (writer->rest.length == 0 || writer->rest.data[0] != byte)
        return false;
    writer->rest = bytes_from(writer->rest, 1);
    return true;
}

static void line_break(struct writer *writer, int depth)
{
    put_byte(writer, '\n');
    for (int i = 0; i < depth * INDENT; i++)
        put_byte(writer, ' ');
}

static void put_code_point(struct writer *writer, uint32_t code_point)
{
    if (code_point < 0x80) {
        put_byte(writer, (uint8_t)code_point);
    } else if (code_point < 0x800) {
        put_byte(writer, (uint8_t)(0xc0 | code_point >> 6));
        put_byte(writer, (uint8_t)(0x80 | (code_point & 0x3f)));
    } else {
        if (code_point >= 0x10000) {
            put_byte(writer, (uint8_t)(0xf0 | code_point >> 18));
            put_byte(writer, (uint8_t)(0x80 | (code_point >> 12 & 0x3f)));
        } else {
            put_byte(writer, (uint8_t)(0xe0 | code_point >> 12));
        }
        put_byte(writer, (uint8_t)(0x80 | (code_point >> 6 & 0x3f)));
        put_byte(writer, (uint8_t)(0x80 | (code_point & 0x3f)));
    }
}

static bool take_unit(struct writer *writer, uint64_t *unit)
{
    if (writer->rest.length < 4 ||
        !number_parse_hexadecimal(bytes_first(writer->rest, 4), 0xffff, unit))
        return false;
    writer->rest = bytes_from(writer->rest, 4);
    return true;
}

/* After `\u`: one code point, of two units where the first is half of a pair. */
static void put_unicode(struct writer *writer)
{
    uint64_t unit = 0, second = 0;
    writer->is_fine = writer->is_fine && take_unit(writer, &unit);
    if (unit >= 0xd800 && unit < 0xdc00 && bytes_start_with(writer->rest, BYTES_LITERAL("\\u"))) {
        writer->rest = bytes_from(writer->rest, 2);
        writer->is_fine = writer->is_fine && take_unit(writer, &second);
        if (second >= 0xdc00 && second < 0xe000) {
            put_code_point(writer,
                           (uint32_t)(0x10000 + ((unit - 0xd800) << 10) + (second - 0xdc00)));
            return;
        }
        put_code_point(writer, 0xfffd);
        unit = second;
    }
    put_code_point(writer, unit >= 0xd800 && unit < 0xe000 ? 0xfffd : (uint32_t)unit);
}

static void put_escape(struct writer *writer, int depth)
{
    static const char spelled[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    if (writer->rest.length == 0) {
        writer->is_fine = false;
        return;
    }
    uint8_t kind = writer->rest.data[0];
    writer->rest = bytes_from(writer->rest, 1);
    if (kind == 'u') {
        put_unicode(writer);
        return;
    }
    for (size_t i = 0; i < sizeof(spelled) - 1; i++) {
        if (kind == (uint8_t)spelled[i]) {
            if (kind == 'n')
                line_break(writer, depth);
            else
                put_byte(writer, (uint8_t)meant[i]);
            return;
        }
    }
    writer->is_fine = false;
}

/* The opening quote is taken. */
static void put_string(struct writer *writer, int depth, bool is_as_spelled)
{
    put_byte(writer, '"');
    while (writer->is_fine) {
        struct bytes *rest = &writer->rest;
        size_t plain = 0;
        while (plain < rest->length && rest->data[plain] != '"' && rest->data[plain] != '\\')
            plain++;
        put(writer, bytes_first(*rest, plain));
        *rest = bytes_from(*rest, plain);
        if (rest->length < 2 && !bytes_start_with(*rest, BYTES_LITERAL("\""))) {
            writer->is_fine = false;
        } else if (rest->data[0] == '"') {
            *rest = bytes_from(*rest, 1);
            put_byte(writer, '"');
            return;
        } else if (is_as_spelled) {
            put(writer, bytes_first(*rest, 2));
            *rest = bytes_from(*rest, 2);
        } else {
            *rest = bytes_from(*rest, 1);
            put_escape(writer, depth);
        }
    }
}

/* true, false, null or a number: taken as it is, whatever it says. */
static void put_word(struct writer *writer)
{
    size_t length = 0;
    while (length < writer->rest.length) {
        uint8_t byte = writer->rest.data[length];
        bool is_part = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
                       byte == '-' || byte == '+' || byte == '.' || byte == 'E';
        if (!is_part)
            break;
        length++;
    }
    writer->is_fine = writer->is_fine && length > 0;
    put(writer, bytes_first(writer->rest, length));
    writer->rest = bytes_from(writer->rest, length);
}

/* `is_short`: on one line. */
static void put_value(struct writer *writer, int depth, bool is_short)
{
    skip_space(writer);
    bool is_object = bytes_start_with(writer->rest, BYTES_LITERAL("{"));
    if (next_is(writer, '"')) {
        put_string(writer, depth, is_short);
        return;
    }
    if (!is_object && !bytes_start_with(writer->rest, BYTES_LITERAL("["))) {
        put_word(writer);
        return;
    }
    uint8_t close = is_object ? '}' : ']';
    put(writer, bytes_first(writer->rest, 1));
    writer->rest = bytes_from(writer->rest, 1);
    writer->is_fine = writer->is_fine && depth < DEPTH_MAX;
    if (writer->is_fine && next_is(writer, close)) {
        put_byte(writer, close);
        return;
    }
    while (writer->is_fine) {
        if (!is_short)
            line_break(writer, depth + 1);
        if (is_object) {
            writer->is_fine = writer->is_fine && next_is(writer, '"');
            put_string(writer, depth + 1, is_short);
            writer->is_fine = writer->is_fine && next_is(writer, ':');
            put(writer, is_short ? BYTES_LITERAL(":") : BYTES_LITERAL(": "));
        }
        if (writer->is_fine)
            put_value(writer, depth + 1, is_short);
        if (next_is(writer, ',')) {
            put_byte(writer, ',');
            continue;
        }
        if (!is_short)
            line_break(writer, depth);
        writer->is_fine = writer->is_fine && next_is(writer, close);
        put_byte(writer, close);
        return;
    }
}

static bool write_all(struct bytes json, struct buffer *out, bool is_short)
{
    struct writer writer = {json, out, true};
    size_t before = buffer_length(out);
    skip_space(&writer);
    bool is_container = bytes_start_with(writer.rest, BYTES_LITERAL("{")) ||
                        bytes_start_with(writer.rest, BYTES_LITERAL("["));
    if (is_container)
        put_value(&writer, 0, is_short);
    skip_space(&writer);
    if (is_container && writer.is_fine && writer.rest.length == 0)
        return true;
    out->end -= buffer_length(out) - before;
    return false;
}

/* A text without its quotes. */
static void put_bare(struct writer *writer)
{
    struct buffer quoted;
    buffer_init(&quoted, writer->rest.length + 2);
    struct writer inner = {writer->rest, &quoted, true};
    inner.is_fine = next_is(&inner, '"');
    put_string(&inner, 0, false);
    writer->is_fine = writer->is_fine && inner.is_fine;
    writer->rest = inner.rest;
    if (inner.is_fine) {
        struct bytes text = buffer_bytes(&quoted);
        put(writer, bytes_first(bytes_from(text, 1), text.length - 2));
    }
    buffer_done(&quoted);
}

static void put_header(struct writer *writer)
{
    writer->is_fine = writer->is_fine && next_is(writer, '[');
    put_bare(writer);
    writer->is_fine = writer->is_fine && next_is(writer, ',');
    put(writer, BYTES_LITERAL(": "));
    put_bare(writer);
    writer->is_fine = writer->is_fine && next_is(writer, ']');
    put_byte(writer, '\n');
}

bool screen_json_headers(struct bytes json, struct buffer *out)
{
    struct writer writer = {json, out, true};
    size_t before = buffer_length(out);
    writer.is_fine = next_is(&writer, '[');
    if (!next_is(&writer, ']')) {
        do
            put_header(&writer);
        while (writer.is_fine && next_is(&writer, ','));
        writer.is_fine = writer.is_fine && next_is(&writer, ']');
    }
    skip_space(&writer);
    if (writer.is_fine && writer.rest.length == 0)
        return true;
    out->end -= buffer_length(out) - before;
    return false;
}

bool screen_json_readable(struct bytes json, struct buffer *out)
{
    return write_all(json, out, false);
}

bool screen_json_short(struct bytes json, struct buffer *out)
{
    return write_all(json, out, true);
}
