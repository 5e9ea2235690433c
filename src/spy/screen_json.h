#ifndef SPY_SCREEN_JSON_H
#define SPY_SCREEN_JSON_H

#include "base/buffer.h"

/*
 * JSON as a person reads it: one member a line, and texts as they mean, not as they are spelled: a
 * text of several lines stands there in several lines. Not JSON any more, therefore; who wants the
 * bytes copies them, saves them, or looks at the raw form.
 */

/**
 * Append the readable form. False, with `out` unchanged, for what is no object or array, nests too
 * deep, is broken (an argument that is still arriving) or does not fit.
 */
bool screen_json_readable(struct bytes json, struct buffer *out);

/** Append `name: value` lines for an array of pairs of texts. False as above. */
bool screen_json_headers(struct bytes json, struct buffer *out);

/** Append a short form on one line: no spaces between tokens, texts as spelled. */
bool screen_json_short(struct bytes json, struct buffer *out);

#endif
