#include "host/policy_edit.h"

/* The next word of a line, up to a comment; empty at the end. */
static struct bytes next_word(struct bytes *line)
{
    size_t start = 0;
    while (start < line->length &&
           (line->data[start] == ' ' || line->data[start] == '\t' || line->data[start] == '\r'))
        start++;
    *line = bytes_from(*line, start);
    if (line->length == 0 || line->data[0] == '#') {
        *line = BYTES_EMPTY;
        return BYTES_EMPTY;
    }
    size_t end = 0;
    while (end < line->length && line->data[end] != ' ' && line->data[end] != '\t' &&
           line->data[end] != '\r')
        end++;
    struct bytes word = bytes_first(*line, end);
    *line = bytes_from(*line, end);
    return word;
}

static bool is_one_word(struct bytes rule)
{
    next_word(&rule);
    return next_word(&rule).length == 0;
}

static bool is_same_host(struct bytes line, struct bytes rule)
{
    struct bytes word = next_word(&line);
    return word.length > 0 && bytes_equal_ignore_case(word, next_word(&rule));
}

static bool is_same_rule(struct bytes line, struct bytes rule)
{
    if (!is_same_host(line, rule))
        return false;
    next_word(&line);
    next_word(&rule);
    for (;;) {
        struct bytes a = next_word(&line), b = next_word(&rule);
        if (!bytes_equal(a, b))
            return false;
        if (a.length == 0)
            return true;
    }
}

bool policy_edit_add(struct bytes text, struct bytes rule, struct buffer *out, bool *is_changed)
{
    struct bytes rest = text, line;
    *is_changed = false;
    while (bytes_next_token(&rest, '\n', &line)) {
        if (is_same_rule(line, rule))
            return buffer_append(out, text);
    }
    *is_changed = true;
    bool has_line_end = text.length == 0 || text.data[text.length - 1] == '\n';
    return buffer_append(out, text) && (has_line_end || buffer_append_byte(out, '\n')) &&
           buffer_append(out, bytes_trim(rule)) && buffer_append_byte(out, '\n');
}

bool policy_edit_remove(struct bytes text, struct bytes rule, struct buffer *out, bool *is_changed)
{
    bool is_by_host = is_one_word(rule);
    *is_changed = false;
    while (text.length > 0) {
        size_t length = bytes_index_of(text, '\n');
        struct bytes line = bytes_first(text, length);
        size_t with_end = length < text.length ? length + 1 : length;
        bool is_meant = is_by_host ? is_same_host(line, rule) : is_same_rule(line, rule);
        if (is_meant)
            *is_changed = true;
        else if (!buffer_append(out, bytes_first(text, with_end)))
            return false;
        text = bytes_from(text, with_end);
    }
    return true;
}
