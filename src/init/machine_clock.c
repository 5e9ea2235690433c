#include "init/machine_clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/number.h"

enum { TOLERANCE_SECONDS = 1 };

bool machine_clock_correct(uint64_t host_seconds, bool *was_set, struct error *error)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t difference = (int64_t)host_seconds - (int64_t)now.tv_sec;
    bool is_off = llabs(difference) > TOLERANCE_SECONDS;
    if (is_off) {
        struct timespec host = {.tv_sec = (time_t)host_seconds};
        if (clock_settime(CLOCK_REALTIME, &host) != 0)
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
