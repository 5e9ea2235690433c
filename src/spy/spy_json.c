#include "spy/spy_json.h"

#include "base/base64.h"
#include "base/check.h"
#include "base/printable.h"
#include "llm/llm_json.h"

#include <stdio.h>

enum { BASE64_PIECE = 30 * 1024 };

void spy_json_init(struct spy_json *json, struct spy_output *output)
{
    *json = (struct spy_json){.output = output};
}

/* The characters of a text, without its quotes. A quote or a backslash is escaped if wanted: JSON
 * that was captured has its own. */
static void add_characters(struct spy_json *json, struct bytes text, bool has_escapes)
{
    while (text.length > 0) {
        uint32_t code_point = 0;
        size_t taken = printable_next_code_point(text, &code_point);
        bool is_quoted = !has_escapes && (code_point == '"' || code_point == '\\');
        if (taken == 0)
            spy_output_add_text(json->output, "\\ufffd");
        else if (code_point == '\n' && !has_escapes)
            spy_output_add_text(json->output, "\\n");
        else if (is_quoted)
            spy_output_add_format(json->output, "\\%c", (char)code_point);
        else if (printable_is_visible(code_point))
            spy_output_add(json->output, bytes_first(text, taken));
        else if (code_point < 0x10000)
            spy_output_add_format(json->output, "\\u%04x", code_point);
        else
            spy_output_add_format(json->output, "\\u%04x\\u%04x",
                                  0xd800 + ((code_point - 0x10000) >> 10),
                                  0xdc00 + ((code_point - 0x10000) & 0x3ff));
        text = bytes_from(text, taken ? taken : 1);
    }
}

static void add_key(struct spy_json *json, const char *key)
{
    if (json->is_next)
        spy_output_add_text(json->output, ",");
    json->is_next = true;
    if (key == NULL)
        return;
    spy_output_add_text(json->output, "\"");
    spy_output_add_text(json->output, key);
    spy_output_add_text(json->output, "\":");
}

static void open_with(struct spy_json *json, const char *key, const char *bracket)
{
    add_key(json, key);
    spy_output_add_text(json->output, bracket);
    json->is_next = false;
}

static void close_with(struct spy_json *json, const char *bracket)
{
    spy_output_add_text(json->output, bracket);
    json->is_next = true;
}

void spy_json_open_object(struct spy_json *json, const char *key)
{
    open_with(json, key, "{");
}

void spy_json_close_object(struct spy_json *json)
{
    close_with(json, "}");
}

void spy_json_open_array(struct spy_json *json, const char *key)
{
    open_with(json, key, "[");
}

void spy_json_close_array(struct spy_json *json)
{
    close_with(json, "]");
}

void spy_json_open_text(struct spy_json *json, const char *key)
{
    add_key(json, key);
    spy_output_add_text(json->output, "\"");
}

void spy_json_text_part(struct spy_json *json, struct bytes text)
{
    add_characters(json, text, false);
}

void spy_json_close_text(struct spy_json *json)
{
    spy_output_add_text(json->output, "\"");
}

void spy_json_text(struct spy_json *json, const char *key, struct bytes text)
{
    spy_json_open_text(json, key);
    spy_json_text_part(json, text);
    spy_json_close_text(json);
}

void spy_json_text_if(struct spy_json *json, const char *key, struct bytes text)
{
    if (text.length > 0)
        spy_json_text(json, key, text);
}

void spy_json_literal(struct spy_json *json, const char *key, const char *text)
{
    spy_json_text(json, key, bytes_from_text(text));
}

void spy_json_number(struct spy_json *json, const char *key, int64_t number)
{
    add_key(json, key);
    spy_output_add_format(json->output, "%lld", (long long)number);
}

void spy_json_number_if(struct spy_json *json, const char *key, int64_t number)
{
    if (number >= 0)
        spy_json_number(json, key, number);
}

void spy_json_decimal(struct spy_json *json, const char *key, int64_t number, int64_t parts)
{
    CHECK(parts == 1000 || parts == 1000000000);
    add_key(json, key);
    spy_output_add_format(json->output, parts == 1000 ? "%lld.%03lld" : "%lld.%09lld",
                          (long long)(number / parts), (long long)(number % parts));
}

void spy_json_bool(struct spy_json *json, const char *key, bool value)
{
    add_key(json, key);
    spy_output_add_text(json->output, value ? "true" : "false");
}

void spy_json_null(struct spy_json *json, const char *key)
{
    add_key(json, key);
    spy_output_add_text(json->output, "null");
}

void spy_json_raw_if(struct spy_json *json, const char *key, struct bytes text)
{
    if (text.length == 0)
        return;
    struct llm_json parsed;
    struct buffer compact;
    buffer_init(&compact, text.length + 1);
    bool is_json = llm_json_parse(&parsed, text) == LLM_JSON_WHOLE &&
                   llm_value_compact(llm_json_root(&parsed), &compact);
    if (is_json) {
        add_key(json, key);
        add_characters(json, buffer_bytes(&compact), true);
    }
    buffer_done(&compact);
    llm_json_done(&parsed);
    if (!is_json)
        spy_json_text(json, key, text);
}

void spy_json_base64(struct spy_json *json, const char *key, struct bytes bytes)
{
    struct buffer piece;
    buffer_init(&piece, BASE64_PIECE * 2);
    add_key(json, key);
    spy_output_add_text(json->output, "\"");
    while (bytes.length > 0) {
        struct bytes part = bytes_first(bytes, BASE64_PIECE);
        CHECK(base64_encode(&piece, part, BASE64_STANDARD));
        spy_output_add(json->output, buffer_bytes(&piece));
        buffer_clear(&piece);
        bytes = bytes_from(bytes, part.length);
    }
    spy_output_add_text(json->output, "\"");
    buffer_done(&piece);
}
