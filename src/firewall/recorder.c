#include "firewall/recorder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "firewall/capture_watch.h"
#include "firewall/line_log.h"
#include "firewall/record_limit.h"
#include "firewall/role_confine.h"
#include "firewall/role_message.h"
#include "record/audit_record.h"
#include "system/linux_memory.h"
#include "system/wall_clock.h"

enum {
    LINE_BYTES_MAX = 6 * AUDIT_DATAGRAM_MAX + 1024, /* every byte escaped */
    US_A_SECOND = 1000000,
};

struct recorder {
    int socket;
    struct record_limit *limit;
    struct line_log log;
    uint64_t malformed_count; /* datagrams that no proxy of ours sends */
    struct capture_watch *watch;
    uint64_t capture_lost_count;
    uint64_t capture_malformed_count;
};

static volatile int is_end_wanted; /* int is what sig_atomic_t is with glibc */

static void want_end(int number)
{
    (void)number;
    is_end_wanted = 1;
}

static void add_line(struct recorder *recorder, const struct audit_record *record)
{
    CHECK(audit_record_write_json(record, &recorder->log.lines));
}

static void write_lines(struct recorder *recorder)
{
    line_log_write(&recorder->log, &is_end_wanted);
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
        if (buffer_length(&recorder->log.lines) >= RECORDER_BATCH_BYTES)
            write_lines(recorder);
    }
    uint64_t lost_before = recorder->log.lost_count;
    tell_count(recorder, &recorder->log.lost_count, "records lost: the log could not be written");
    tell_count(recorder, &recorder->malformed_count, "malformed records refused");
    recorder->capture_lost_count += capture_watch_take_lost(recorder->watch);
    tell_count(recorder, &recorder->capture_lost_count,
               "captured events lost: the file could not be written");
    recorder->capture_malformed_count += capture_watch_take_malformed(recorder->watch);
    tell_count(recorder, &recorder->capture_malformed_count, "malformed captures refused");
    write_lines(recorder);
    /* What could not be told is told later. */
    if (recorder->log.lost_count > 0)
        recorder->log.lost_count += lost_before;
}

static void take_record(struct recorder *recorder, struct bytes encoded)
{
    struct audit_record record;
    if (!audit_record_decode(encoded, &record))
        recorder->malformed_count++;
    else if (record_limit_admit(recorder->limit, &record, (uint64_t)wall_clock_monotonic_ms())) {
        add_line(recorder, &record);
        capture_watch_add_record(recorder->watch, &record);
    }
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
        if (buffer_length(&recorder->log.lines) >= RECORDER_BATCH_BYTES)
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

/* What the supervisor says. False when it is gone. */
static bool receive_viewers(struct recorder *recorder, int channel)
{
    struct role_message message;
    int descriptor = -1;
    for (;;) {
        switch (role_message_receive(channel, &message, &descriptor)) {
        case DESCRIPTOR_CHANNEL_WAIT:
            return true;
        case DESCRIPTOR_CHANNEL_END:
            return false;
        case DESCRIPTOR_CHANNEL_MESSAGE:
            CHECK(message.kind == ROLE_MESSAGE_VIEWER && descriptor >= 0);
            capture_watch_add_viewer(recorder->watch, descriptor, message.number);
        }
    }
}

enum { POLLED_RECORDS, POLLED_CHANNEL, POLLED_CAPTURE, POLLED_COUNT = 2 + CAPTURE_WATCH_POLLED };

static int await(struct recorder *recorder, int channel, const sigset_t *waiting_mask,
                 struct pollfd *polled)
{
    bool is_idle = !record_limit_has_summary(recorder->limit) && recorder->log.lost_count == 0 &&
                   recorder->malformed_count == 0 && !capture_watch_has_news(recorder->watch);
    polled[POLLED_RECORDS] = (struct pollfd){.fd = recorder->socket, .events = POLLIN};
    polled[POLLED_CHANNEL] = (struct pollfd){.fd = channel, .events = POLLIN};
    int64_t timeout_us = is_idle ? -1 : US_A_SECOND;
    capture_watch_prepare(recorder->watch, &polled[POLLED_CAPTURE], &timeout_us);
    struct timespec timeout = {.tv_sec = timeout_us / US_A_SECOND,
                               .tv_nsec = timeout_us % US_A_SECOND * 1000};
    return ppoll(polled, POLLED_COUNT, timeout_us < 0 ? NULL : &timeout, waiting_mask);
}

static void run(struct recorder *recorder, int channel, const sigset_t *waiting_mask)
{
    int64_t flush_ms = wall_clock_monotonic_ms() + RECORDER_FLUSH_MS;
    while (!is_end_wanted) {
        struct pollfd polled[POLLED_COUNT];
        int ready = await(recorder, channel, waiting_mask, polled);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready > 0) {
            if (polled[POLLED_RECORDS].revents)
                receive_batch(recorder);
            capture_watch_serve(recorder->watch, &polled[POLLED_CAPTURE]);
            if (polled[POLLED_CHANNEL].revents && !receive_viewers(recorder, channel))
                break; /* the supervisor is gone */
        }
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
    struct capture_watch_start watch = start->capture;
    watch.ring_bytes = capture_watch_ring_bytes(linux_memory_bytes());
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

    struct recorder recorder = {.socket = start->socket, .watch = capture_watch_new(&watch)};
    recorder.limit = record_limit_new(RECORD_LIMIT_RECORDER_FACTOR);
    line_log_init(&recorder.log, start->file, RECORDER_BATCH_BYTES + 2 * LINE_BYTES_MAX);
    run(&recorder, channel, &waiting_mask);
    line_log_done(&recorder.log);
    capture_watch_free(recorder.watch);
    record_limit_free(recorder.limit);
    return 0;
}
