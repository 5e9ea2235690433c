#include "policy/provider_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/printable.h"
#include "policy/policy_file.h"

enum { WORDS_MAX = 5, METHOD_MAX = 32, TARGET_MAX = 16 * 1024 };

enum statement_kind { STATEMENT_PROVIDER, STATEMENT_API, STATEMENT_NEVER, STATEMENT_KIND_COUNT };

static const struct {
    const char *word;
    size_t word_count; /* itself included */
    const char *form;
} statements[STATEMENT_KIND_COUNT] = {
    [STATEMENT_PROVIDER] = {"provider", 2, "provider NAME"},
    [STATEMENT_API] = {"api", 5, "api API METHOD HOST PATH"},
    [STATEMENT_NEVER] = {"never", 4, "never METHOD HOST PATH"},
};

struct provider_line {
    char *text;          /* owned: what the members below borrow from */
    struct bytes api;    /* empty: never */
    struct bytes method; /* empty: any */
    struct pattern host;
    struct path_pattern path;
    size_t provider; /* index of its name */
};

struct provider_set {
    provider_api_fn *is_api;
    struct provider_line *lines; /* owned */
    size_t line_count;
    char *names[PROVIDER_FILES_MAX]; /* owned */
    size_t name_count;
};

/* A file that is being read. */
struct reading {
    struct provider_set *set;
    size_t name; /* index; set->name_count before the statement `provider` */
    bool has_name;
};

struct provider_set *provider_set_new(provider_api_fn *is_api)
{
    struct provider_set *set = memory_new(sizeof(*set));
    set->is_api = is_api;
    return set;
}

/* Back to so many lines and names. */
static void truncate_set(struct provider_set *set, size_t line_count, size_t name_count)
{
    while (set->line_count > line_count)
        free(set->lines[--set->line_count].text);
    while (set->name_count > name_count)
        free(set->names[--set->name_count]);
}

void provider_set_free(struct provider_set *set)
{
    if (set == NULL)
        return;
    truncate_set(set, 0, 0);
    free(set->lines);
    free(set);
}

size_t provider_set_count(const struct provider_set *set)
{
    return set->name_count;
}

/* --- statements ----------------------------------------------------------------------------- */

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* The words of a line before a comment. False: there are more than WORDS_MAX. */
static bool split(struct bytes line, struct bytes words[WORDS_MAX], size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < line.length;) {
        if (is_space(line.data[i])) {
            i++;
            continue;
        }
        if (line.data[i] == '#')
            return true;
        size_t start = i;
        while (i < line.length && !is_space(line.data[i]))
            i++;
        if (*count == WORDS_MAX)
            return false;
        words[(*count)++] = (struct bytes){line.data + start, i - start};
    }
    return true;
}

static bool is_name(struct bytes word)
{
    for (size_t i = 0; i < word.length; i++) {
        uint8_t byte = word.data[i];
        bool is_letter = byte >= 'a' && byte <= 'z';
        if (!is_letter && (i == 0 || ((byte < '0' || byte > '9') && byte != '-')))
            return false;
    }
    return word.length > 0 && word.length <= PROVIDER_NAME_MAX;
}

static bool read_provider(struct reading *reading, struct bytes word, struct error *error)
{
    struct provider_set *set = reading->set;
    if (reading->has_name)
        return error_set(error, "`provider` stands twice");
    if (!is_name(word))
        return error_set(error, "a provider's name has lower case letters, digits and `-`, "
                                "a letter first, at most 32");
    for (size_t i = 0; i < set->name_count; i++)
        if (bytes_equal_text(word, set->names[i]))
            return error_set(error, "provider %s stands in another file", set->names[i]);
    if (set->name_count == PROVIDER_FILES_MAX)
        return error_set(error, "more than %d providers", PROVIDER_FILES_MAX);
    reading->name = set->name_count;
    set->names[set->name_count++] = bytes_copy_text(word);
    reading->has_name = true;
    return true;
}

static bool check_method(struct bytes word, struct error *error)
{
    bool is_good = word.length <= METHOD_MAX;
    for (size_t i = 0; i < word.length; i++)
        is_good = is_good && word.data[i] >= 'A' && word.data[i] <= 'Z';
    return is_good || bytes_equal_text(word, "*") ||
           error_set(error, "a method has capital letters, or is `*`");
}

static bool is_known_api(const struct provider_set *set, struct bytes word)
{
    return word.length <= PROVIDER_API_MAX && set->is_api(word);
}

static void make_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

/* `words`: METHOD HOST PATH. */
static bool read_request(struct reading *reading, struct bytes api, const struct bytes *words,
                         struct error *error)
{
    struct provider_set *set = reading->set;
    const char *reason = NULL;
    struct provider_line line = {.provider = reading->name};
    if (!check_method(words[0], error))
        return false;
    if (!pattern_parse(words[1], &line.host, &reason))
        return error_set(error, "%s", reason);
    if (set->line_count == PROVIDER_LINES_MAX)
        return error_set(error, "more than %d lines", PROVIDER_LINES_MAX);
    /* One text of three parts, each found again by its length. */
    CLEANUP_FREE char *path = bytes_copy_text(words[2]);
    if (api.length == 0)
        make_lower(path);
    line.text = memory_format("%.*s%.*s%s", (int)api.length, (const char *)api.data,
                              (int)words[0].length, (const char *)words[0].data, path);
    struct bytes text = bytes_from_text(line.text);
    line.api = bytes_first(text, api.length);
    line.method = bytes_first(bytes_from(text, api.length), words[0].length);
    if (bytes_equal_text(line.method, "*"))
        line.method = BYTES_EMPTY;
    bool is_good =
        path_pattern_parse(bytes_from(text, api.length + words[0].length), &line.path, &reason);
    if (is_good && line.path.service.length > 0)
        reason = "a provider's path has no query";
    if (!is_good || line.path.service.length > 0) {
        free(line.text);
        return error_set(error, "%s", reason);
    }
    set->lines = memory_resize_array(set->lines, set->line_count + 1, sizeof(*set->lines));
    set->lines[set->line_count++] = line;
    return true;
}

static bool read_statement(struct reading *reading, enum statement_kind kind,
                           const struct bytes *words, struct error *error)
{
    if (kind == STATEMENT_PROVIDER)
        return read_provider(reading, words[1], error);
    if (!reading->has_name)
        return error_set(error, "`provider NAME` comes first");
    if (kind == STATEMENT_NEVER)
        return read_request(reading, BYTES_EMPTY, words + 1, error);
    if (!is_known_api(reading->set, words[1])) {
        char shown[PROVIDER_API_MAX + 4];
        return error_set(error, "`%s` is no API that is known",
                         printable_text(words[1], shown, sizeof(shown)));
    }
    return read_request(reading, words[1], words + 2, error);
}

static bool read_line(struct reading *reading, struct bytes line, struct error *error)
{
    struct bytes words[WORDS_MAX];
    size_t count = 0;
    bool is_short = split(line, words, &count);
    if (count == 0)
        return true;
    for (int kind = 0; kind < STATEMENT_KIND_COUNT; kind++) {
        if (!bytes_equal_text(words[0], statements[kind].word))
            continue;
        if (!is_short || count != statements[kind].word_count)
            return error_set(error, "the statement is `%s`", statements[kind].form);
        return read_statement(reading, (enum statement_kind)kind, words, error);
    }
    char shown[32];
    return error_set(error, "`%s` is no statement: provider, api and never are known",
                     printable_text(words[0], shown, sizeof(shown)));
}

static bool read_lines(struct reading *reading, const char *shown, struct bytes text,
                       struct error *error)
{
    struct policy_file file;
    struct bytes line;
    const char *reason = NULL;
    if (text.length > PROVIDER_FILE_BYTES_MAX)
        return error_set(error, "%s: the file is longer than 64 KiB", shown);
    policy_file_start(&file, text);
    for (;;) {
        switch (policy_file_next(&file, &line, &reason)) {
        case POLICY_FILE_BAD:
            return error_set(error, "%s:%zu: %s", shown, file.line, reason);
        case POLICY_FILE_END:
            return reading->has_name ||
                   error_set(error, "%s:%zu: `provider NAME` is missing", shown, file.line);
        case POLICY_FILE_LINE:
            if (!read_line(reading, line, error))
                return error_add_context(error, "%s:%zu", shown, file.line);
        }
    }
}

bool provider_set_add(struct provider_set *set, const char *shown, struct bytes text,
                      struct error *error)
{
    size_t line_count = set->line_count;
    size_t name_count = set->name_count;
    struct reading reading = {.set = set, .name = name_count};
    if (read_lines(&reading, shown, text, error))
        return true;
    truncate_set(set, line_count, name_count);
    return false;
}

/* --- requests ------------------------------------------------------------------------------- */

/*
 * The path as a careless server might take it; of a path that path_pattern_check_target finds
 * fine, so there are no dot segments and no doubly escaped bytes.
 */
static struct bytes careless_path(struct bytes target, uint8_t room[TARGET_MAX])
{
    struct bytes path = bytes_first(target, bytes_index_of(target, '?'));
    size_t length = 0;
    bool is_parameter = false;
    for (size_t i = 0; i < path.length; i++) {
        uint64_t byte = path.data[i];
        if (byte == '%' &&
            number_parse_hexadecimal(bytes_first(bytes_from(path, i + 1), 2), 0xff, &byte))
            i += 2;
        is_parameter = byte == ';' || (is_parameter && byte != '/');
        if (is_parameter)
            continue;
        if (byte >= 'A' && byte <= 'Z')
            byte += 'a' - 'A';
        if (byte == '/' && length > 0 && room[length - 1] == '/')
            continue;
        room[length++] = (uint8_t)byte;
    }
    while (length > 1 && room[length - 1] == '/')
        length--;
    return (struct bytes){room, length};
}

static bool is_of(const struct provider_line *line, const struct host_name *host,
                  struct bytes method, struct bytes path)
{
    bool is_method = line->method.length == 0 || bytes_equal(line->method, method) ||
                     (line->api.length == 0 && bytes_equal_ignore_case(line->method, method));
    return is_method && path_pattern_matches(&line->path, path) &&
           pattern_matches(&line->host, host);
}

static bool is_never(const struct provider_set *set, const struct host_name *host,
                     struct bytes method, struct bytes target)
{
    uint8_t room[TARGET_MAX];
    struct bytes path = careless_path(target, room);
    for (size_t i = 0; i < set->line_count; i++)
        if (set->lines[i].api.length == 0 && is_of(&set->lines[i], host, method, path))
            return true;
    return false;
}

bool provider_set_find(const struct provider_set *set, const struct host_name *host,
                       struct bytes method, struct bytes target, struct provider_match *match)
{
    if (target.length > TARGET_MAX || path_pattern_check_target(target) == PATH_AMBIGUOUS)
        return false;
    for (size_t i = 0; i < set->line_count; i++) {
        const struct provider_line *line = &set->lines[i];
        if (line->api.length == 0 || !is_of(line, host, method, target))
            continue;
        if (is_never(set, host, method, target))
            return false;
        *match = (struct provider_match){bytes_from_text(set->names[line->provider]), line->api};
        return true;
    }
    return false;
}

bool provider_set_has_host(const struct provider_set *set, const struct host_name *host)
{
    for (size_t i = 0; i < set->line_count; i++)
        if (pattern_matches(&set->lines[i].host, host))
            return true;
    return false;
}
