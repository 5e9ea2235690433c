#include "policy/policy.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"
#include "policy/policy_file.h"
#include "policy/rule_index.h"
#include "policy/rule_line.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_BAD_REQUEST = 400, STATUS_FORBIDDEN = 403, GROUP_NAME_MAX = 32, SHOWN_SIZE = 80 };

struct rule {
    struct policy_rule shown;
    char *text;           /* owned: shown.text */
    struct bytes methods; /* part of text: "GET,HEAD" */
    struct path_pattern path;
};

struct policy {
    struct rule *rules; /* owned */
    size_t rule_count;
    size_t rule_room;
    char **files; /* owned, each owned: names for shown.file */
    size_t file_count;
    struct rule_index *index; /* owned */
    struct bytes *pool_keys;  /* owned; the texts are the index's */
    size_t pool_key_count;
    struct policy_ports ports;
};

const char *policy_kind_text(enum policy_kind kind)
{
    static const char *const texts[POLICY_KIND_COUNT] = {"https", "ssh", "dns"};
    return texts[kind];
}

/* ---- compiling ---- */

/* Where the compiler reads. */
struct place {
    const char *file;
    size_t line;
};

struct compiler {
    struct policy *policy;
    const struct policy_sources *sources;
    const char *const *group_files; /* shown names, one for each group */
    struct policy_error *error;
};

static bool refuse(struct policy_error *error, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct policy_error *error, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->reason, sizeof(error->reason), format, arguments);
    va_end(arguments);
    snprintf(error->file, sizeof(error->file), "%s", place.file);
    error->line = place.line;
    if (place.line)
        snprintf(error->text, sizeof(error->text), "%s:%zu: %s", error->file, place.line,
                 error->reason);
    else
        snprintf(error->text, sizeof(error->text), "%s: %s", error->file, error->reason);
    return false;
}

static bool add_port(uint16_t *ports, size_t *count, uint16_t port)
{
    size_t position = 0;
    while (position < *count && ports[position] < port)
        position++;
    if (position < *count && ports[position] == port)
        return true;
    if (*count > POLICY_PORTS_MAX)
        return false;
    memmove(ports + position + 1, ports + position, (*count - position) * sizeof(*ports));
    ports[position] = port;
    (*count)++;
    return true;
}

static void add_ports_always_open(struct policy *policy)
{
    CHECK(add_port(policy->ports.https, &policy->ports.https_count, 443));
    CHECK(add_port(policy->ports.ssh, &policy->ports.ssh_count, 22));
}

/* Point methods and path at their places in the rule's own text. */
static void set_parts(struct rule *rule, const struct rule_line *line)
{
    struct bytes rest = bytes_from_text(rule->text);
    struct bytes token;
    while (bytes_next_token(&rest, ' ', &token)) {
        if (token.data == (const uint8_t *)rule->text || token.data[0] == '+')
            continue;
        if (token.data[0] != '/') {
            rule->methods = token;
            continue;
        }
        const char *reason = NULL;
        CHECK(path_pattern_parse(token, &rule->path, &reason));
    }
    CHECK((rule->methods.length > 0) == (line->method_count > 0));
}

static void index_rule(struct policy *policy, const struct rule_line *line, uint32_t number)
{
    rule_index_add(policy->index, &line->pattern, number);
    if (line->kind != POLICY_DNS || line->pattern.kind != PATTERN_EXACT)
        return;
    /* A bare dns name covers what lies below it, too. */
    char text[HOST_NAME_LENGTH_MAX + 8];
    int length = snprintf(text, sizeof(text), "**.%s", line->pattern.text);
    struct pattern below;
    const char *reason = NULL;
    if (pattern_parse((struct bytes){(uint8_t *)text, (size_t)length}, &below, &reason))
        rule_index_add(policy->index, &below, number);
}

static bool add_rule(struct compiler *compiler, const struct rule_line *line, struct place place)
{
    struct policy *policy = compiler->policy;
    bool has_room = line->kind == POLICY_DNS ||
                    (line->kind == POLICY_SSH
                         ? add_port(policy->ports.ssh, &policy->ports.ssh_count, line->port)
                         : add_port(policy->ports.https, &policy->ports.https_count, line->port));
    if (!has_room)
        return refuse(compiler->error, place, "more than %d different ports", POLICY_PORTS_MAX);
    if (policy->rule_count == POLICY_RULES_MAX)
        return refuse(compiler->error, place, "more than %d rules", POLICY_RULES_MAX);
    if (policy->rule_count == policy->rule_room) {
        policy->rule_room = policy->rule_room ? policy->rule_room * 2 : 64;
        policy->rules =
            memory_resize_array(policy->rules, policy->rule_room, sizeof(*policy->rules));
    }
    struct buffer text;
    buffer_init(&text, 2 * POLICY_LINE_BYTES_MAX);
    CHECK(rule_line_write(line, &text));
    struct rule *rule = &policy->rules[policy->rule_count];
    *rule = (struct rule){.text = bytes_copy_text(buffer_bytes(&text))};
    buffer_done(&text);
    rule->shown = (struct policy_rule){.kind = line->kind,
                                       .flags = line->flags,
                                       .port = line->port,
                                       .has_methods = line->method_count > 0,
                                       .has_path = line->path.length > 0,
                                       .text = rule->text,
                                       .file = place.file,
                                       .line = place.line};
    set_parts(rule, line);
    index_rule(policy, line, (uint32_t)policy->rule_count++);
    return true;
}

static bool compile_tokens(struct compiler *compiler, enum policy_kind kind,
                           const struct bytes *tokens, size_t count, struct place place,
                           bool is_kept)
{
    struct rule_line line;
    char reason[sizeof(compiler->error->reason)];
    if (!rule_line_parse(kind, tokens, count, &line, reason, sizeof(reason)))
        return refuse(compiler->error, place, "%s", reason);
    return !is_kept || add_rule(compiler, &line, place);
}

/* What a walk over a group's lines keeps. */
enum group_use { GROUP_CHECK, GROUP_KEEP };

static bool compile_group(struct compiler *compiler, size_t number, enum group_use use,
                          enum policy_kind wanted)
{
    struct policy_file file;
    struct bytes line;
    struct bytes tokens[RULE_LINE_TOKENS_MAX];
    size_t count = 0;
    const char *reason = NULL;
    enum policy_file_status status;
    struct place place = {.file = compiler->group_files[number]};
    policy_file_start(&file, compiler->sources->groups[number].bytes);
    while ((status = policy_file_next(&file, &line, &reason)) == POLICY_FILE_LINE) {
        place.line = file.line;
        if (!rule_line_split(line, tokens, &count))
            return refuse(compiler->error, place, "too many words");
        if (count == 0)
            continue;
        enum policy_kind kind = POLICY_HTTPS;
        while (kind < POLICY_KIND_COUNT && !bytes_equal_text(tokens[0], policy_kind_text(kind)))
            kind++;
        if (kind == POLICY_KIND_COUNT)
            return refuse(compiler->error, place,
                          "a line of a group starts with `https`, `ssh` or `dns`");
        if (count == 1)
            return refuse(compiler->error, place, "a name or pattern is missing");
        if (use == GROUP_KEEP && kind != wanted)
            continue;
        if (!compile_tokens(compiler, kind, tokens + 1, count - 1, place, use == GROUP_KEEP))
            return false;
    }
    place.line = file.line;
    return status == POLICY_FILE_END || refuse(compiler->error, place, "%s", reason);
}

static bool compile_group_line(struct compiler *compiler, enum policy_kind kind,
                               const struct bytes *tokens, size_t count, struct place place)
{
    char shown[SHOWN_SIZE];
    struct bytes name = bytes_from(tokens[0], 1);
    if (count > 1)
        return refuse(compiler->error, place, "a group stands alone on its line");
    for (size_t i = 0; i < compiler->sources->group_count; i++)
        if (bytes_equal_text(name, compiler->sources->groups[i].name))
            return compile_group(compiler, i, GROUP_KEEP, kind);
    return refuse(compiler->error, place, "unknown group `@%s`",
                  printable_text(name, shown, sizeof(shown)));
}

static bool compile_file(struct compiler *compiler, enum policy_kind kind, const char *name)
{
    struct policy_file file;
    struct bytes line;
    struct bytes tokens[RULE_LINE_TOKENS_MAX];
    size_t count = 0;
    const char *reason = NULL;
    enum policy_file_status status;
    struct place place = {.file = name};
    policy_file_start(&file, compiler->sources->files[kind].bytes);
    while ((status = policy_file_next(&file, &line, &reason)) == POLICY_FILE_LINE) {
        place.line = file.line;
        if (!rule_line_split(line, tokens, &count))
            return refuse(compiler->error, place, "too many words");
        if (count == 0)
            continue;
        if (!(tokens[0].data[0] == '@'
                  ? compile_group_line(compiler, kind, tokens, count, place)
                  : compile_tokens(compiler, kind, tokens, count, place, true)))
            return false;
    }
    place.line = file.line;
    return status == POLICY_FILE_END || refuse(compiler->error, place, "%s", reason);
}

static int compare_keys(const void *a, const void *b)
{
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static struct bytes group_text(const struct rule_group *group)
{
    return (struct bytes){(const uint8_t *)group->text, group->length};
}

static void make_pool_keys(struct policy *policy)
{
    size_t count = rule_index_group_count(policy->index);
    policy->pool_keys = memory_new_array(count, sizeof(*policy->pool_keys));
    policy->pool_key_count = count;
    for (size_t i = 0; i < count; i++)
        policy->pool_keys[i] = group_text(rule_index_group_at(policy->index, i));
    if (count)
        qsort(policy->pool_keys, count, sizeof(*policy->pool_keys), compare_keys);
}

static bool is_group_name(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= GROUP_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* Takes over `name`. */
static const char *keep_file_name(struct policy *policy, char *name)
{
    policy->files = memory_resize_array(policy->files, policy->file_count + 1, sizeof(char *));
    policy->files[policy->file_count] = name;
    return policy->files[policy->file_count++];
}

static bool compile(struct compiler *compiler, const char **group_files)
{
    const struct policy_sources *sources = compiler->sources;
    for (size_t i = 0; i < sources->group_count; i++) {
        group_files[i] = keep_file_name(compiler->policy,
                                        memory_format("groups/%s.txt", sources->groups[i].name));
        struct place place = {.file = group_files[i]};
        if (!is_group_name(sources->groups[i].name))
            return refuse(compiler->error, place,
                          "a group's name has lower-case letters, digits and `-` only");
        if (!compile_group(compiler, i, GROUP_CHECK, POLICY_HTTPS))
            return false;
    }
    for (enum policy_kind kind = 0; kind < POLICY_KIND_COUNT; kind++) {
        const char *name =
            keep_file_name(compiler->policy, memory_copy_text(sources->files[kind].name));
        if (!compile_file(compiler, kind, name))
            return false;
    }
    return true;
}

static struct policy *policy_new(void)
{
    struct policy *policy = memory_new(sizeof(*policy));
    policy->index = rule_index_new();
    add_ports_always_open(policy);
    return policy;
}

bool policy_compile(const struct policy_sources *sources, struct policy **policy,
                    struct policy_error *error)
{
    const char **group_files = memory_new_array(sources->group_count, sizeof(*group_files));
    struct compiler compiler = {
        .policy = policy_new(), .sources = sources, .group_files = group_files, .error = error};
    bool is_compiled = compile(&compiler, group_files);
    free(group_files);
    if (!is_compiled) {
        policy_free(compiler.policy);
        return false;
    }
    make_pool_keys(compiler.policy);
    *policy = compiler.policy;
    return true;
}

struct policy *policy_new_empty(void)
{
    struct policy *policy = policy_new();
    make_pool_keys(policy);
    return policy;
}

void policy_free(struct policy *policy)
{
    if (policy == NULL)
        return;
    for (size_t i = 0; i < policy->rule_count; i++)
        free(policy->rules[i].text);
    for (size_t i = 0; i < policy->file_count; i++)
        free(policy->files[i]);
    free(policy->rules);
    free(policy->files);
    free(policy->pool_keys);
    rule_index_free(policy->index);
    free(policy);
}

/* ---- looking at it ---- */

struct policy_ports policy_ports(const struct policy *policy)
{
    return policy->ports;
}

size_t policy_rule_count(const struct policy *policy)
{
    return policy->rule_count;
}

const struct policy_rule *policy_rule_at(const struct policy *policy, size_t index)
{
    CHECK(index < policy->rule_count);
    return &policy->rules[index].shown;
}

const struct bytes *policy_pool_keys(const struct policy *policy, size_t *count)
{
    *count = policy->pool_key_count;
    return policy->pool_keys;
}

/* ---- deciding ---- */

struct reason_row {
    const char *name;
    const char *text;
    int status;
};

static const struct reason_row reason_rows[] = {
    [POLICY_ALLOWED] = {"allowed", "a rule allows it", 0},
    [POLICY_NAME_DENIED] = {"name-denied", "no rule allows this name", STATUS_FORBIDDEN},
    [POLICY_PORT_DENIED] = {"port-denied", "no rule for this name allows this port",
                            STATUS_FORBIDDEN},
    [POLICY_METHOD_DENIED] = {"method-denied", "no rule for this name allows this method",
                              STATUS_FORBIDDEN},
    [POLICY_PATH_DENIED] = {"path-denied", "no rule for this name and method allows this path",
                            STATUS_FORBIDDEN},
    [POLICY_PATH_AMBIGUOUS] = {"path-ambiguous",
                               "the path can be read in two ways and the name has path rules",
                               STATUS_BAD_REQUEST},
};
static_assert(sizeof(reason_rows) / sizeof(reason_rows[0]) == POLICY_REASON_COUNT,
              "every reason has a row");

const char *policy_reason_name(enum policy_reason reason)
{
    return reason_rows[reason].name;
}

const char *policy_reason_text(enum policy_reason reason)
{
    return reason_rows[reason].text;
}

static struct policy_decision deny(enum policy_reason reason)
{
    return (struct policy_decision){.reason = reason, .status = reason_rows[reason].status};
}

static void allow(struct policy_decision *decision, const struct rule *rule)
{
    decision->is_allowed = true;
    decision->reason = POLICY_ALLOWED;
    decision->status = 0;
    decision->rule = &rule->shown;
}

/* Walks all rules whose pattern matches a name, most specific first. */
struct walk {
    const struct policy *policy;
    const struct rule_group *groups[RULE_INDEX_MATCHES_MAX];
    size_t group_count;
    size_t position;
    uint32_t cursor;
};

static void walk_restart(struct walk *walk)
{
    walk->position = 0;
    walk->cursor = walk->group_count ? rule_index_start(walk->groups[0]) : 0;
}

static void walk_start(struct walk *walk, const struct policy *policy, const struct host_name *name)
{
    walk->policy = policy;
    walk->group_count = rule_index_find(policy->index, name, walk->groups);
    walk_restart(walk);
}

static const struct rule *walk_next(struct walk *walk)
{
    while (walk->position < walk->group_count) {
        uint32_t number = 0;
        if (rule_index_next(walk->policy->index, &walk->cursor, &number))
            return &walk->policy->rules[number];
        if (++walk->position < walk->group_count)
            walk->cursor = rule_index_start(walk->groups[walk->position]);
    }
    return NULL;
}

struct policy_decision policy_decide_dns(const struct policy *policy, const struct host_name *name)
{
    struct walk walk;
    walk_start(&walk, policy, name);
    struct policy_decision decision = deny(POLICY_NAME_DENIED);
    if (walk.group_count == 0)
        return decision;
    decision.pool_key = group_text(walk.groups[0]);
    decision.is_pool_key_exact = walk.groups[0]->is_exact;
    const struct rule *rule = walk_next(&walk);
    CHECK(rule);
    allow(&decision, rule);
    for (; rule; rule = walk_next(&walk))
        decision.may_be_private |= (rule->shown.flags & POLICY_FLAG_PRIVATE) != 0;
    return decision;
}

/* Rules of one kind for a name and port, without what a request says. */
static struct policy_decision decide_port(struct walk *walk, enum policy_kind kind, uint16_t port)
{
    struct policy_decision decision = deny(POLICY_NAME_DENIED);
    for (const struct rule *rule = walk_next(walk); rule; rule = walk_next(walk)) {
        if (rule->shown.kind != kind)
            continue;
        if (rule->shown.port != port) {
            if (!decision.is_allowed)
                decision = deny(POLICY_PORT_DENIED);
            continue;
        }
        if (!decision.is_allowed)
            allow(&decision, rule);
        decision.may_be_private |= (rule->shown.flags & POLICY_FLAG_PRIVATE) != 0;
        decision.has_method_rules |= rule->shown.has_methods;
        decision.has_path_rules |= rule->shown.has_path;
    }
    return decision;
}

struct policy_decision policy_decide_tls(const struct policy *policy, const struct host_name *name,
                                         uint16_t port)
{
    struct walk walk;
    walk_start(&walk, policy, name);
    return decide_port(&walk, POLICY_HTTPS, port);
}

struct policy_decision policy_decide_ssh(const struct policy *policy, const struct host_name *name,
                                         uint16_t port)
{
    struct walk walk;
    walk_start(&walk, policy, name);
    return decide_port(&walk, POLICY_SSH, port);
}

static bool method_matches(const struct rule *rule, struct bytes method)
{
    if (!rule->shown.has_methods)
        return true;
    struct bytes rest = rule->methods;
    struct bytes listed;
    while (bytes_next_token(&rest, ',', &listed))
        if (bytes_equal(listed, method))
            return true;
    return false;
}

struct policy_decision policy_decide_http(const struct policy *policy, const struct host_name *name,
                                          uint16_t port, struct bytes method, struct bytes target)
{
    struct walk walk;
    walk_start(&walk, policy, name);
    struct policy_decision decision = decide_port(&walk, POLICY_HTTPS, port);
    if (!decision.is_allowed)
        return decision;
    enum path_problem problem =
        decision.has_path_rules ? path_pattern_check_target(target) : PATH_FINE;
    const struct rule *found = NULL;
    bool is_method_seen = false;
    walk_restart(&walk);
    for (const struct rule *rule = walk_next(&walk); rule && !found; rule = walk_next(&walk)) {
        if (rule->shown.kind != POLICY_HTTPS || rule->shown.port != port ||
            !method_matches(rule, method))
            continue;
        is_method_seen = true;
        if (problem == PATH_HAS_ENCODED_SLASH && !(rule->shown.flags & POLICY_FLAG_ENCODED_SLASH))
            continue;
        if (!rule->shown.has_path || path_pattern_matches(&rule->path, target))
            found = rule;
    }
    enum policy_reason reason = problem == PATH_AMBIGUOUS           ? POLICY_PATH_AMBIGUOUS
                                : found                             ? POLICY_ALLOWED
                                : !is_method_seen                   ? POLICY_METHOD_DENIED
                                : problem == PATH_HAS_ENCODED_SLASH ? POLICY_PATH_AMBIGUOUS
                                                                    : POLICY_PATH_DENIED;
    decision.is_allowed = reason == POLICY_ALLOWED;
    decision.reason = reason;
    decision.status = reason_rows[reason].status;
    decision.rule = decision.is_allowed ? &found->shown : NULL;
    return decision;
}

bool policy_is_method_override(struct bytes field_name)
{
    static const struct bytes names[] = {{(const uint8_t *)"x-http-method-override", 22},
                                         {(const uint8_t *)"x-http-method", 13},
                                         {(const uint8_t *)"x-method-override", 17}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bytes_equal_ignore_case(field_name, names[i]))
            return true;
    return false;
}
