#ifndef FIREWALL_HTTP2_FLOOD_H
#define FIREWALL_HTTP2_FLOOD_H

#include "wire/http2_frames.h"

/*
 * What a peer can make us do for next to nothing, counted by kind on each connection: a level
 * rises by one with each and sinks with time, and with what we send where the frames answer to
 * that (window updates and the pings of clients that measure bandwidth come with data). A level
 * beyond its burst is a flood.
 */
enum http2_flood {
    HTTP2_FLOOD_RESETS,     /* RST_STREAM: rapid reset (CVE-2023-44487) */
    HTTP2_FLOOD_OWN_RESETS, /* streams that we reset for what they did (CVE-2025-8671) */
    HTTP2_FLOOD_PINGS,
    HTTP2_FLOOD_SETTINGS,
    HTTP2_FLOOD_EMPTY_DATA,
    HTTP2_FLOOD_CONTINUATIONS, /* of one head */
    HTTP2_FLOOD_WINDOW_UPDATES,
    HTTP2_FLOOD_PRIORITIES,
    HTTP2_FLOOD_GOAWAYS, /* an orderly peer says it once or twice (RFC 9113 section 6.8) */
    HTTP2_FLOOD_UNKNOWN, /* frames of no type that we know */
    HTTP2_FLOOD_COUNT
};

/* The burst of each kind, and how much of it comes back in a second. */
enum {
    HTTP2_RESETS_BURST = 200,
    HTTP2_RESETS_PER_SECOND = 20,
    HTTP2_OWN_RESETS_BURST = 50,
    HTTP2_OWN_RESETS_PER_SECOND = 2,
    HTTP2_PINGS_BURST = 100,
    HTTP2_PINGS_PER_SECOND = 5,
    HTTP2_SETTINGS_BURST = 20,
    HTTP2_SETTINGS_PER_SECOND = 1,
    HTTP2_EMPTY_DATA_BURST = 100,
    HTTP2_EMPTY_DATA_PER_SECOND = 10,
    HTTP2_CONTINUATIONS_BURST = 8, /* in one head; 64 KiB fit into five frames */
    HTTP2_CONTINUATIONS_PER_SECOND = 0,
    HTTP2_WINDOW_UPDATES_BURST = 1000,
    HTTP2_WINDOW_UPDATES_PER_SECOND = 200,
    HTTP2_PRIORITIES_BURST = 200,
    HTTP2_PRIORITIES_PER_SECOND = 10,
    HTTP2_GOAWAYS_BURST = 10,
    HTTP2_GOAWAYS_PER_SECOND = 1,
    HTTP2_UNKNOWN_BURST = 100,
    HTTP2_UNKNOWN_PER_SECOND = 5,
};

struct http2_flood_meter {
    /* below: private */
    uint32_t levels[HTTP2_FLOOD_COUNT];
    uint64_t sunk_at_ms[HTTP2_FLOOD_COUNT];
};

/** "PING frames": for records. */
const char *http2_flood_text(enum http2_flood flood);

/** All levels are 0 at first (zeroed memory). False: past the limit. */
bool http2_flood_add(struct http2_flood_meter *meter, enum http2_flood flood, uint64_t now_ms);

/** Count a frame by its header. False: past the limit of `*flood`. */
bool http2_flood_add_frame(struct http2_flood_meter *meter, const struct http2_frame *frame,
                           uint64_t now_ms, enum http2_flood *flood);

/** We sent a DATA frame with so many bytes: the frames that answer to it are no flood. */
void http2_flood_sent_data(struct http2_flood_meter *meter, size_t bytes);

#endif
