#include "spy/spy_options.h"

#include "base/check.h"
#include "base/number.h"
#include "base/printable.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WIDTH_MAX = 10000 };

enum option_id {
    OPTION_JSON,
    OPTION_TUI,
    OPTION_RAW,
    OPTION_NO_DEDUPE,
    OPTION_NO_DENIED,
    OPTION_TOOLS,
    OPTION_SESSION,
    OPTION_PROVIDER,
    OPTION_SINCE,
    OPTION_FILTER,
    OPTION_RECORD,
    OPTION_COLOR,
    OPTION_WIDTH,
    OPTION_UTC,
    OPTION_BACKLOG,
    OPTION_HAR,
    OPTION_JSONL,
    OPTION_OTEL,
    OPTION_HTML,
    OPTION_HELP,
    OPTION_VERSION
};

/* The host's command table has the same rows (command_spy.c); a test compares them. */
static const struct {
    const char *name, *value, *summary;
} rows[] = {
    [OPTION_JSON] = {"json", NULL, "print each finished call as a JSON object in a line"},
    [OPTION_TUI] = {"tui", NULL, "browse on a full screen"},
    [OPTION_RAW] = {"raw", NULL, "add headers and bodies, without their secrets"},
    [OPTION_NO_DEDUPE] = {"no-dedupe", NULL, "show all of each request, not only what is new"},
    [OPTION_NO_DENIED] = {"no-denied", NULL, "leave out what the firewall denied"},
    [OPTION_TOOLS] = {"tools", NULL, "show what tools do and take, not only their names"},
    [OPTION_SESSION] = {"session", "ID", "only this session; the beginning of its id is enough"},
    [OPTION_PROVIDER] = {"provider", "NAME", "only this provider: anthropic, bedrock, openai"},
    [OPTION_SINCE] = {"since", "WHEN", "only from then on: 10m, 2h, or 2026-01-31T12:00:00Z"},
    [OPTION_FILTER] = {"filter", "EXPR", "only calls that meet it: see rootcell-spy(1)"},
    [OPTION_RECORD] = {"record", "FILE", "keep what is seen in a new file, to show it again"},
    [OPTION_COLOR] = {"color", "WHEN", "auto, always or never"},
    [OPTION_WIDTH] = {"width", "N", "wrap at so many columns"},
    [OPTION_UTC] = {"utc", NULL, "show times in UTC"},
    [OPTION_BACKLOG] = {"backlog", NULL, "end when what was captured before has come"},
    [OPTION_HAR] = {"har", "FILE", "export: an HTTP archive (HAR 1.2)"},
    [OPTION_JSONL] = {"jsonl", "FILE", "export: the lines of --json"},
    [OPTION_OTEL] = {"otel", "FILE", "export: OpenTelemetry spans (OTLP as JSON)"},
    [OPTION_HTML] = {"html", "FILE", "export: one page that needs nothing else"},
    [OPTION_HELP] = {"help", NULL, "print this"},
    [OPTION_VERSION] = {"version", NULL, "print the version"},
};
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static bool refuse(const char *text, const char *why, struct error *error)
{
    char shown[120];
    return error_set(error, "%s: %s", printable_text(bytes_from_text(text), shown, sizeof(shown)),
                     why);
}

/* How long ago: digits and s, m, h or d. */
static bool parse_ago(struct bytes text, uint64_t *ago_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    for (size_t i = 0; text.length > 1 && i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t count;
        if (text.data[text.length - 1] == units[i].unit &&
            number_parse_decimal(bytes_first(text, text.length - 1), 1000000, &count)) {
            *ago_ms = count * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool parse_since(const char *text, uint64_t now_ms, uint64_t *since_ms)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d %H:%M:%S",  "%Y-%m-%d %H:%M",    "%Y-%m-%d"};
    uint64_t ago_ms;
    if (parse_ago(bytes_from_text(text), &ago_ms)) {
        *since_ms = ago_ms < now_ms ? now_ms - ago_ms : 0;
        return true;
    }
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm moment = {.tm_isdst = -1};
        const char *rest = strptime(text, forms[i], &moment);
        if (rest == NULL || *rest != '\0')
            continue;
        time_t seconds = i == 0 ? timegm(&moment) : mktime(&moment);
        *since_ms = seconds > 0 ? (uint64_t)seconds * 1000 : 0;
        return true;
    }
    return false;
}

static bool parse_colour(const char *text, enum spy_colour *colour)
{
    static const char *const words[] = {"auto", "always", "never"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(text, words[i]) == 0) {
            *colour = (enum spy_colour)i;
            return true;
        }
    }
    return false;
}

static bool take_filter(struct spy_options *options, const char *text, struct error *error)
{
    spy_filter_free(options->filter);
    options->filter = spy_filter_parse(bytes_from_text(text), error);
    options->filter_text = text;
    return options->filter || error_add_context(error, "--filter");
}

static bool take_value(struct spy_options *options, enum option_id id, const char *value,
                       uint64_t now_ms, struct error *error)
{
    uint64_t number;
    switch (id) {
    case OPTION_SESSION:
        options->session = value;
        return true;
    case OPTION_PROVIDER:
        options->provider = value;
        return true;
    case OPTION_SINCE:
        return parse_since(value, now_ms, &options->since_ms) ||
               refuse(value, "no time that --since knows", error);
    case OPTION_FILTER:
        return take_filter(options, value, error);
    case OPTION_RECORD:
        options->record = value;
        return true;
    case OPTION_COLOR:
        return parse_colour(value, &options->colour) ||
               refuse(value, "--color takes auto, always or never", error);
    case OPTION_WIDTH:
        if (!number_parse_decimal(bytes_from_text(value), WIDTH_MAX, &number) || number == 0)
            return refuse(value, "no width", error);
        options->width = (int)number;
        return true;
    default:
        CHECK(id >= OPTION_HAR && id <= OPTION_HTML);
        options->exports[id - OPTION_HAR] = value;
        return true;
    }
}

static void take_flag(struct spy_options *options, enum option_id id)
{
    switch (id) {
    case OPTION_JSON:
        options->mode = SPY_MODE_JSON;
        break;
    case OPTION_TUI:
        options->mode = SPY_MODE_SCREEN;
        break;
    case OPTION_RAW:
        options->is_raw = true;
        break;
    case OPTION_NO_DEDUPE:
        options->is_all = true;
        break;
    case OPTION_NO_DENIED:
        options->is_denied_hidden = true;
        break;
    case OPTION_TOOLS:
        options->has_tools = true;
        break;
    case OPTION_UTC:
        options->is_utc = true;
        break;
    case OPTION_BACKLOG:
        options->is_backlog = true;
        break;
    case OPTION_VERSION:
        options->is_version = true;
        break;
    default:
        options->is_help = true;
    }
}

/* `--name`, `--name value` or `--name=value`; `*rest` moves to the last word that was taken. */
static bool take_option(struct spy_options *options, char *const **rest, uint64_t now_ms,
                        struct error *error)
{
    const char *name = **rest + 2;
    size_t length = strcspn(name, "=");
    for (unsigned i = 0; i < ROW_COUNT; i++) {
        if (strlen(rows[i].name) != length || strncmp(rows[i].name, name, length) != 0)
            continue;
        if (rows[i].value == NULL) {
            if (name[length] == '=')
                return refuse(**rest, "takes no value", error);
            take_flag(options, (enum option_id)i);
            return true;
        }
        const char *value = name + length + 1;
        if (name[length] == '\0') {
            if ((*rest)[1] == NULL)
                return refuse(**rest, "needs a value", error);
            value = *++*rest;
        }
        return take_value(options, (enum option_id)i, value, now_ms, error);
    }
    return refuse(**rest, "no such option", error);
}

static bool check(const struct spy_options *options, struct error *error)
{
    unsigned exports = 0;
    for (unsigned i = 0; i < SPY_EXPORT_COUNT; i++)
        exports += options->exports[i] != NULL;
    if (options->is_help || options->is_version)
        return true;
    if (options->mode == SPY_MODE_EXPORT && exports == 0)
        return error_set(error, "export: which? --har, --jsonl, --otel or --html FILE");
    if (options->mode != SPY_MODE_EXPORT && exports > 0)
        return error_set(error, "--har, --jsonl, --otel and --html belong to `export`");
    if (options->mode == SPY_MODE_SCREEN && options->since_ms > 0)
        return error_set(error, "--since: not with --tui");
    if (options->record && options->file)
        return error_set(error, "--record: a recording that is replayed is a recording already");
    return true;
}

bool spy_options_parse(char *const *arguments, uint64_t now_ms, struct spy_options *options,
                       struct error *error)
{
    struct spy_options parsed = {0};
    bool is_export = false, is_good = true, is_only_operands = false;
    char *const *rest = arguments;
    if (*rest && strcmp(*rest, "export") == 0) {
        is_export = true;
        rest++;
    }
    for (; *rest && is_good; rest++) {
        if (!is_only_operands && strcmp(*rest, "--") == 0)
            is_only_operands = true;
        else if (!is_only_operands && strncmp(*rest, "--", 2) == 0)
            is_good = take_option(&parsed, &rest, now_ms, error);
        else if (!is_only_operands && **rest == '-' && (*rest)[1] != '\0')
            is_good = refuse(*rest, "no such option", error);
        else if (parsed.file)
            is_good = refuse(*rest, "not expected here", error);
        else
            parsed.file = *rest;
    }
    if (is_export)
        parsed.mode = SPY_MODE_EXPORT;
    if (parsed.file && strcmp(parsed.file, "-") == 0)
        parsed.file = NULL;
    if (!is_good || !check(&parsed, error)) {
        spy_options_done(&parsed);
        return false;
    }
    *options = parsed;
    return true;
}

void spy_options_done(struct spy_options *options)
{
    spy_filter_free(options->filter);
    options->filter = NULL;
}

void spy_options_append_usage(struct buffer *out)
{
    bool is_good = buffer_append_text(
        out, "usage: rootcell-spy [OPTION...] [FILE]\n"
             "       rootcell-spy export --har|--jsonl|--otel|--html FILE [OPTION...] [FILE]\n\n"
             "Shows traffic with language models from the events on standard input or in a\n"
             "recording. `rootcell spy` runs it over the traffic of an instance.\n\n");
    for (unsigned i = 0; i < ROW_COUNT && is_good; i++) {
        char name[40] = "";
        snprintf(name, sizeof(name), "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
                 rows[i].value ? rows[i].value : "");
        is_good = buffer_append_format(out, "  %-18s %s\n", name, rows[i].summary);
    }
    is_good = is_good && buffer_append_text(out, "\nexit status: 0 done, 1 failed, 2 usage.\n");
    CHECK(is_good);
}
