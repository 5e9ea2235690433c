#include "spy/spy_figures.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Later times do not fit RFC 3339's four digits. */
#define TIME_MS_MAX UINT64_C(253402300799999)

const char *spy_figure_time(uint64_t time_ms, bool is_utc, char text[SPY_FIGURE_SIZE])
{
    time_t seconds = (time_t)((time_ms < TIME_MS_MAX ? time_ms : TIME_MS_MAX) / 1000);
    struct tm moment = {0};
    if (is_utc)
        gmtime_r(&seconds, &moment);
    else
        localtime_r(&seconds, &moment);
    if (strftime(text, SPY_FIGURE_SIZE, "%F %T", &moment) == 0)
        snprintf(text, SPY_FIGURE_SIZE, "-");
    return text;
}

const char *spy_figure_rfc3339(uint64_t time_ms, char text[SPY_FIGURE_SIZE])
{
    uint64_t capped = time_ms < TIME_MS_MAX ? time_ms : TIME_MS_MAX;
    time_t seconds = (time_t)(capped / 1000);
    struct tm moment = {0};
    gmtime_r(&seconds, &moment);
    size_t length = strftime(text, SPY_FIGURE_SIZE, "%FT%T", &moment);
    snprintf(text + length, SPY_FIGURE_SIZE - length, ".%03uZ", (unsigned)(capped % 1000));
    return text;
}

const char *spy_figure_duration(int64_t duration_ms, char text[SPY_FIGURE_SIZE])
{
    if (duration_ms < 1000)
        snprintf(text, SPY_FIGURE_SIZE, "%lld ms", (long long)duration_ms);
    else if (duration_ms < 60000)
        snprintf(text, SPY_FIGURE_SIZE, "%lld.%lld s", (long long)(duration_ms / 1000),
                 (long long)(duration_ms / 100 % 10));
    else
        snprintf(text, SPY_FIGURE_SIZE, "%lld min %lld s", (long long)(duration_ms / 60000),
                 (long long)(duration_ms / 1000 % 60));
    return text;
}

const char *spy_figure_cost(int64_t cost_nano, char text[SPY_FIGURE_SIZE])
{
    double dollars = (double)cost_nano / 1e9;
    snprintf(text, SPY_FIGURE_SIZE, dollars >= 0.01 || cost_nano == 0 ? "≈$%.4f" : "≈$%.6f",
             dollars);
    return text;
}

struct line {
    char *text;
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length =
        vsnprintf(line->text + line->length, SPY_FIGURES_SIZE - line->length, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length;
    if (line->length >= SPY_FIGURES_SIZE)
        line->length = SPY_FIGURES_SIZE - 1;
}

static void add_input(struct line *line, const struct spy_summary *summary)
{
    const char *separator = " (";
    add(line, ", in %lld", (long long)summary->input);
    if (summary->cache_read >= 0 && summary->input > 0) {
        double part = 100.0 * (double)summary->cache_read / (double)summary->input;
        add(line, "%scached %.0f %%", separator, part);
        separator = ", ";
    }
    if (summary->cache_write > 0) {
        add(line, "%swritten %lld", separator, (long long)summary->cache_write);
        separator = ", ";
    }
    if (*separator == ',')
        add(line, ")");
}

const char *spy_figures_of(const struct spy_summary *summary, char text[SPY_FIGURES_SIZE])
{
    struct line line = {text, 0};
    char figure[SPY_FIGURE_SIZE];
    text[0] = '\0';
    if (summary->status > 0)
        add(&line, "%u", summary->status);
    else
        add(&line, "no response");
    if (summary->stop[0])
        add(&line, " %s", summary->stop);
    if (summary->input >= 0)
        add_input(&line, summary);
    if (summary->output >= 0)
        add(&line, ", out %lld", (long long)summary->output);
    if (summary->reasoning > 0)
        add(&line, " (reasoning %lld)", (long long)summary->reasoning);
    if (summary->first_byte_ms >= 0)
        add(&line, ", first byte %s", spy_figure_duration(summary->first_byte_ms, figure));
    if (summary->duration_ms >= 0)
        add(&line, ", %s", spy_figure_duration(summary->duration_ms, figure));
    if (summary->cost_nano >= 0)
        add(&line, ", %s", spy_figure_cost(summary->cost_nano, figure));
    return text;
}
