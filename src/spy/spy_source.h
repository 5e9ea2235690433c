#ifndef SPY_SPY_SOURCE_H
#define SPY_SPY_SOURCE_H

#include "base/bytes.h"
#include "base/error.h"

/** Where lines come from: a pipe, standard input, or a recording. */
struct spy_source;

/** Who is given lines. One that was too long is told by its length alone: `line` is empty. */
typedef void spy_source_line_fn(void *context, struct bytes line, uint64_t offset,
                                bool is_too_long);

enum spy_source_state {
    SPY_SOURCE_MORE, /* read again when poll() says so */
    SPY_SOURCE_END,
    SPY_SOURCE_FAILED
};

/** `fd` is borrowed. */
struct spy_source *spy_source_new(int fd);
void spy_source_free(struct spy_source *source);

/**
 * Read once, which blocks unless poll() said that there is something, and give the lines that are
 * whole now, without their line feeds. At the end the rest is given as a line.
 */
enum spy_source_state spy_source_read(struct spy_source *source, spy_source_line_fn *give,
                                      void *context, struct error *error);

#endif
