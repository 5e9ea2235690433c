#include "init/machine_clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/number.h"
#include "system/file.h"

enum {
    TOLERANCE_MS = 1000,
    DELIVERY_LIMIT_SECONDS = 120, /* between the host's stamp and now, on a busy host */
    TEXT_CAP = 64
};

/*
 * The VM runner gives the machine a hardware clock that follows the host's, to the second. It is
 * better than the host's word, which has been on its way for a while; but a guest may have set it,
 * so it is believed only next to that word.
 */
static bool read_hardware_clock(uint64_t host_ms, uint64_t *now_ms)
{
    struct buffer text;
    struct error ignored;
    struct bytes rest, line;
    uint64_t seconds, host_seconds = host_ms / 1000;
    buffer_init(&text, TEXT_CAP);
    bool is_read = file_read("/sys/class/rtc/rtc0/since_epoch", &text, &ignored);
    rest = buffer_bytes(&text);
    is_read = is_read && bytes_next_token(&rest, '\n', &line) &&
              number_parse_decimal(line, UINT32_MAX, &seconds) && seconds + 1 >= host_seconds &&
              seconds <= host_seconds + DELIVERY_LIMIT_SECONDS;
    if (is_read)
        *now_ms = seconds * 1000 + 500;
    buffer_done(&text);
    return is_read;
}

bool machine_clock_is_off(uint64_t host_ms, uint64_t *now_ms)
{
    struct timespec clock;
    *now_ms = host_ms;
    read_hardware_clock(host_ms, now_ms);
    clock_gettime(CLOCK_REALTIME, &clock);
    return llabs((int64_t)*now_ms - ((int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000)) >
           TOLERANCE_MS;
}

bool machine_clock_correct(uint64_t host_seconds, bool *was_set, struct error *error)
{
    uint64_t now_ms;
    bool is_off = machine_clock_is_off(host_seconds * 1000, &now_ms);
    if (is_off) {
        struct timespec now = {.tv_sec = (time_t)(now_ms / 1000),
                               .tv_nsec = (long)(now_ms % 1000) * 1000000L};
        if (clock_settime(CLOCK_REALTIME, &now) != 0)
            return error_set_errno(error, errno, "set the clock");
    }
    *was_set = is_off;
    return true;
}

int machine_clock_run(int count, char *const *arguments)
{
    uint64_t seconds;
    struct error error;
    bool was_set;
    if (count != 1 || !number_parse_decimal(bytes_from_text(arguments[0]), UINT32_MAX, &seconds)) {
        fprintf(stderr, "usage: rootcell-init set-clock SECONDS (since 1970)\n");
        return 2;
    }
    if (!machine_clock_correct(seconds, &was_set, &error)) {
        fprintf(stderr, "rootcell-init: %s\n", error.text);
        return 1;
    }
    return 0;
}
