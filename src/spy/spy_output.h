#ifndef SPY_SPY_OUTPUT_H
#define SPY_SPY_OUTPUT_H

#include "base/buffer.h"
#include "base/error.h"

/** Takes all of the bytes; false when nobody does any more. */
typedef bool spy_output_fn(void *context, struct bytes bytes);

/** What a view or an export writes, collected into larger pieces. After a failure it is deaf. */
struct spy_output {
    spy_output_fn *write;
    void *context; /* borrowed */
    struct buffer pending;
    bool is_broken;
};

void spy_output_init(struct spy_output *output, spy_output_fn *write, void *context);
/** Flush, and release the memory. False when something was lost. */
bool spy_output_done(struct spy_output *output);

void spy_output_add(struct spy_output *output, struct bytes bytes);
void spy_output_add_text(struct spy_output *output, const char *text);
/** printf of a short text (CHECK: under 1 kB). */
void spy_output_add_format(struct spy_output *output, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool spy_output_flush(struct spy_output *output);

/** A spy_output_fn: `context` is an int, the descriptor. */
bool spy_output_to_descriptor(void *context, struct bytes bytes);

#endif
