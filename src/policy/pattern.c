#include "policy/pattern.h"

#include "base/buffer.h"

#include <string.h>

static const char hole_text[] = "{aws-region}";
/* A region that stands in for the hole while the rest of a pattern is checked as a name. */
static const char hole_sample[] = "us-east-1";

bool pattern_is_aws_region(struct bytes label)
{
    struct bytes rest = label;
    struct bytes part;
    size_t parts = 0;
    bool is_digit_seen = false;
    while (bytes_next_token(&rest, '-', &part)) {
        if (is_digit_seen || part.length == 0)
            return false;
        if (parts >= 2 && part.length == 1 && part.data[0] >= '0' && part.data[0] <= '9') {
            is_digit_seen = true;
            continue;
        }
        if (parts == 0 && part.length != 2)
            return false;
        for (size_t i = 0; i < part.length; i++)
            if (part.data[i] < 'a' || part.data[i] > 'z')
                return false;
        parts++;
    }
    return is_digit_seen && label.data[label.length - 1] != '-';
}

struct bytes pattern_bytes(const struct pattern *pattern)
{
    return (struct bytes){(const uint8_t *)pattern->text, pattern->length};
}

struct bytes pattern_base(const struct pattern *pattern)
{
    return bytes_from(pattern_bytes(pattern), pattern->base_offset);
}

/* Check the base as a name, every hole filled by a sample. */
static bool check_base(struct pattern *pattern, const char **reason)
{
    char filled[HOST_NAME_LENGTH_MAX + 1];
    size_t filled_length = 0;
    bool is_region_written = false;
    bool is_hole = false;
    struct bytes rest = pattern_base(pattern);
    struct bytes label;
    while (bytes_next_token(&rest, '.', &label)) {
        is_hole = bytes_equal_text(label, hole_text);
        pattern->has_hole |= is_hole;
        is_region_written |= !is_hole && pattern_is_aws_region(label);
        struct bytes piece = is_hole ? bytes_from_text(hole_sample) : label;
        if (filled_length + piece.length + 1 > sizeof(filled)) {
            *reason = "the pattern is longer than a name can be";
            return false;
        }
        if (piece.length)
            memcpy(filled + filled_length, piece.data, piece.length);
        filled_length += piece.length;
        if (rest.data)
            filled[filled_length++] = '.';
    }
    struct host_name name;
    enum host_name_problem problem =
        host_name_parse((struct bytes){(uint8_t *)filled, filled_length}, &name);
    if (problem != HOST_NAME_FINE)
        *reason = host_name_problem_text(problem);
    else if (is_hole)
        *reason = "a name must follow {aws-region}";
    else if (pattern->has_hole && is_region_written)
        *reason = "a region cannot be written out beside {aws-region}";
    else
        return true;
    return false;
}

static void set_text(struct pattern *pattern, struct bytes text)
{
    pattern->length = text.length;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        pattern->text[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    pattern->text[text.length] = '\0';
}

bool pattern_parse(struct bytes text, struct pattern *pattern, const char **reason)
{
    struct pattern made = {.kind = PATTERN_EXACT};
    if (text.length > HOST_NAME_LENGTH_MAX + 3) {
        *reason = "the pattern is longer than a name can be";
        return false;
    }
    if (bytes_start_with(text, BYTES_LITERAL("**."))) {
        made.kind = PATTERN_ANY_LABELS;
        made.base_offset = 3;
    } else if (bytes_start_with(text, BYTES_LITERAL("*."))) {
        made.kind = PATTERN_ONE_LABEL;
        made.base_offset = 2;
    } else if (bytes_equal_text(text, "*") || bytes_equal_text(text, "**")) {
        *reason = "a wildcard needs a name after it: `*.example.com`";
        return false;
    }
    set_text(&made, text);
    struct bytes base = pattern_base(&made);
    if (bytes_index_of(base, '*') != base.length) {
        *reason = "`*` stands for a whole label at the start: `*.example.com`, `**.example.com`";
        return false;
    }
    if (!check_base(&made, reason))
        return false;
    *pattern = made;
    return true;
}

/* The labels of the base equal those of the name, holes matched by their type. */
static bool base_matches(struct bytes base, struct bytes name)
{
    struct bytes wanted;
    struct bytes label;
    while (bytes_next_token(&base, '.', &wanted)) {
        if (!bytes_next_token(&name, '.', &label))
            return false;
        if (bytes_equal_text(wanted, hole_text) ? !pattern_is_aws_region(label)
                                                : !bytes_equal(wanted, label))
            return false;
    }
    return name.data == NULL;
}

bool pattern_matches(const struct pattern *pattern, const struct host_name *name)
{
    struct bytes rest = host_name_bytes(name);
    struct bytes base = pattern_base(pattern);
    if (pattern->kind == PATTERN_EXACT)
        return base_matches(base, rest);
    struct bytes label;
    while (bytes_next_token(&rest, '.', &label) && rest.data) {
        if (bytes_index_of(label, '_') != label.length)
            return false;
        if (base_matches(base, rest))
            return true;
        if (pattern->kind == PATTERN_ONE_LABEL)
            return false;
    }
    return false;
}
