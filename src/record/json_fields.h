#ifndef RECORD_JSON_FIELDS_H
#define RECORD_JSON_FIELDS_H

#include <jansson.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Strict reading of JSON objects. `place` is where the object stands ("link", "files[3]"), for the
 * error. Outputs are untouched on failure.
 */

/** Parse one JSON object, without doubled keys. Returns a new reference, or NULL with the error. */
json_t *json_fields_load(struct bytes text, struct error *error);

/** Refuse keys that are not in the NULL-terminated list, and a value that is no object. */
bool json_fields_only(const json_t *object, const char *place, const char *const *allowed,
                      struct error *error);

/** A text of at least 1 byte that fits `size` with its NUL. */
bool json_fields_text(const json_t *object, const char *place, const char *key, char *text,
                      size_t size, struct error *error);

bool json_fields_number(const json_t *object, const char *place, const char *key, uint64_t minimum,
                        uint64_t maximum, uint64_t *number, struct error *error);

/** An array of at most `limit` values, borrowed. */
bool json_fields_array(const json_t *object, const char *place, const char *key, size_t limit,
                       const json_t **array, struct error *error);

/** Append the text of `root` with a line end: two spaces, keys in the order of insertion. */
bool json_fields_dump(const json_t *root, struct buffer *out, struct error *error);

#endif
