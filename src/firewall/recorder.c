#include "firewall/recorder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "firewall/record_limit.h"
#include "firewall/role_confine.h"
#include "record/audit_record.h"
#include "system/wall_clock.h"

enum {
    LINE_BYTES_MAX = 6 * AUDIT_DATAGRAM_MAX + 1024, /* every byte escaped */
};

struct recorder {
    int file;
    int socket;
    struct record_limit *limit;
    struct buffer lines;      /* whole lines, to be written at once */
    bool is_line_cut;         /* a write ended in the middle of a line */
    uint64_t lost_count;      /* records that could not be written */
    uint64_t malformed_count; /* datagrams that no proxy of ours sends */
};

static volatile sig_atomic_t is_end_wanted;

static void want_end(int number)
{
    (void)number;
    is_end_wanted = 1;
}

static void add_line(struct recorder *recorder, const struct audit_record *record)
{
    CHECK(audit_record_write_json(record, &recorder->lines));
}

static size_t count_lines(struct bytes text)
{
    size_t count = 0;
    struct bytes line;
    while (bytes_next_token(&text, '\n', &line))
        count++;
    return count;
}

/*
 * Append what is gathered. After a write that ended within a line the next one begins with a line
 * end, so that a full disk costs lines but never joins two.
 */
static void write_lines(struct recorder *recorder)
{
    if (recorder->is_line_cut && buffer_length(&recorder->lines) > 0) {
        if (write(recorder->file, "\n", 1) != 1) {
            recorder->lost_count += count_lines(buffer_bytes(&recorder->lines)) - 1;
            buffer_clear(&recorder->lines);
            return;
        }
        recorder->is_line_cut = false;
    }
    while (buffer_length(&recorder->lines) > 0) {
        struct bytes rest = buffer_bytes(&recorder->lines);
        ssize_t written = write(recorder->file, rest.data, rest.length);
        if (written < 0 && errno == EINTR && !is_end_wanted)
            continue;
        if (written <= 0) {
            recorder->lost_count += count_lines(rest) - 1;
            break;
        }
        recorder->is_line_cut = rest.data[written - 1] != '\n';
        buffer_consume(&recorder->lines, (size_t)written);
    }
    buffer_clear(&recorder->lines);
}

static void tell_count(struct recorder *recorder, uint64_t *count, const char *reason)
{
    if (*count == 0)
        return;
    struct audit_record record = {
        .time_ms = (uint64_t)wall_clock_now_ms(),
        .kind = AUDIT_CONTROL,
        .decision = AUDIT_INFO,
        .reason = bytes_from_text(reason),
        .count = *count > UINT32_MAX ? UINT32_MAX : (uint32_t)*count,
    };
    *count = 0;
    add_line(recorder, &record);
}

static void flush_suppressed(struct recorder *recorder)
{
    struct audit_record record;
    uint64_t now_ms = (uint64_t)wall_clock_monotonic_ms();
    while (record_limit_next_summary(recorder->limit, now_ms, &record)) {
        add_line(recorder, &record);
        if (buffer_length(&recorder->lines) >= RECORDER_BATCH_BYTES)
            write_lines(recorder);
    }
    uint64_t lost_before = recorder->lost_count;
    tell_count(recorder, &recorder->lost_count, "records lost: the log could not be written");
    tell_count(recorder, &recorder->malformed_count, "malformed records refused");
    write_lines(recorder);
    /* What could not be told is told later. */
    if (recorder->lost_count > 0)
        recorder->lost_count += lost_before;
}

static void take_record(struct recorder *recorder, struct bytes encoded)
{
    struct audit_record record;
    if (!audit_record_decode(encoded, &record))
        recorder->malformed_count++;
    else if (record_limit_admit(recorder->limit, &record, (uint64_t)wall_clock_monotonic_ms()))
        add_line(recorder, &record);
}

/* One datagram of records. Returns false when there was nothing to receive. */
static bool receive_one(struct recorder *recorder)
{
    static uint8_t datagram[AUDIT_BATCH_MAX + 1];
    ssize_t got = recv(recorder->socket, datagram, sizeof(datagram), MSG_DONTWAIT);
    if (got < 0)
        return false;
    struct reader reader = reader_over((struct bytes){datagram, (size_t)got});
    do {
        struct bytes encoded = reader_vector16(&reader);
        if (got > AUDIT_BATCH_MAX || reader_is_failed(&reader)) {
            recorder->malformed_count++;
            break;
        }
        take_record(recorder, encoded);
        if (buffer_length(&recorder->lines) >= RECORDER_BATCH_BYTES)
            write_lines(recorder);
    } while (!reader_is_at_end(&reader));
    return true;
}

static void receive_batch(struct recorder *recorder)
{
    for (int i = 0; i < RECORDER_DATAGRAMS_PER_TURN; i++)
        if (!receive_one(recorder))
            break;
    write_lines(recorder);
}

static void run(struct recorder *recorder, int channel, const sigset_t *waiting_mask)
{
    int64_t flush_ms = wall_clock_monotonic_ms() + RECORDER_FLUSH_MS;
    while (!is_end_wanted) {
        struct pollfd polled[2] = {{.fd = recorder->socket, .events = POLLIN},
                                   {.fd = channel, .events = POLLIN}};
        bool is_idle = !record_limit_has_summary(recorder->limit) && recorder->lost_count == 0 &&
                       recorder->malformed_count == 0;
        struct timespec timeout = {.tv_sec = 1};
        int ready = ppoll(polled, 2, is_idle ? NULL : &timeout, waiting_mask);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready > 0 && polled[0].revents)
            receive_batch(recorder);
        if (ready > 0 && polled[1].revents)
            break; /* the supervisor is gone */
        if (wall_clock_monotonic_ms() >= flush_ms) {
            flush_suppressed(recorder);
            flush_ms = wall_clock_monotonic_ms() + RECORDER_FLUSH_MS;
        }
    }
    while (receive_one(recorder))
        continue;
    flush_suppressed(recorder);
}

int recorder_main(void *context, int channel)
{
    const struct recorder_start *start = context;
    struct error error;
    if (!role_confine(ROLE_RECORDER, start->parent, &error)) {
        fprintf(stderr, "rootcell-firewall: recorder: %s\n", error.text);
        return 1;
    }
    /* Delivered only while waiting, so that no wish to end is missed. */
    sigset_t blocked, waiting_mask;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &waiting_mask);
    struct sigaction action = {.sa_handler = want_end};
    sigaction(SIGTERM, &action, NULL);

    struct recorder recorder = {.file = start->file, .socket = start->socket};
    recorder.limit = record_limit_new(RECORD_LIMIT_RECORDER_FACTOR);
    buffer_init(&recorder.lines, RECORDER_BATCH_BYTES + 2 * LINE_BYTES_MAX);
    run(&recorder, channel, &waiting_mask);
    buffer_done(&recorder.lines);
    record_limit_free(recorder.limit);
    return 0;
}
