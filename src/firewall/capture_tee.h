#ifndef FIREWALL_CAPTURE_TEE_H
#define FIREWALL_CAPTURE_TEE_H

#include "firewall/exchange.h"
#include "policy/provider_file.h"

struct capture;
struct capture_tee;
struct uv_loop_s;

/*
 * Theory of Operation
 *
 * While capture is on, an exchange with a provider has a tee: what passes is told to the recorder
 * as frames (record/capture_frame.h), after redaction (capture_redact.h). The exchange calls the
 * functions below where it passes something on, and is never told anything back: nothing here
 * waits, fails, or touches traffic. While capture is off no exchange has a tee, and the cost is one
 * branch a piece.
 *
 * Who gets a tee: an exchange that begins while capture is on, that the policy allows, and whose
 * request a provider file names (never a login). One that began before has none; so of a WebSocket
 * that stood before the viewer came nothing is seen, because nobody could tell where in it a
 * message begins.
 *
 * Each tee's sides are OPEN, or CUT: by the first piece that the queue refused (the recorder does
 * not keep up), or by the cap of a body. A cut side only counts; the count is told when there is
 * room, and once more at the end. An exchange whose head could not be told has no tee, and is told
 * of as one that was missed. Ends that could not be told wait in the tee itself.
 */

enum {
    CAPTURE_TEES_MAX = 128,                       /* at once; further exchanges are missed */
    CAPTURE_BODY_BYTES_MAX = 64 * 1024 * 1024,    /* of a side of an exchange */
    CAPTURE_TUNNEL_BYTES_MAX = 256 * 1024 * 1024, /* of a side of a WebSocket */
};

/** `socket` (owned) leads to the recorder; `providers` is borrowed. Capture is off. */
struct capture *capture_new(struct uv_loop_s *loop, int socket,
                            const struct provider_set *providers);
/** On under a new generation, or off with 0. What was captured under another one is dropped. */
void capture_switch(struct capture *capture, uint32_t generation);
uint32_t capture_generation(const struct capture *capture);
/** Close, before the loop ends. Tees that are left must not be used again. */
void capture_close(struct capture *capture);

/**
 * The tee of an exchange whose request was just allowed; NULL when it has none. `capture` may be
 * NULL.
 */
struct capture_tee *capture_begin(struct capture *capture, const struct host_name *name,
                                  enum http_protocol protocol, const struct http_head *request);

void capture_tee_request_body(struct capture_tee *tee, struct bytes body);
void capture_tee_request_end(struct capture_tee *tee);
/** The final head, or 101: then what follows are the bytes of the tunnel. */
void capture_tee_response_head(struct capture_tee *tee, const struct http_head *head);
void capture_tee_response_body(struct capture_tee *tee, struct bytes body);
/** `reason` is NULL when the response was complete. The tee is gone. */
void capture_tee_end(struct capture_tee *tee, const char *reason);

#endif
