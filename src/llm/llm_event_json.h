#ifndef LLM_LLM_EVENT_JSON_H
#define LLM_LLM_EVENT_JSON_H

#include "base/buffer.h"
#include "base/error.h"
#include "llm/llm_event.h"

/*
 * An event as one line of JSON: {"v":1,"event":"block","call":7,"time":"2026-01-02T03:04:05.678Z",
 * ...}. Keys are the names of the fields of struct llm_event; absent values are left out; objects
 * (headers, parameters, json, native) stand in it as JSON, not as text. A piece of a body that is
 * no UTF-8 has "base64" in place of "text". The form of recordings, and of what the firewall sends
 * to a viewer.
 */

enum {
    LLM_EVENT_VERSION = 1,
    LLM_EVENT_LINE_MAX = 8 * 1024 * 1024,
};

/** Append the line with its line feed. False, with `out` unchanged, when there is no room. */
bool llm_event_write(const struct llm_event *event, struct buffer *out)
    __attribute__((warn_unused_result));

/** An event that was read; its texts borrow from `root`. */
struct llm_event_line {
    struct llm_event event;
    void *root; /* owned */
};

/**
 * Read a line, which the host treats as hostile: unknown keys are skipped, a wrong type or an
 * unknown event is an error. Release with llm_event_line_done.
 */
bool llm_event_read(struct bytes line, struct llm_event_line *read, struct error *error);
void llm_event_line_done(struct llm_event_line *read);

#endif
