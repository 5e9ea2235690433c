#ifndef BASE_BODY_BUDGET_H
#define BASE_BODY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The bytes of messages that are held because a peer does not take them, or has not sent the rest,
 * all connections together: bodies, heads and trailers from their first byte on, requests' heads to
 * the end of their exchange, what waits behind them, and the HTTP/2 library's memory where a
 * connection has more of it than one at rest. Each queue has a share and says how long it is now;
 * the budget knows the sum. Nothing is refused here: whoever delivers into queues asks
 * body_budget_is_full first and ends the exchange, and whoever opens a window asks
 * body_budget_window how wide.
 *
 * A window is credit in bytes that a sender may use before the other side has taken anything, so a
 * thousand idle exchanges hold nothing, and a thousand stuck ones at most the limit.
 */

enum {
    /* What the VM of 96 MB has for bodies; it grows with memory (body_budget_limit). */
    BODY_BUDGET_BYTES_MIN = 16 * 1024 * 1024,
    BODY_BUDGET_BYTES_MAX = 256 * 1024 * 1024,
    BODY_BUDGET_MEMORY_PART = 6,           /* of the machine's memory, one part in so many */
    BODY_BUDGET_TIGHT_WINDOW = 8 * 1024,   /* of an exchange that begins when half is used */
    BODY_BUDGET_FULL_WINDOW = 64 * 1024,   /* of any other */
    BODY_BUDGET_WIDE_WINDOW = 1024 * 1024, /* of one that flows, over a long way */
    BODY_BUDGET_WIDE_PART = 4, /* of the limit, one part in so many for what windows are wider */
};

struct body_budget {
    size_t limit;
    size_t used;
    size_t most; /* the highest `used` so far */
    size_t lent; /* by how much windows are wider than at first, together */
};

/** One queue's part. Zeroed it belongs to no budget and counts nothing. */
struct body_share {
    struct body_budget *budget; /* borrowed */
    size_t held;
};

void body_budget_init(struct body_budget *budget, size_t limit);

/** The limit for a machine with so much memory in bytes. */
size_t body_budget_limit(size_t memory_bytes);

/** No more may be delivered to a peer that takes nothing. */
bool body_budget_is_full(const struct body_budget *budget);

/** Bytes of credit that a new exchange gets in one direction. */
size_t body_budget_window(const struct body_budget *budget);

/**
 * Make a window wider by `bytes`. False: it may not be. What was lent comes back with
 * body_budget_return.
 */
bool body_budget_lend(struct body_budget *budget, size_t bytes);
void body_budget_return(struct body_budget *budget, size_t bytes);

/** The queue is `length` bytes long now. */
void body_share_set(struct body_share *share, size_t length);

#endif
