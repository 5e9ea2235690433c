#include "spy/spy_filter.h"

#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 256, DEPTH_MAX = 32 };

enum node_kind { NODE_TERM, NODE_ANYWHERE, NODE_NOT, NODE_AND, NODE_OR };

enum comparison {
    COMPARISON_IS_SET,
    COMPARISON_IS,
    COMPARISON_IS_NOT,
    COMPARISON_HAS,
    COMPARISON_LESS,
    COMPARISON_AT_MOST,
    COMPARISON_MORE,
    COMPARISON_AT_LEAST
};

enum field_type { FIELD_TEXT, FIELD_COUNT, FIELD_TIME, FIELD_MONEY };

enum field {
    FIELD_PROVIDER,
    FIELD_API,
    FIELD_MODEL,
    FIELD_SESSION,
    FIELD_OPERATION,
    FIELD_HOST,
    FIELD_TRANSPORT,
    FIELD_CALL,
    FIELD_STATUS,
    FIELD_STOP,
    FIELD_ERROR,
    FIELD_TRUNCATED,
    FIELD_IN,
    FIELD_CACHED,
    FIELD_WRITTEN,
    FIELD_OUT,
    FIELD_REASONING,
    FIELD_FIRST,
    FIELD_DURATION,
    FIELD_COST,
    FIELD_METHOD,
    FIELD_PATH,
    FIELD_TOOL,
    FIELD_KIND_COUNT
};

static const struct {
    const char *name;
    enum field_type type;
    enum spy_filter_need need;
} fields[] = {
    [FIELD_PROVIDER] = {"provider", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_API] = {"api", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_MODEL] = {"model", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_SESSION] = {"session", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_OPERATION] = {"operation", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_HOST] = {"host", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_TRANSPORT] = {"transport", FIELD_TEXT, SPY_FILTER_REQUEST},
    [FIELD_CALL] = {"call", FIELD_COUNT, SPY_FILTER_REQUEST},
    [FIELD_STATUS] = {"status", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_STOP] = {"stop", FIELD_TEXT, SPY_FILTER_END},
    [FIELD_ERROR] = {"error", FIELD_TEXT, SPY_FILTER_END},
    [FIELD_TRUNCATED] = {"truncated", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_IN] = {"in", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_CACHED] = {"cached", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_WRITTEN] = {"written", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_OUT] = {"out", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_REASONING] = {"reasoning", FIELD_COUNT, SPY_FILTER_END},
    [FIELD_FIRST] = {"first", FIELD_TIME, SPY_FILTER_END},
    [FIELD_DURATION] = {"duration", FIELD_TIME, SPY_FILTER_END},
    [FIELD_COST] = {"cost", FIELD_MONEY, SPY_FILTER_END},
    [FIELD_METHOD] = {"method", FIELD_TEXT, SPY_FILTER_CALL},
    [FIELD_PATH] = {"path", FIELD_TEXT, SPY_FILTER_CALL},
    [FIELD_TOOL] = {"tool", FIELD_TEXT, SPY_FILTER_CALL},
};
static_assert(sizeof(fields) / sizeof(fields[0]) == FIELD_KIND_COUNT, "each field has a row");

struct node {
    enum node_kind kind;
    unsigned left, right; /* places of its parts; NODE_NOT has the left one */
    enum field field;
    enum comparison comparison;
    struct bytes text; /* of the filter's own copy, or of `storage` */
    int64_t number;
};

struct spy_filter {
    struct node nodes[NODES_MAX];
    unsigned count, root;
    char *storage; /* owned: texts without their quotes */
    size_t stored;
};

/* A place in the expression. */
struct parser {
    struct spy_filter *filter;
    struct bytes whole;
    size_t at;
    unsigned depth;
    struct error *error;
};

static bool refuse(const struct parser *parser, const char *why)
{
    char shown[60];
    struct bytes rest = bytes_from(parser->whole, parser->at);
    if (rest.length == 0)
        return error_set(parser->error, "%s at the end", why);
    return error_set(parser->error, "%s at: %s", why, printable_text(rest, shown, sizeof(shown)));
}

static void skip_spaces(struct parser *parser)
{
    while (parser->at < parser->whole.length && parser->whole.data[parser->at] == ' ')
        parser->at++;
}

static bool take(struct parser *parser, const char *text)
{
    struct bytes rest = bytes_from(parser->whole, parser->at);
    if (!bytes_start_with(rest, bytes_from_text(text)))
        return false;
    parser->at += strlen(text);
    return true;
}

static bool is_word_byte(uint8_t byte)
{
    return byte > ' ' && strchr("()\"!=<>~", byte) == NULL;
}

/* A bare word; its end is where the syntax goes on. */
static struct bytes take_word(struct parser *parser)
{
    size_t start = parser->at;
    while (parser->at < parser->whole.length && is_word_byte(parser->whole.data[parser->at]))
        parser->at++;
    return bytes_first(bytes_from(parser->whole, start), parser->at - start);
}

/* Whether this word stands here; it is taken then. */
static bool take_keyword(struct parser *parser, const char *keyword)
{
    size_t start = parser->at;
    skip_spaces(parser);
    if (bytes_equal_ignore_case(take_word(parser), bytes_from_text(keyword)))
        return true;
    parser->at = start;
    return false;
}

static bool take_value(struct parser *parser, struct bytes *value)
{
    struct spy_filter *filter = parser->filter;
    if (!take(parser, "\"")) {
        /* Values may hold what syntax is made of, up to a space or parenthesis. */
        size_t start = parser->at;
        while (parser->at < parser->whole.length &&
               strchr(" ()", parser->whole.data[parser->at]) == NULL)
            parser->at++;
        *value = bytes_first(bytes_from(parser->whole, start), parser->at - start);
        return value->length > 0 || refuse(parser, "a value is missing");
    }
    size_t start = filter->stored;
    while (parser->at < parser->whole.length && parser->whole.data[parser->at] != '"') {
        if (parser->whole.data[parser->at] == '\\' && parser->at + 1 < parser->whole.length)
            parser->at++;
        filter->storage[filter->stored++] = (char)parser->whole.data[parser->at++];
    }
    *value = (struct bytes){(const uint8_t *)filter->storage + start, filter->stored - start};
    return take(parser, "\"") || refuse(parser, "a closing quote is missing");
}

static bool add_node(struct parser *parser, struct node node, unsigned *place)
{
    struct spy_filter *filter = parser->filter;
    if (filter->count == NODES_MAX)
        return refuse(parser, "the filter is too long");
    *place = filter->count++;
    filter->nodes[*place] = node;
    return true;
}

/* Digits with at most `digits` behind a point, times 10^digits. */
static bool parse_decimal(struct bytes text, unsigned digits, int64_t *number)
{
    size_t point = bytes_index_of(text, '.');
    struct bytes fraction = bytes_from(text, point + 1);
    uint64_t value, part;
    uint64_t scale = 1;
    for (unsigned i = 0; i < digits; i++)
        scale *= 10;
    if (!number_parse_decimal(bytes_first(text, point), INT64_MAX / (int64_t)scale - 1, &value))
        return false;
    value *= scale;
    if ((point < text.length && fraction.length == 0) || fraction.length > digits)
        return false;
    for (size_t i = 0; i < fraction.length; i++) {
        scale /= 10;
        if (!number_parse_decimal(bytes_first(bytes_from(fraction, i), 1), 9, &part))
            return false;
        value += part * scale;
    }
    *number = (int64_t)value;
    return true;
}

static bool parse_number(struct bytes text, enum field_type type, int64_t *number)
{
    static const struct {
        enum field_type type;
        const char *unit;
        int64_t times, parts; /* of a value with three digits behind the point */
    } units[] = {
        {FIELD_COUNT, "k", 1, 1},   {FIELD_COUNT, "m", 1000, 1}, {FIELD_TIME, "ms", 1, 1000},
        {FIELD_TIME, "s", 1, 1},    {FIELD_TIME, "m", 60, 1},    {FIELD_TIME, "h", 3600, 1},
        {FIELD_COUNT, "", 1, 1000}, {FIELD_TIME, "", 1, 1},
    };
    int64_t value;
    if (type == FIELD_MONEY)
        return parse_decimal(text, 9, number);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct bytes unit = bytes_from_text(units[i].unit);
        if (units[i].type != type || !bytes_end_with(text, unit))
            continue;
        if (!parse_decimal(bytes_first(text, text.length - unit.length), 3, &value) ||
            value > INT64_MAX / units[i].times)
            return false;
        *number = value * units[i].times / units[i].parts;
        return true;
    }
    return false;
}

static enum comparison take_comparison(struct parser *parser)
{
    static const struct {
        const char *text;
        enum comparison comparison;
    } comparisons[] = {
        {"!=", COMPARISON_IS_NOT}, {"<=", COMPARISON_AT_MOST}, {">=", COMPARISON_AT_LEAST},
        {"=", COMPARISON_IS},      {"~", COMPARISON_HAS},      {"<", COMPARISON_LESS},
        {">", COMPARISON_MORE},
    };
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++) {
        if (take(parser, comparisons[i].text))
            return comparisons[i].comparison;
    }
    return COMPARISON_IS_SET;
}

static bool find_field(struct bytes name, enum field *field)
{
    for (unsigned i = 0; i < FIELD_KIND_COUNT; i++) {
        if (bytes_equal_ignore_case(name, bytes_from_text(fields[i].name))) {
            *field = (enum field)i;
            return true;
        }
    }
    return false;
}

static bool parse_term(struct parser *parser, unsigned *place)
{
    struct node node = {.kind = NODE_TERM};
    size_t start = parser->at;
    if (take(parser, "~")) {
        node.kind = NODE_ANYWHERE;
        return take_value(parser, &node.text) && add_node(parser, node, place);
    }
    struct bytes name = take_word(parser);
    if (name.length == 0)
        return refuse(parser, "a condition is missing");
    if (!find_field(name, &node.field)) {
        parser->at = start;
        return refuse(parser, "no such field");
    }
    node.comparison = take_comparison(parser);
    if (node.comparison != COMPARISON_IS_SET) {
        bool is_text = fields[node.field].type == FIELD_TEXT;
        if (is_text && node.comparison >= COMPARISON_LESS)
            return refuse(parser, "this field has no order");
        if (!is_text && node.comparison == COMPARISON_HAS)
            return refuse(parser, "this field is a number");
        start = parser->at;
        if (!take_value(parser, &node.text))
            return false;
        if (!is_text && !parse_number(node.text, fields[node.field].type, &node.number)) {
            parser->at = start;
            return refuse(parser, "not a number");
        }
    }
    return add_node(parser, node, place);
}

static bool parse_or(struct parser *parser, unsigned *place);

static bool parse_not(struct parser *parser, unsigned *place)
{
    struct node node = {.kind = NODE_NOT};
    bool is_done;
    skip_spaces(parser);
    if (parser->depth == DEPTH_MAX)
        return refuse(parser, "the filter is nested too deep");
    parser->depth++;
    if (take(parser, "!") || take_keyword(parser, "not")) {
        is_done = parse_not(parser, &node.left) && add_node(parser, node, place);
    } else if (take(parser, "(")) {
        is_done = parse_or(parser, place);
        skip_spaces(parser);
        is_done = is_done && (take(parser, ")") || refuse(parser, "a parenthesis is not closed"));
    } else {
        is_done = parse_term(parser, place);
    }
    parser->depth--;
    return is_done;
}

static bool is_at_end_of_and(struct parser *parser)
{
    size_t start = parser->at;
    skip_spaces(parser);
    bool is_end = parser->at == parser->whole.length || parser->whole.data[parser->at] == ')' ||
                  take_keyword(parser, "or");
    parser->at = start;
    return is_end;
}

static bool parse_and(struct parser *parser, unsigned *place)
{
    if (!parse_not(parser, place))
        return false;
    while (!is_at_end_of_and(parser)) {
        struct node node = {.kind = NODE_AND, .left = *place};
        (void)take_keyword(parser, "and");
        if (!parse_not(parser, &node.right) || !add_node(parser, node, place))
            return false;
    }
    return true;
}

static bool parse_or(struct parser *parser, unsigned *place)
{
    if (!parse_and(parser, place))
        return false;
    while (take_keyword(parser, "or")) {
        struct node node = {.kind = NODE_OR, .left = *place};
        if (!parse_and(parser, &node.right) || !add_node(parser, node, place))
            return false;
    }
    return true;
}

struct spy_filter *spy_filter_parse(struct bytes text, struct error *error)
{
    if (text.length > SPY_FILTER_TEXT_MAX) {
        error_set(error, "the filter is too long");
        return NULL;
    }
    struct spy_filter *filter = memory_new(sizeof(*filter));
    /* The text itself, and as much again for what is taken out of quotes. */
    filter->storage = memory_new(text.length * 2 + 1);
    if (text.length > 0)
        memcpy(filter->storage, text.data, text.length);
    filter->stored = text.length;
    struct parser parser = {
        .filter = filter,
        .whole = {(const uint8_t *)filter->storage, text.length},
        .error = error,
    };
    bool is_good = parse_or(&parser, &filter->root);
    skip_spaces(&parser);
    if (is_good && parser.at < text.length)
        is_good = refuse(&parser, "not expected");
    if (!is_good) {
        spy_filter_free(filter);
        return NULL;
    }
    return filter;
}

void spy_filter_free(struct spy_filter *filter)
{
    if (filter == NULL)
        return;
    free(filter->storage);
    free(filter);
}

enum spy_filter_need spy_filter_needs(const struct spy_filter *filter)
{
    enum spy_filter_need need = SPY_FILTER_REQUEST;
    for (unsigned i = 0; filter && i < filter->count; i++) {
        const struct node *node = &filter->nodes[i];
        enum spy_filter_need one = node->kind == NODE_ANYWHERE ? SPY_FILTER_CALL
                                   : node->kind == NODE_TERM   ? fields[node->field].need
                                                               : SPY_FILTER_REQUEST;
        need = one > need ? one : need;
    }
    return need;
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool contains(struct bytes whole, struct bytes part)
{
    for (size_t i = 0; i + part.length <= whole.length; i++) {
        size_t same = 0;
        while (same < part.length && lower(whole.data[i + same]) == lower(part.data[same]))
            same++;
        if (same == part.length)
            return true;
    }
    return false;
}

/* `*` stands for anything. Goes back to the last star only: no pattern is slow. */
static bool is_like(struct bytes text, struct bytes pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.length) {
        if (p < pattern.length && pattern.data[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.length && lower(pattern.data[p]) == lower(text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.length && pattern.data[p] == '*')
        p++;
    return p == pattern.length;
}

static bool is_text_met(const struct node *node, struct bytes text)
{
    switch (node->comparison) {
    case COMPARISON_IS_SET:
        return text.length > 0;
    case COMPARISON_HAS:
        return contains(text, node->text);
    case COMPARISON_IS_NOT:
        return !is_like(text, node->text);
    default:
        return is_like(text, node->text);
    }
}

/* What is not told meets no comparison. */
static bool is_number_met(const struct node *node, int64_t number)
{
    if (node->comparison == COMPARISON_IS_SET)
        return number > 0;
    if (node->comparison == COMPARISON_IS_NOT)
        return number != node->number;
    if (number < 0)
        return false;
    switch (node->comparison) {
    case COMPARISON_LESS:
        return number < node->number;
    case COMPARISON_AT_MOST:
        return number <= node->number;
    case COMPARISON_MORE:
        return number > node->number;
    case COMPARISON_AT_LEAST:
        return number >= node->number;
    default:
        return number == node->number;
    }
}

/* Some tool that the response calls. */
static bool is_tool_met(const struct node *node, const struct llm_call *call)
{
    struct node one = *node;
    bool is_any = false;
    if (node->comparison == COMPARISON_IS_NOT)
        one.comparison = COMPARISON_IS;
    for (size_t i = 0; i < call->response.count && !is_any; i++) {
        const struct llm_block *block = &call->response.items[i];
        is_any =
            block->kind == LLM_BLOCK_TOOL_CALL && is_text_met(&one, llm_text_bytes(&block->name));
    }
    return is_any != (node->comparison == COMPARISON_IS_NOT);
}

static struct bytes text_field(enum field field, const struct spy_summary *summary,
                               const struct llm_call *call)
{
    switch (field) {
    case FIELD_PROVIDER:
        return bytes_from_text(summary->provider);
    case FIELD_API:
        return bytes_from_text(llm_api_name((enum llm_api)summary->api));
    case FIELD_MODEL:
        return bytes_from_text(summary->model);
    case FIELD_SESSION:
        return bytes_from_text(summary->session);
    case FIELD_OPERATION:
        return bytes_from_text(summary->operation);
    case FIELD_HOST:
        return bytes_from_text(summary->host);
    case FIELD_TRANSPORT:
        return bytes_from_text(llm_transport_name((enum llm_transport)summary->transport));
    case FIELD_STOP:
        return bytes_from_text(summary->stop);
    case FIELD_ERROR:
        return bytes_from_text(summary->error);
    case FIELD_METHOD:
        return call ? llm_text_bytes(&call->method) : BYTES_EMPTY;
    case FIELD_PATH:
        return call ? llm_text_bytes(&call->path) : BYTES_EMPTY;
    default:
        return BYTES_EMPTY;
    }
}

static int64_t number_field(enum field field, const struct spy_summary *summary)
{
    switch (field) {
    case FIELD_CALL:
        return summary->number < INT64_MAX ? (int64_t)summary->number : INT64_MAX;
    case FIELD_STATUS:
        return summary->status;
    case FIELD_TRUNCATED:
        return summary->is_truncated;
    case FIELD_IN:
        return summary->input;
    case FIELD_CACHED:
        return summary->cache_read;
    case FIELD_WRITTEN:
        return summary->cache_write;
    case FIELD_OUT:
        return summary->output;
    case FIELD_REASONING:
        return summary->reasoning;
    case FIELD_FIRST:
        return summary->first_byte_ms;
    case FIELD_DURATION:
        return summary->duration_ms;
    case FIELD_COST:
        return summary->cost_nano;
    default:
        return -1;
    }
}

static bool is_term_met(const struct node *node, const struct spy_summary *summary,
                        const struct llm_call *call)
{
    if (node->field == FIELD_TOOL)
        return call ? is_tool_met(node, call) : summary->tool_calls > 0;
    /* An error may come without a type. */
    if (node->field == FIELD_ERROR && node->comparison == COMPARISON_IS_SET)
        return summary->errors > 0;
    if (fields[node->field].type == FIELD_TEXT)
        return is_text_met(node, text_field(node->field, summary, call));
    return is_number_met(node, number_field(node->field, summary));
}

static bool is_in_blocks(const struct llm_block_list *list, struct bytes part)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct llm_block *block = &list->items[i];
        if (contains(llm_text_bytes(&block->text), part) ||
            contains(llm_text_bytes(&block->name), part) ||
            contains(llm_text_bytes(&block->id), part) ||
            contains(llm_text_bytes(&block->json), part))
            return true;
    }
    return false;
}

static bool is_anywhere(const struct llm_call *call, struct bytes part)
{
    if (call == NULL)
        return false;
    const struct llm_text *texts[] = {
        &call->provider,
        &call->host,
        &call->path,
        &call->model,
        &call->response_model,
        &call->session,
        &call->parent,
        &call->parameters,
        &call->id,
        &call->native,
        &call->stop,
        &call->operation,
        &call->request_headers,
        &call->response_headers,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (contains(llm_text_bytes(texts[i]), part))
            return true;
    }
    for (size_t i = 0; i < call->error_count; i++) {
        if (contains(llm_text_bytes(&call->errors[i].type), part) ||
            contains(llm_text_bytes(&call->errors[i].message), part))
            return true;
    }
    return is_in_blocks(&call->request, part) || is_in_blocks(&call->response, part);
}

static bool is_met(const struct spy_filter *filter, unsigned place,
                   const struct spy_summary *summary, const struct llm_call *call)
{
    const struct node *node = &filter->nodes[place];
    switch (node->kind) {
    case NODE_NOT:
        return !is_met(filter, node->left, summary, call);
    case NODE_AND:
        return is_met(filter, node->left, summary, call) &&
               is_met(filter, node->right, summary, call);
    case NODE_OR:
        return is_met(filter, node->left, summary, call) ||
               is_met(filter, node->right, summary, call);
    case NODE_ANYWHERE:
        return is_anywhere(call, node->text);
    default:
        return is_term_met(node, summary, call);
    }
}

bool spy_filter_matches(const struct spy_filter *filter, const struct spy_summary *summary,
                        const struct llm_call *call)
{
    return filter == NULL || is_met(filter, filter->root, summary, call);
}
