#include "firewall/line_log.h"

#include <errno.h>
#include <unistd.h>

void line_log_init(struct line_log *log, int file, size_t cap)
{
    *log = (struct line_log){.file = file};
    buffer_init(&log->lines, cap);
}

void line_log_done(struct line_log *log)
{
    buffer_done(&log->lines);
}

static size_t count_lines(struct bytes text)
{
    size_t count = 0;
    struct bytes line;
    while (bytes_next_token(&text, '\n', &line))
        count++;
    return count;
}

void line_log_write(struct line_log *log, const volatile int *is_end_wanted)
{
    if (log->is_line_cut && buffer_length(&log->lines) > 0) {
        if (write(log->file, "\n", 1) != 1) {
            log->lost_count += count_lines(buffer_bytes(&log->lines)) - 1;
            buffer_clear(&log->lines);
            return;
        }
        log->is_line_cut = false;
    }
    while (buffer_length(&log->lines) > 0) {
        struct bytes rest = buffer_bytes(&log->lines);
        ssize_t written = write(log->file, rest.data, rest.length);
        if (written < 0 && errno == EINTR && !*is_end_wanted)
            continue;
        if (written <= 0) {
            log->lost_count += count_lines(rest) - 1;
            break;
        }
        log->is_line_cut = rest.data[written - 1] != '\n';
        buffer_consume(&log->lines, (size_t)written);
    }
    buffer_clear(&log->lines);
}
