#include "policy/rule_line.h"

#include "base/number.h"
#include "base/printable.h"
#include "policy/shared_zone.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    HTTPS_PORT = 443,
    SSH_PORT = 22,
    DNS_PORT = 53,
    CONNECT_PORT = 8080,
    METHOD_LENGTH_MAX = 32,
    SHOWN_SIZE = 80
};

struct flag_row {
    const char *text;
    enum policy_flag flag;
    unsigned kinds; /* bit for each enum policy_kind that it means something to */
};

static const struct flag_row flag_rows[] = {
    {"+private", POLICY_FLAG_PRIVATE, 1 << POLICY_HTTPS | 1 << POLICY_SSH | 1 << POLICY_DNS},
    {"+shared", POLICY_FLAG_SHARED, 1 << POLICY_HTTPS | 1 << POLICY_DNS},
    {"+encoded-slash", POLICY_FLAG_ENCODED_SLASH, 1 << POLICY_HTTPS},
};

enum { FLAG_COUNT = sizeof(flag_rows) / sizeof(flag_rows[0]) };

/* Where a refusal goes. */
struct reason {
    char *text;
    size_t size;
};

static bool refuse(const struct reason *reason, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(const struct reason *reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason->text, reason->size, format, arguments);
    va_end(arguments);
    return false;
}

bool rule_line_split(struct bytes line, struct bytes tokens[RULE_LINE_TOKENS_MAX], size_t *count)
{
    *count = 0;
    size_t position = 0;
    while (position < line.length) {
        uint8_t byte = line.data[position];
        if (byte == ' ' || byte == '\t') {
            position++;
            continue;
        }
        if (byte == '#')
            return true;
        size_t start = position;
        while (position < line.length && line.data[position] != ' ' && line.data[position] != '\t')
            position++;
        if (*count == RULE_LINE_TOKENS_MAX)
            return false;
        tokens[(*count)++] = (struct bytes){line.data + start, position - start};
    }
    return true;
}

static bool parse_port(enum policy_kind kind, struct bytes text, uint16_t *port,
                       const struct reason *reason)
{
    char shown[SHOWN_SIZE];
    uint64_t value = 0;
    if (kind == POLICY_DNS)
        return refuse(reason, "a dns rule has no port");
    if (!number_parse_decimal(text, UINT16_MAX, &value) || value == 0)
        return refuse(reason, "port `%s` is no number from 1 to 65535",
                      printable_text(text, shown, sizeof(shown)));
    if (value == DNS_PORT)
        return refuse(reason, "port 53 is the firewall's own, for DNS");
    if (value == CONNECT_PORT)
        return refuse(reason, "port 8080 is the firewall's own, for CONNECT");
    *port = (uint16_t)value;
    return true;
}

/* A wildcard, or a bare dns name that covers what lies below it, must not cover strangers. */
static bool check_shared(const struct rule_line *rule, const struct reason *reason)
{
    struct pattern covered = rule->pattern;
    if (rule->kind == POLICY_DNS && covered.kind == PATTERN_EXACT)
        covered.kind = PATTERN_ANY_LABELS;
    struct bytes zone;
    if ((rule->flags & POLICY_FLAG_SHARED) || !shared_zone_is_matched(&covered, &zone))
        return true;
    return refuse(reason,
                  "anyone can register a name below `%.*s`: name the host exactly, or add +shared "
                  "to allow all of them",
                  (int)zone.length, (const char *)zone.data);
}

static bool parse_target(struct rule_line *rule, struct bytes text, const struct reason *reason)
{
    char shown[SHOWN_SIZE];
    size_t colon = bytes_index_of(text, ':');
    const char *problem = NULL;
    if (!pattern_parse(bytes_first(text, colon), &rule->pattern, &problem))
        return refuse(reason, "`%s`: %s",
                      printable_text(bytes_first(text, colon), shown, sizeof(shown)), problem);
    if (colon < text.length &&
        !parse_port(rule->kind, (struct bytes){text.data + colon + 1, text.length - colon - 1},
                    &rule->port, reason))
        return false;
    if (rule->kind == POLICY_SSH && (rule->pattern.kind != PATTERN_EXACT || rule->pattern.has_hole))
        return refuse(reason, "an ssh rule needs an exact name: SSH carries no name to check");
    return true;
}

static bool parse_method(struct rule_line *rule, struct bytes method, const struct reason *reason)
{
    char shown[SHOWN_SIZE];
    bool is_fine = method.length > 0 && method.length <= METHOD_LENGTH_MAX;
    for (size_t i = 0; is_fine && i < method.length; i++) {
        uint8_t byte = method.data[i];
        is_fine = (byte >= 'A' && byte <= 'Z') || (i > 0 && (byte == '-' || byte == '_'));
    }
    if (!is_fine)
        return refuse(reason, "`%s` is no method: upper case, `GET,HEAD`",
                      printable_text(method, shown, sizeof(shown)));
    if (bytes_equal_text(method, "CONNECT"))
        return refuse(reason, "CONNECT is never allowed inside TLS");
    if (rule->method_count == POLICY_METHODS_MAX)
        return refuse(reason, "more than %d methods", POLICY_METHODS_MAX);
    rule->methods[rule->method_count++] = method;
    return true;
}

static bool parse_methods(struct rule_line *rule, struct bytes list, const struct reason *reason)
{
    if (rule->kind != POLICY_HTTPS)
        return refuse(reason, "a method or path needs an https rule");
    if (rule->method_count || rule->path.length || rule->flags)
        return refuse(reason, "order is PATTERN[:PORT] METHODS PATH +FLAGS, methods joined by `,`");
    struct bytes method;
    while (bytes_next_token(&list, ',', &method))
        if (!parse_method(rule, method, reason))
            return false;
    return true;
}

static bool parse_path(struct rule_line *rule, struct bytes path, const struct reason *reason)
{
    struct path_pattern pattern;
    const char *problem = NULL;
    if (rule->kind != POLICY_HTTPS)
        return refuse(reason, "a method or path needs an https rule");
    if (rule->path.length || rule->flags)
        return refuse(reason, "order is PATTERN[:PORT] METHODS PATH +FLAGS, with one path");
    if (!path_pattern_parse(path, &pattern, &problem))
        return refuse(reason, "%s", problem);
    rule->path = path;
    return true;
}

static bool parse_flag(struct rule_line *rule, struct bytes token, const struct reason *reason)
{
    char shown[SHOWN_SIZE];
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag_row *row = &flag_rows[i];
        if (!bytes_equal_text(token, row->text))
            continue;
        if ((row->kinds & (1U << rule->kind)) == 0)
            return refuse(reason, "%s has no meaning in an %s rule", row->text,
                          policy_kind_text(rule->kind));
        rule->flags |= row->flag;
        return true;
    }
    return refuse(reason, "unknown flag `%s`: +private, +shared, +encoded-slash",
                  printable_text(token, shown, sizeof(shown)));
}

bool rule_line_parse(enum policy_kind kind, const struct bytes *tokens, size_t count,
                     struct rule_line *rule, char *reason_text, size_t reason_size)
{
    static const uint16_t default_ports[POLICY_KIND_COUNT] = {HTTPS_PORT, SSH_PORT, 0};
    struct reason reason = {reason_text, reason_size};
    struct rule_line made = {.kind = kind, .port = default_ports[kind]};
    if (!parse_target(&made, tokens[0], &reason))
        return false;
    for (size_t i = 1; i < count; i++) {
        bool is_fine = tokens[i].data[0] == '+'   ? parse_flag(&made, tokens[i], &reason)
                       : tokens[i].data[0] == '/' ? parse_path(&made, tokens[i], &reason)
                                                  : parse_methods(&made, tokens[i], &reason);
        if (!is_fine)
            return false;
    }
    if (!check_shared(&made, &reason))
        return false;
    *rule = made;
    return true;
}

bool rule_line_write(const struct rule_line *rule, struct buffer *out)
{
    static const uint16_t default_ports[POLICY_KIND_COUNT] = {HTTPS_PORT, SSH_PORT, 0};
    if (!buffer_append(out, pattern_bytes(&rule->pattern)))
        return false;
    if (rule->port != default_ports[rule->kind] && !buffer_append_format(out, ":%d", rule->port))
        return false;
    for (size_t i = 0; i < rule->method_count; i++)
        if (!buffer_append_text(out, i ? "," : " ") || !buffer_append(out, rule->methods[i]))
            return false;
    if (rule->path.length && (!buffer_append_text(out, " ") || !buffer_append(out, rule->path)))
        return false;
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if ((rule->flags & flag_rows[i].flag) &&
            (!buffer_append_text(out, " ") || !buffer_append_text(out, flag_rows[i].text)))
            return false;
    return true;
}
