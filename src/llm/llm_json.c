#include "llm/llm_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"

/*
 * Nodes stand in the order of the document; a container is followed by its members, an object's
 * key by its value, and `next` is the node after all of it. Of texts, `start` and `end` are within
 * the quotes.
 */
struct llm_json_node {
    uint32_t start, end, next;
    uint8_t kind;
    bool has_escape;
    const struct llm_json_piece *decoded; /* borrowed; NULL: not yet */
};

struct llm_json_piece {
    struct llm_json_piece *next;
    size_t length;
    uint8_t data[];
};

enum expected { A_VALUE, A_VALUE_OR_END, A_KEY, A_KEY_OR_END, A_COLON, A_COMMA_OR_END, THE_END };

struct parse {
    struct llm_json *json;
    uint32_t at;
    enum expected expected;
    uint32_t depth;
    uint32_t open[LLM_JSON_DEPTH_MAX]; /* the containers that are not closed */
    enum llm_json_status status;
};

static void fail(struct parse *parse, const char *problem)
{
    parse->status = LLM_JSON_BAD;
    parse->json->problem = problem;
}

static struct llm_json_node *add_node(struct parse *parse, enum llm_json_kind kind, uint32_t start)
{
    struct llm_json *json = parse->json;
    if (json->count == LLM_JSON_NODES_MAX) {
        fail(parse, "too many values");
        return NULL;
    }
    if (json->count == json->allocated) {
        json->allocated = json->allocated ? json->allocated * 2 : 64;
        json->nodes = memory_resize_array(json->nodes, json->allocated, sizeof(*json->nodes));
    }
    struct llm_json_node *node = &json->nodes[json->count++];
    *node = (struct llm_json_node){
        .start = start, .end = start, .next = json->count, .kind = (uint8_t)kind};
    return node;
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hexadecimal(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* How many bytes the escape at `at` takes; 0 when it is none; past the end when it is cut. */
static size_t escape_length(struct bytes text, size_t at)
{
    if (at + 1 >= text.length)
        return 2;
    uint8_t letter = text.data[at + 1];
    if (letter != 'u')
        return memchr("\"\\/bfnrt", letter, 8) ? 2 : 0;
    for (size_t i = at + 2; i < at + 6 && i < text.length; i++)
        if (!is_hexadecimal(text.data[i]))
            return 0;
    return 6;
}

/* How many bytes at the end begin a character of UTF-8 that is not whole. */
static uint32_t unfinished_tail(struct bytes text)
{
    for (uint32_t back = 1; back <= 3 && back <= text.length; back++) {
        uint8_t byte = text.data[text.length - back];
        if (byte >= 0xc0)
            return back < (byte >= 0xf0 ? 4u : byte >= 0xe0 ? 3u : 2u) ? back : 0;
        if (byte < 0x80)
            return 0;
    }
    return 0;
}

/* From after the quote. Sets `node` and leaves parse->at after the closing quote. */
static void scan_string(struct parse *parse, struct llm_json_node *node)
{
    struct bytes text = parse->json->text;
    size_t at = parse->at;
    while (at < text.length && text.data[at] != '"') {
        uint8_t byte = text.data[at];
        if (byte < 0x20) {
            fail(parse, "a control character in a text");
            return;
        }
        if (byte != '\\') {
            at++;
            continue;
        }
        size_t length = escape_length(text, at);
        if (length == 0) {
            fail(parse, "a wrong escape");
            return;
        }
        node->has_escape = true;
        if (length > text.length - at)
            break;
        at += length;
    }
    if (at < text.length && text.data[at] == '"') {
        node->end = (uint32_t)at;
        parse->at = (uint32_t)at + 1;
        return;
    }
    parse->status = LLM_JSON_CUT;
    parse->at = (uint32_t)text.length;
    node->end = (uint32_t)at -
                unfinished_tail(bytes_first(bytes_from(text, node->start), at - node->start));
}

static size_t skip_digits(struct bytes text, size_t at)
{
    while (at < text.length && is_digit(text.data[at]))
        at++;
    return at;
}

/*
 * The end of the number (RFC 8259 section 6) that begins at `at`; `at` itself when there is none.
 * One that the text's end cuts ends past it.
 */
static size_t number_end(struct bytes text, size_t at)
{
    const size_t none = at, cut = text.length + 1;
    if (text.data[at] == '-')
        at++;
    size_t digits = at;
    at = skip_digits(text, at);
    if (at == digits || (text.data[digits] == '0' && at > digits + 1))
        return at == text.length && at == digits ? cut : none;
    if (at < text.length && text.data[at] == '.') {
        digits = at + 1;
        at = skip_digits(text, digits);
        if (at == digits)
            return at == text.length ? cut : none;
    }
    if (at < text.length && (text.data[at] == 'e' || text.data[at] == 'E')) {
        digits = at + 1;
        if (digits < text.length && (text.data[digits] == '+' || text.data[digits] == '-'))
            digits++;
        at = skip_digits(text, digits);
        if (at == digits)
            return at == text.length ? cut : none;
    }
    return at;
}

/* A number or a word. One that touches the end within a container may be cut: it is left out. */
static void scan_scalar(struct parse *parse)
{
    static const struct {
        struct bytes word;
        enum llm_json_kind kind;
    } words[] = {
        {BYTES_LITERAL("true"), LLM_JSON_TRUE},
        {BYTES_LITERAL("false"), LLM_JSON_FALSE},
        {BYTES_LITERAL("null"), LLM_JSON_NULL},
    };
    struct bytes text = parse->json->text;
    struct bytes rest = bytes_from(text, parse->at);
    enum llm_json_kind kind = LLM_JSON_NONE;
    size_t length = 0;
    bool is_begun = false;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (bytes_start_with(rest, words[i].word)) {
            kind = words[i].kind;
            length = words[i].word.length;
        }
        is_begun = is_begun || bytes_start_with(words[i].word, rest);
    }
    if (kind == LLM_JSON_NONE && (rest.data[0] == '-' || is_digit(rest.data[0]))) {
        length = number_end(text, parse->at) - parse->at;
        is_begun = length > rest.length;
        kind = length && !is_begun ? LLM_JSON_NUMBER : LLM_JSON_NONE;
    }
    if ((kind == LLM_JSON_NONE && is_begun) || (length == rest.length && parse->depth)) {
        parse->status = LLM_JSON_CUT;
        return;
    }
    if (kind == LLM_JSON_NONE) {
        fail(parse, "not a value");
        return;
    }
    struct llm_json_node *node = add_node(parse, kind, parse->at);
    if (node == NULL)
        return;
    parse->at += (uint32_t)length;
    node->end = parse->at;
}

static void after_value(struct parse *parse)
{
    parse->expected = parse->depth ? A_COMMA_OR_END : THE_END;
}

static void open_container(struct parse *parse, enum llm_json_kind kind)
{
    if (parse->depth == LLM_JSON_DEPTH_MAX) {
        fail(parse, "too deep");
        return;
    }
    if (add_node(parse, kind, parse->at) == NULL)
        return;
    parse->open[parse->depth++] = parse->json->count - 1;
    parse->at++;
    parse->expected = kind == LLM_JSON_ARRAY ? A_VALUE_OR_END : A_KEY_OR_END;
}

static void close_container(struct parse *parse)
{
    struct llm_json_node *node = &parse->json->nodes[parse->open[--parse->depth]];
    node->end = parse->at;
    node->next = parse->json->count;
}

static void parse_value(struct parse *parse, uint8_t byte)
{
    if (byte == '{' || byte == '[') {
        open_container(parse, byte == '{' ? LLM_JSON_OBJECT : LLM_JSON_ARRAY);
        return;
    }
    if (byte == '"') {
        struct llm_json_node *node = add_node(parse, LLM_JSON_STRING, ++parse->at);
        if (node)
            scan_string(parse, node);
    } else {
        scan_scalar(parse);
    }
    after_value(parse);
}

static void parse_key(struct parse *parse, uint8_t byte)
{
    if (byte != '"') {
        fail(parse, "not a key");
        return;
    }
    struct llm_json_node *node = add_node(parse, LLM_JSON_STRING, ++parse->at);
    if (node)
        scan_string(parse, node);
    parse->expected = A_COLON;
}

static void parse_comma_or_end(struct parse *parse, uint8_t byte)
{
    bool is_object =
        parse->json->nodes[parse->open[parse->depth - 1]].kind == (uint8_t)LLM_JSON_OBJECT;
    parse->at++;
    if (byte == ',') {
        parse->expected = is_object ? A_KEY : A_VALUE;
    } else if (byte == (is_object ? '}' : ']')) {
        close_container(parse);
        after_value(parse);
    } else {
        fail(parse, "neither a comma nor an end");
    }
}

static void parse_next(struct parse *parse, uint8_t byte)
{
    switch (parse->expected) {
    case A_VALUE_OR_END:
    case A_KEY_OR_END:
        if (byte == (parse->expected == A_VALUE_OR_END ? ']' : '}')) {
            parse_comma_or_end(parse, byte);
            return;
        }
        parse->expected == A_VALUE_OR_END ? parse_value(parse, byte) : parse_key(parse, byte);
        return;
    case A_VALUE:
        parse_value(parse, byte);
        return;
    case A_KEY:
        parse_key(parse, byte);
        return;
    case A_COLON:
        parse->at++;
        parse->expected = A_VALUE;
        if (byte != ':')
            fail(parse, "no colon after a key");
        return;
    case A_COMMA_OR_END:
        parse_comma_or_end(parse, byte);
        return;
    case THE_END:
        fail(parse, "something after the end");
        return;
    }
}

/* A key whose value never came is left out, so that keys and values alternate. */
static void drop_lonely_key(struct parse *parse)
{
    struct llm_json *json = parse->json;
    uint32_t last = parse->open[parse->depth - 1];
    if (json->nodes[last].kind != LLM_JSON_OBJECT)
        return;
    uint32_t children = 0, at = last + 1, child = at;
    for (; at < json->count; at = json->nodes[at].next, children++)
        child = at;
    if (children % 2)
        json->count = child;
}

enum llm_json_status llm_json_parse(struct llm_json *json, struct bytes text)
{
    *json = (struct llm_json){.text = text};
    struct parse parse = {.json = json, .status = LLM_JSON_WHOLE};
    if (text.length > UINT32_MAX / 2) {
        fail(&parse, "too long");
        text.length = 0;
    }
    while (parse.status == LLM_JSON_WHOLE && parse.at < text.length) {
        uint8_t byte = text.data[parse.at];
        if (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t')
            parse.at++;
        else
            parse_next(&parse, byte);
    }
    if (parse.status == LLM_JSON_WHOLE && parse.expected != THE_END)
        parse.status = LLM_JSON_CUT;
    if (parse.status == LLM_JSON_BAD)
        json->count = 0;
    if (parse.status == LLM_JSON_CUT) {
        parse.at = (uint32_t)text.length;
        if (parse.depth)
            drop_lonely_key(&parse);
        while (parse.depth)
            close_container(&parse);
    }
    return parse.status;
}

void llm_json_done(struct llm_json *json)
{
    while (json->decoded) {
        struct llm_json_piece *next = json->decoded->next;
        free(json->decoded);
        json->decoded = next;
    }
    free(json->nodes);
    *json = (struct llm_json){0};
}

size_t llm_json_held(const struct llm_json *json)
{
    return json->allocated * sizeof(struct llm_json_node) + json->decoded_bytes;
}

struct llm_value llm_json_root(struct llm_json *json)
{
    return json->count ? (struct llm_value){json, 0} : (struct llm_value){0};
}

static const struct llm_json_node *node_of(struct llm_value value)
{
    return &value.json->nodes[value.node];
}

enum llm_json_kind llm_value_kind(struct llm_value value)
{
    return value.json ? (enum llm_json_kind)node_of(value)->kind : LLM_JSON_NONE;
}

bool llm_value_is(struct llm_value value, enum llm_json_kind kind)
{
    return llm_value_kind(value) == kind;
}

struct llm_members llm_members_of(struct llm_value whole)
{
    return (struct llm_members){.whole = whole, .next = whole.node + 1};
}

bool llm_members_next(struct llm_members *members)
{
    enum llm_json_kind kind = llm_value_kind(members->whole);
    if (kind != LLM_JSON_ARRAY && kind != LLM_JSON_OBJECT)
        return false;
    struct llm_json *json = members->whole.json;
    if (members->next >= node_of(members->whole)->next)
        return false;
    if (kind == LLM_JSON_OBJECT) {
        members->key = (struct llm_value){json, members->next};
        members->next++;
    }
    members->value = (struct llm_value){json, members->next};
    members->next = json->nodes[members->next].next;
    return true;
}

struct llm_value llm_value_get(struct llm_value object, const char *key)
{
    struct llm_value found = {0};
    if (!llm_value_is(object, LLM_JSON_OBJECT))
        return found;
    struct llm_members members = llm_members_of(object);
    while (llm_members_next(&members))
        if (llm_value_equals(members.key, key))
            found = members.value;
    return found;
}

size_t llm_value_count(struct llm_value value)
{
    size_t count = 0;
    struct llm_members members = llm_members_of(value);
    while (llm_members_next(&members))
        count++;
    return count;
}

static struct bytes between(const struct llm_json *json, uint32_t start, uint32_t end)
{
    return bytes_first(bytes_from(json->text, start), end - start);
}

struct bytes llm_value_raw(struct llm_value value)
{
    if (value.json == NULL)
        return BYTES_EMPTY;
    const struct llm_json_node *node = node_of(value);
    if (node->kind != LLM_JSON_STRING)
        return between(value.json, node->start, node->end);
    size_t end = node->end < value.json->text.length ? node->end + 1 : node->end;
    return between(value.json, node->start - 1, (uint32_t)end);
}

/* Four hexadecimal digits; they were checked when the text was read. */
static uint32_t unit_at(const uint8_t *digits)
{
    uint32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        uint8_t digit = digits[i];
        unit = unit << 4 | (uint32_t)(is_digit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10);
    }
    return unit;
}

static size_t put_code_point(uint32_t code_point, uint8_t *out)
{
    if (code_point < 0x80) {
        out[0] = (uint8_t)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code_point >>= 6)
        out[i] = (uint8_t)(0x80 | (code_point & 0x3f));
    out[0] = (uint8_t)((0xf00u >> length) | code_point);
    return length;
}

/* Decode the escape at the front of `rest`; `*taken` says how long it was. */
static size_t put_escape(struct bytes rest, uint8_t *out, size_t *taken)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    *taken = 2;
    if (rest.data[1] != 'u') {
        out[0] = (uint8_t)meanings[strchr(letters, rest.data[1]) - letters];
        return 1;
    }
    *taken = 6;
    uint32_t unit = unit_at(rest.data + 2);
    if (unit < 0xd800 || unit > 0xdfff)
        return put_code_point(unit, out);
    if (unit < 0xdc00 && rest.length >= 12 && rest.data[6] == '\\' && rest.data[7] == 'u') {
        uint32_t low = unit_at(rest.data + 8);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *taken = 12;
            return put_code_point(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
        }
    }
    memcpy(out, rest.data, 6);
    return 6;
}

size_t llm_json_utf8_length(struct bytes text)
{
    size_t at = 0;
    while (at < text.length) {
        uint32_t code_point;
        size_t taken =
            text.data[at] < 0x80 ? 1 : printable_next_code_point(bytes_from(text, at), &code_point);
        if (taken == 0)
            break;
        at += taken;
    }
    return at;
}

static struct bytes put_wrong_byte(uint8_t byte, char text[5])
{
    snprintf(text, 5, "\\x%02x", byte);
    return (struct bytes){(const uint8_t *)text, 4};
}

bool llm_json_append_utf8(struct buffer *out, struct bytes text)
{
    size_t before = buffer_length(out);
    while (text.length) {
        size_t good = llm_json_utf8_length(text);
        char wrong[5];
        if (!buffer_append(out, bytes_first(text, good)) ||
            (good < text.length && !buffer_append(out, put_wrong_byte(text.data[good], wrong)))) {
            out->end -= buffer_length(out) - before;
            return false;
        }
        text = bytes_from(text, good + 1);
    }
    return true;
}

/* The same within quotes, where a backslash is two. */
static bool append_plain(struct buffer *out, struct bytes text)
{
    while (text.length) {
        size_t good = llm_json_utf8_length(text);
        if (!buffer_append(out, bytes_first(text, good)) ||
            (good < text.length && !buffer_append_format(out, "\\\\x%02x", text.data[good])))
            return false;
        text = bytes_from(text, good + 1);
    }
    return true;
}

bool llm_json_append_quoted(struct buffer *out, struct bytes text)
{
    static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    if (!buffer_append_byte(out, '"'))
        return false;
    while (text.length) {
        size_t plain = 0;
        while (plain < text.length && text.data[plain] >= 0x20 && text.data[plain] != '"' &&
               text.data[plain] != '\\' && text.data[plain] != 0x7f)
            plain++;
        if (!append_plain(out, bytes_first(text, plain)))
            return false;
        if (plain < text.length) {
            uint8_t byte = text.data[plain];
            const char *letter = byte ? strchr(letters, byte) : NULL;
            bool is_room = letter ? buffer_append_byte(out, '\\') &&
                                        buffer_append_byte(out, (uint8_t)names[letter - letters])
                                  : buffer_append_format(out, "\\u%04x", byte);
            if (!is_room)
                return false;
        }
        text = bytes_from(text, plain + 1);
    }
    return buffer_append_byte(out, '"');
}

/* Decode what stands between the quotes; a text never gets longer but for wrong bytes (x 4). */
static const struct llm_json_piece *decode_text(struct llm_json *json, struct bytes raw)
{
    uint8_t *text = memory_new(raw.length + 1);
    size_t length = 0;
    for (struct bytes rest = raw; rest.length;) {
        size_t taken = bytes_index_of(rest, '\\');
        if (taken)
            memcpy(text + length, rest.data, taken);
        length += taken ? taken : put_escape(rest, text + length, &taken);
        rest = bytes_from(rest, taken);
    }
    struct buffer whole;
    buffer_init(&whole, 4 * length + 1);
    CHECK(llm_json_append_utf8(&whole, (struct bytes){text, length}));
    free(text);
    struct bytes good = buffer_bytes(&whole);
    struct llm_json_piece *piece = memory_new(sizeof(*piece) + good.length);
    *piece = (struct llm_json_piece){.next = json->decoded, .length = good.length};
    if (good.length)
        memcpy(piece->data, good.data, good.length);
    buffer_done(&whole);
    json->decoded = piece;
    json->decoded_bytes += sizeof(*piece) + piece->length;
    return piece;
}

struct bytes llm_value_text(struct llm_value value)
{
    if (!llm_value_is(value, LLM_JSON_STRING))
        return BYTES_EMPTY;
    struct llm_json_node *node = &value.json->nodes[value.node];
    struct bytes raw = between(value.json, node->start, node->end);
    if (node->decoded == NULL && !node->has_escape && llm_json_utf8_length(raw) == raw.length)
        return raw;
    if (node->decoded == NULL)
        node->decoded = decode_text(value.json, raw);
    return (struct bytes){node->decoded->data, node->decoded->length};
}

struct bytes llm_value_get_text(struct llm_value object, const char *key)
{
    return llm_value_text(llm_value_get(object, key));
}

int64_t llm_value_number(struct llm_value value)
{
    if (!llm_value_is(value, LLM_JSON_NUMBER))
        return -1;
    struct bytes digits = llm_value_raw(value);
    int64_t number = 0;
    for (size_t i = 0; i < digits.length && digits.data[i] != '.'; i++) {
        if (!is_digit(digits.data[i]) || __builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, digits.data[i] - '0', &number))
            return -1;
    }
    return number;
}

int64_t llm_value_get_number(struct llm_value object, const char *key)
{
    return llm_value_number(llm_value_get(object, key));
}

bool llm_value_is_true(struct llm_value value)
{
    return llm_value_is(value, LLM_JSON_TRUE);
}

bool llm_value_equals(struct llm_value value, const char *text)
{
    return llm_value_is(value, LLM_JSON_STRING) && bytes_equal_text(llm_value_text(value), text);
}

bool llm_value_get_equals(struct llm_value object, const char *key, const char *text)
{
    return llm_value_equals(llm_value_get(object, key), text);
}

/* A text again in quotes, its escapes as they were sent. */
static bool compact_string(struct llm_value value, struct buffer *out)
{
    const struct llm_json_node *node = node_of(value);
    struct bytes raw = between(value.json, node->start, node->end);
    return buffer_append_byte(out, '"') && append_plain(out, raw) && buffer_append_byte(out, '"');
}

bool llm_value_compact(struct llm_value value, struct buffer *out)
{
    enum llm_json_kind kind = llm_value_kind(value);
    if (kind == LLM_JSON_STRING)
        return compact_string(value, out);
    if (kind != LLM_JSON_ARRAY && kind != LLM_JSON_OBJECT)
        return buffer_append(out, llm_value_raw(value));
    struct llm_members members = llm_members_of(value);
    bool is_object = kind == LLM_JSON_OBJECT, is_first = true;
    if (!buffer_append_byte(out, is_object ? '{' : '['))
        return false;
    for (; llm_members_next(&members); is_first = false) {
        if (!is_first && !buffer_append_byte(out, ','))
            return false;
        if (is_object && !(compact_string(members.key, out) && buffer_append_byte(out, ':')))
            return false;
        if (!llm_value_compact(members.value, out))
            return false;
    }
    return buffer_append_byte(out, is_object ? '}' : ']');
}
