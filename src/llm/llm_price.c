#include "llm/llm_price.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"

enum { NUMBERS_MAX = 4, FACTOR = 0, INPUT = 0, CACHE_READ, CACHE_WRITE, OUTPUT };

/* Numbers have six places behind the point: dollars are in millionths. */
enum { MILLION = 1000000 };

struct line {
    bool is_factor;
    char *pattern; /* owned */
    uint64_t numbers[NUMBERS_MAX];
};

struct llm_price_table {
    struct line *lines; /* owned */
    size_t count;
};

struct llm_price_table *llm_price_table_new(void)
{
    return memory_new(sizeof(struct llm_price_table));
}

static const uint8_t built_in[] = {
/* data/prices.txt, by tools/embed.sh */
#include <price_table.inc>
};

static void drop_lines(struct llm_price_table *table, size_t count)
{
    while (table->count > count)
        free(table->lines[--table->count].pattern);
}

void llm_price_table_free(struct llm_price_table *table)
{
    if (table == NULL)
        return;
    drop_lines(table, 0);
    free(table->lines);
    free(table);
}

/* The next word of a line, empty at its end or at a comment. */
static struct bytes next_word(struct bytes *line)
{
    size_t start = 0;
    while (start < line->length && (line->data[start] == ' ' || line->data[start] == '\t'))
        start++;
    size_t end = start;
    while (end < line->length && line->data[end] != ' ' && line->data[end] != '\t')
        end++;
    struct bytes word = bytes_first(bytes_from(*line, start), end - start);
    *line = bytes_from(*line, end);
    if (word.length && word.data[0] == '#') {
        *line = BYTES_EMPTY;
        return BYTES_EMPTY;
    }
    return word;
}

/* Digits with at most six more behind a point, in millionths. */
static bool parse_decimal(struct bytes text, uint64_t maximum, uint64_t *millionths)
{
    size_t point = bytes_index_of(text, '.');
    struct bytes places = bytes_from(text, point + 1);
    uint64_t whole, part = 0;
    if (!number_parse_decimal(bytes_first(text, point), maximum, &whole))
        return false;
    if (point < text.length && (places.length == 0 || places.length > 6))
        return false;
    for (size_t i = 0; i < 6; i++) {
        uint8_t digit = i < places.length ? places.data[i] : '0';
        if (digit < '0' || digit > '9')
            return false;
        part = part * 10 + digit - '0';
    }
    *millionths = whole * MILLION + part;
    return *millionths <= maximum * MILLION;
}

static bool parse_numbers(struct bytes *rest, struct line *line, const char **reason)
{
    size_t wanted = line->is_factor ? 1 : NUMBERS_MAX;
    uint64_t maximum = line->is_factor ? LLM_PRICE_FACTOR_MAX : LLM_PRICE_DOLLARS_MAX;
    *reason = line->is_factor ? "wants one factor, 0 to 100, with at most six decimal places"
                              : "wants four prices in dollars, 0 to 10000, with at most six "
                                "decimal places";
    for (size_t i = 0; i < wanted; i++)
        if (!parse_decimal(next_word(rest), maximum, &line->numbers[i]))
            return false;
    return next_word(rest).length == 0;
}

/* False with the reason. A line without a statement has no pattern afterwards. */
static bool parse_line(struct bytes text, struct line *line, const char **reason)
{
    struct bytes statement = next_word(&text);
    *line = (struct line){0};
    if (statement.length == 0)
        return true;
    line->is_factor = bytes_equal_text(statement, "times");
    *reason = "neither price nor times";
    if (!line->is_factor && !bytes_equal_text(statement, "price"))
        return false;
    struct bytes pattern = next_word(&text);
    *reason = "wants the pattern of a model's name, of at most 256 bytes";
    if (pattern.length == 0 || pattern.length > LLM_PRICE_PATTERN_MAX ||
        bytes_index_of(pattern, 0) < pattern.length)
        return false;
    if (!parse_numbers(&text, line, reason))
        return false;
    line->pattern = bytes_copy_text(pattern);
    return true;
}

static void add_line(struct llm_price_table *table, const struct line *line)
{
    table->lines = memory_resize_array(table->lines, table->count + 1, sizeof(*table->lines));
    table->lines[table->count++] = *line;
}

bool llm_price_table_add(struct llm_price_table *table, const char *shown, struct bytes text,
                         struct error *error)
{
    size_t before = table->count;
    struct bytes rest = text, line_text;
    for (unsigned number = 1; bytes_next_token(&rest, '\n', &line_text); number++) {
        struct line line;
        const char *reason = NULL;
        char name[256];
        if (bytes_end_with(line_text, BYTES_LITERAL("\r")))
            line_text.length--;
        bool is_good = parse_line(line_text, &line, &reason);
        if (is_good && line.pattern && table->count == LLM_PRICE_LINES_MAX) {
            free(line.pattern);
            is_good = false;
            reason = "too many lines";
        }
        if (!is_good) {
            drop_lines(table, before);
            return error_set(error, "%s:%u: %s",
                             printable_text(bytes_from_text(shown), name, sizeof(name)), number,
                             reason);
        }
        if (line.pattern)
            add_line(table, &line);
    }
    return true;
}

void llm_price_table_add_built_in(struct llm_price_table *table)
{
    struct error error;
    CHECK(llm_price_table_add(table, "data/prices.txt", (struct bytes){built_in, sizeof(built_in)},
                              &error));
}

/* `*` is any text, also none. Goes back to the last star only, so it takes length times length. */
static bool matches(const char *pattern, struct bytes name)
{
    const char *star = NULL;
    size_t at = 0, resumed = 0;
    while (at < name.length) {
        if (*pattern == '*') {
            star = ++pattern;
            resumed = at;
        } else if (*pattern && (uint8_t)*pattern == name.data[at]) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star;
            at = ++resumed;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

static const struct line *find(const struct llm_price_table *table, bool is_factor,
                               struct bytes model)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->lines[i].is_factor == is_factor && matches(table->lines[i].pattern, model))
            return &table->lines[i];
    return NULL;
}

static int64_t known(int64_t count)
{
    return count > 0 ? count : 0;
}

int64_t llm_price_cost_nano(const struct llm_price_table *table, struct bytes model,
                            const struct llm_usage *usage)
{
    model = bytes_first(model, LLM_PRICE_PATTERN_MAX);
    const struct line *price = find(table, false, model), *factor = find(table, true, model);
    int64_t read = known(usage->cache_read), write = known(usage->cache_write);
    if (price == NULL || (usage->input < 0 && usage->output < 0))
        return -1;
    if (usage->input > LLM_PRICE_TOKENS_MAX || usage->output > LLM_PRICE_TOKENS_MAX ||
        read > LLM_PRICE_TOKENS_MAX || write > LLM_PRICE_TOKENS_MAX)
        return -1;
    const int64_t counts[NUMBERS_MAX] = {
        [INPUT] = known(known(usage->input) - read - write),
        [CACHE_READ] = read,
        [CACHE_WRITE] = write,
        [OUTPUT] = known(usage->output),
    };
    /* Millionths of a dollar for a million tokens are 10^-12 dollars for one. */
    uint64_t cost = 0;
    for (size_t i = 0; i < NUMBERS_MAX; i++)
        cost += (uint64_t)counts[i] * price->numbers[i] / 1000;
    if (factor)
        cost = cost / MILLION * factor->numbers[FACTOR] +
               cost % MILLION * factor->numbers[FACTOR] / MILLION;
    return cost > INT64_MAX ? INT64_MAX : (int64_t)cost;
}
