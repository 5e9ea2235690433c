#include "spy/screen_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *screen_format_count(int64_t count, char *text)
{
    if (count < 0)
        text[0] = '\0';
    else if (count < 100000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64, count);
    else if (count < 1000000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "k", count / 1000);
    else if (count < 100000000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 ".%" PRId64 "M", count / 1000000,
                 count / 100000 % 10);
    else if (count < 10000000000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "M", count / 1000000);
    else
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "G", count / 1000000000);
    return text;
}

const char *screen_format_number(int64_t number, char *text)
{
    if (number < 0) {
        snprintf(text, SCREEN_FORMAT_SIZE, "?");
        return text;
    }
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, number), at = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

const char *screen_format_duration(int64_t milliseconds, char *text)
{
    int64_t seconds = milliseconds / 1000;
    if (milliseconds < 0)
        text[0] = '\0';
    else if (milliseconds < 1000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "ms", milliseconds);
    else if (seconds < 100)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 ".%" PRId64 "s", seconds,
                 milliseconds / 100 % 10);
    else if (seconds < 6000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "m%02" PRId64, seconds / 60, seconds % 60);
    else
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRId64 "h%02" PRId64, seconds / 3600,
                 seconds / 60 % 60);
    return text;
}

const char *screen_format_bytes(uint64_t bytes, char *text)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    if (bytes < 1000) {
        snprintf(text, SCREEN_FORMAT_SIZE, "%" PRIu64 " B", bytes);
        return text;
    }
    size_t unit = 0;
    while (bytes >= 1000000 && unit < 3) {
        bytes /= 1000;
        unit++;
    }
    snprintf(text, SCREEN_FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", bytes / 1000, bytes / 100 % 10,
             units[unit]);
    return text;
}

const char *screen_format_cost(int64_t nano, char *text)
{
    double dollars = (double)nano / 1e9;
    if (nano < 0)
        text[0] = '\0';
    else if (nano < 100000000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%.4f", dollars);
    else if (nano < 100000000000)
        snprintf(text, SCREEN_FORMAT_SIZE, "%.2f", dollars);
    else
        snprintf(text, SCREEN_FORMAT_SIZE, "%.0f", dollars);
    return text;
}

const char *screen_format_cached(uint64_t cached, uint64_t input, char *text)
{
    text[0] = '\0';
    if (input > 0 && cached <= input)
        snprintf(text, SCREEN_FORMAT_SIZE, "%.0f%%", 100.0 * (double)cached / (double)input);
    return text;
}

static bool broken_down(uint64_t time_ms, bool is_local, struct tm *moment)
{
    time_t seconds = (time_t)(time_ms / 1000);
    return (is_local ? localtime_r(&seconds, moment) : gmtime_r(&seconds, moment)) != NULL;
}

const char *screen_format_time(uint64_t time_ms, bool is_local, char *text)
{
    struct tm moment;
    if (!broken_down(time_ms, is_local, &moment) ||
        strftime(text, SCREEN_FORMAT_SIZE, "%H:%M:%S", &moment) == 0)
        snprintf(text, SCREEN_FORMAT_SIZE, "--:--:--");
    return text;
}

const char *screen_format_moment(uint64_t time_ms, bool is_local, char *text)
{
    struct tm moment;
    char date[24], zone[16] = "UTC";
    text[0] = '\0';
    if (!broken_down(time_ms, is_local, &moment) ||
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &moment) == 0)
        return text;
    if (is_local && strftime(zone, sizeof(zone), "%Z", &moment) == 0)
        zone[0] = '\0';
    snprintf(text, SCREEN_FORMAT_SIZE, "%s.%03d %s", date, (int)(time_ms % 1000), zone);
    return text;
}
