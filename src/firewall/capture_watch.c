#include "firewall/capture_watch.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/body_budget.h"
#include "base/check.h"
#include "base/memory.h"
#include "firewall/capture_calls.h"
#include "firewall/line_log.h"
#include "firewall/role_message.h"
#include "system/wall_clock.h"

enum { FILE_BATCH_BYTES = 64 * 1024, FINAL_DATAGRAMS = 64 };

struct capture_watch {
    struct capture_watch_start start;
    struct capture_viewers *viewers; /* owned */
    struct capture_ring *ring;       /* owned; NULL while IDLE, as `calls` */
    struct capture_calls *calls;     /* owned */
    struct line_log file;
    uint64_t malformed_before; /* by `calls` that were freed */
    uint64_t malformed_told;
    int64_t rest_until_us; /* monotonic: no frame is taken before */
};

size_t capture_watch_ring_bytes(size_t memory_bytes)
{
    size_t bytes = body_budget_limit(memory_bytes) / CAPTURE_RING_BUDGET_PART;
    return bytes < CAPTURE_RING_BYTES_MAX ? bytes : CAPTURE_RING_BYTES_MAX;
}

static void write_file(struct capture_watch *watch)
{
    static const int is_end_wanted = 1; /* a signal costs a line at most */
    line_log_write(&watch->file, &is_end_wanted);
}

static void on_line(void *context, struct bytes line, enum capture_line kind)
{
    struct capture_watch *watch = context;
    if (watch->start.file >= 0) {
        if (buffer_room(&watch->file.lines) < line.length)
            write_file(watch);
        watch->file.lost_count += buffer_append(&watch->file.lines, line) ? 0 : 1;
        if (buffer_length(&watch->file.lines) >= FILE_BATCH_BYTES)
            write_file(watch);
    }
    if (kind == CAPTURE_LINE_EVENT || capture_viewers_want_bodies(watch->viewers))
        CHECK(capture_ring_append(watch->ring, line, kind));
}

static void choose_bodies(struct capture_watch *watch)
{
    capture_calls_want_bodies(watch->calls, watch->start.file >= 0 ||
                                                capture_viewers_want_bodies(watch->viewers));
}

static void begin_watching(struct capture_watch *watch)
{
    if (watch->ring)
        return;
    watch->ring = capture_ring_new(watch->start.ring_bytes);
    watch->calls = capture_calls_new(capture_ring_line_max(watch->ring), watch->start.ring_bytes,
                                     on_line, watch);
}

static void end_watching(struct capture_watch *watch)
{
    if (watch->ring == NULL)
        return;
    watch->malformed_before += capture_calls_malformed(watch->calls);
    capture_calls_free(watch->calls);
    capture_ring_free(watch->ring);
    watch->calls = NULL;
    watch->ring = NULL;
    malloc_trim(0);
}

struct capture_watch *capture_watch_new(const struct capture_watch_start *start)
{
    struct capture_watch *watch = memory_new(sizeof(*watch));
    watch->start = *start;
    watch->viewers = capture_viewers_new();
    line_log_init(&watch->file, start->file, FILE_BATCH_BYTES + start->ring_bytes);
    /* The ring is of pages of its own, however often one was freed before. */
    mallopt(M_MMAP_THRESHOLD, FILE_BATCH_BYTES * 2);
    if (start->is_recording) {
        begin_watching(watch);
        choose_bodies(watch);
    }
    return watch;
}

void capture_watch_add_viewer(struct capture_watch *watch, int descriptor, uint64_t wishes)
{
    begin_watching(watch);
    struct capture_cursor start = wishes & ROLE_VIEWER_BACKLOG ? capture_ring_oldest(watch->ring)
                                                               : capture_ring_newest(watch->ring);
    capture_viewers_add(watch->viewers, descriptor, start, wishes & ROLE_VIEWER_BODIES);
    choose_bodies(watch);
}

void capture_watch_add_record(struct capture_watch *watch, const struct audit_record *record)
{
    if (watch->calls && record->decision == AUDIT_DENY)
        capture_calls_add_record(watch->calls, record);
}

void capture_watch_prepare(const struct capture_watch *watch, struct pollfd *polled,
                           int64_t *timeout_us)
{
    int64_t rest_us = watch->rest_until_us - wall_clock_monotonic_us();
    polled[0] = (struct pollfd){.fd = watch->start.socket, .events = POLLIN};
    if (rest_us > 0) {
        polled[0].fd = -1;
        *timeout_us = *timeout_us < 0 || rest_us < *timeout_us ? rest_us : *timeout_us;
    }
    for (int i = 1; i < CAPTURE_WATCH_POLLED; i++)
        polled[i] = (struct pollfd){.fd = -1};
    if (watch->ring)
        capture_viewers_prepare(watch->viewers, watch->ring, &polled[1]);
}

/* False when there is none. */
static bool take_datagram(struct capture_watch *watch)
{
    static uint8_t datagram[CAPTURE_DATAGRAM_MAX + 1];
    ssize_t got = recv(watch->start.socket, datagram, sizeof(datagram), MSG_DONTWAIT);
    if (got >= 0 && watch->calls)
        capture_calls_take(watch->calls, (struct bytes){datagram, (size_t)got});
    return got >= 0;
}

static void take_datagrams(struct capture_watch *watch)
{
    int64_t began_us = wall_clock_computed_us();
    for (int i = 0; i < CAPTURE_WATCH_DATAGRAMS; i++)
        if (!take_datagram(watch))
            break;
    int64_t computed_us = wall_clock_computed_us() - began_us;
    watch->rest_until_us = wall_clock_monotonic_us() + computed_us * CAPTURE_WATCH_REST;
}

void capture_watch_serve(struct capture_watch *watch, const struct pollfd *polled)
{
    if (polled[0].revents)
        take_datagrams(watch);
    if (buffer_length(&watch->file.lines) > 0)
        write_file(watch);
    if (watch->ring == NULL)
        return;
    capture_viewers_serve(watch->viewers, watch->ring, &polled[1]);
    choose_bodies(watch);
    if (capture_viewers_count(watch->viewers) == 0 && !watch->start.is_recording)
        end_watching(watch);
}

void capture_watch_free(struct capture_watch *watch)
{
    /* The proxy has ended: what it told last is still to be told. */
    for (int i = 0; i < FINAL_DATAGRAMS && take_datagram(watch); i++)
        continue;
    write_file(watch);
    capture_viewers_free(watch->viewers);
    capture_calls_free(watch->calls);
    capture_ring_free(watch->ring);
    line_log_done(&watch->file);
    free(watch);
}

static uint64_t malformed_count(const struct capture_watch *watch)
{
    return watch->malformed_before + (watch->calls ? capture_calls_malformed(watch->calls) : 0);
}

bool capture_watch_has_news(const struct capture_watch *watch)
{
    return watch->file.lost_count > 0 || malformed_count(watch) > watch->malformed_told;
}

uint64_t capture_watch_take_lost(struct capture_watch *watch)
{
    uint64_t lost = watch->file.lost_count;
    watch->file.lost_count = 0;
    return lost;
}

uint64_t capture_watch_take_malformed(struct capture_watch *watch)
{
    uint64_t since = malformed_count(watch) - watch->malformed_told;
    watch->malformed_told += since;
    return since;
}
