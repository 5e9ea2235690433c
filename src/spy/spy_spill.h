#ifndef SPY_SPY_SPILL_H
#define SPY_SPY_SPILL_H

#include "base/bytes.h"
#include "base/error.h"

/*
 * A file that grows at its end and is read anywhere. Of one's own it is two halves that are deleted
 * as soon as they are made and take turns: when one is full, the other, older one is emptied. What
 * is appended in one piece is never split.
 */
struct spy_spill;

/** A file of our own, of at most about `maximum` bytes, below TMPDIR or /var/tmp. */
struct spy_spill *spy_spill_new(uint64_t maximum, struct error *error);
/** Over a file of the user's, which is never emptied. Owns `fd`. */
struct spy_spill *spy_spill_new_over(int fd, struct error *error);
void spy_spill_free(struct spy_spill *spill);

/** Bytes that were ever appended: the offset of the next. */
uint64_t spy_spill_end(const struct spy_spill *spill);
/** Append two runs as one piece. Nothing is kept of it on failure. */
bool spy_spill_append(struct spy_spill *spill, struct bytes first, struct bytes second,
                      struct error *error);
/** All of it, or false when it is no longer, or not, there. */
bool spy_spill_read(const struct spy_spill *spill, uint64_t offset, uint8_t *into, size_t length);

#endif
