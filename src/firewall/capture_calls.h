#ifndef FIREWALL_CAPTURE_CALLS_H
#define FIREWALL_CAPTURE_CALLS_H

#include "firewall/capture_ring.h"
#include "llm/llm_event.h"
#include "record/audit_record.h"
#include "record/capture_frame.h"

/*
 * In the recorder: frames become events, events become lines. Each exchange that is told of has a
 * decoder (llm/llm_exchange.h) until it ends. The proxy, which is the one that sends frames, may
 * be hostile: what no proxy of ours sends is counted and dropped, and memory is bounded by the
 * number of exchanges and by what all decoders together may hold.
 */
struct capture_calls;

enum {
    CAPTURE_CALLS_MAX = 160,              /* exchanges at once; a proxy of ours has fewer */
    CAPTURE_SHORT_TEXT_BYTES = 64 * 1024, /* what stays of a text too long for a line */
};

/** Takes a line with its line feed, borrowed for the call. */
typedef void capture_line_fn(void *context, struct bytes line, enum capture_line kind);

/** Lines have at most `line_max` bytes; decoders hold at most `held_max` together. */
struct capture_calls *capture_calls_new(size_t line_max, size_t held_max, capture_line_fn *on_line,
                                        void *context);
/** Ends what is open without a word. */
void capture_calls_free(struct capture_calls *calls);

/** Lines of kind CAPTURE_LINE_BODY are made from now on, or no longer. */
void capture_calls_want_bodies(struct capture_calls *calls, bool are_wanted);

/** One datagram of frames. */
void capture_calls_take(struct capture_calls *calls, struct bytes datagram);

/**
 * Make an event a line. One that fits none is told with less in it: the first
 * CAPTURE_SHORT_TEXT_BYTES of its text and no JSON, and `bytes` grows by what is missing.
 */
void capture_calls_add_event(struct capture_calls *calls, const struct llm_event *event);
/** A record of the audit log, as an event between the others. */
void capture_calls_add_record(struct capture_calls *calls, const struct audit_record *record);

/** Datagrams that no proxy of ours sends, since the start. */
uint64_t capture_calls_malformed(const struct capture_calls *calls);

#endif
