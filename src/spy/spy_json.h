#ifndef SPY_SPY_JSON_H
#define SPY_SPY_JSON_H

#include "spy/spy_output.h"
#include "spy/spy_store.h"

/*
 * JSON to an output, piece by piece: nothing is built in memory. What is written is UTF-8, and any
 * character that a terminal would obey or not show stands in it as an escape.
 */
struct spy_json {
    struct spy_output *output; /* borrowed */
    bool is_next;              /* a value stands before: a comma comes first */
};

void spy_json_init(struct spy_json *json, struct spy_output *output);

/** Open and close; `key` is NULL within arrays and for the root, here and below. */
void spy_json_open_object(struct spy_json *json, const char *key);
void spy_json_close_object(struct spy_json *json);
void spy_json_open_array(struct spy_json *json, const char *key);
void spy_json_close_array(struct spy_json *json);

/** A byte that is no UTF-8 becomes U+FFFD. */
void spy_json_text(struct spy_json *json, const char *key, struct bytes text);
/** A text that comes in parts: opened by its key, ended by a close. */
void spy_json_open_text(struct spy_json *json, const char *key);
void spy_json_text_part(struct spy_json *json, struct bytes text);
void spy_json_close_text(struct spy_json *json);
/** Left out where it is empty. */
void spy_json_text_if(struct spy_json *json, const char *key, struct bytes text);
void spy_json_literal(struct spy_json *json, const char *key, const char *text);
void spy_json_number(struct spy_json *json, const char *key, int64_t number);
/** Left out where it is negative: not told. */
void spy_json_number_if(struct spy_json *json, const char *key, int64_t number);
/** Thousandths or so: `parts` per one, 1000 or 10^9. */
void spy_json_decimal(struct spy_json *json, const char *key, int64_t number, int64_t parts);
void spy_json_bool(struct spy_json *json, const char *key, bool value);
void spy_json_null(struct spy_json *json, const char *key);
/** JSON that was captured, as a value; as a text where it is none. Left out where it is empty. */
void spy_json_raw_if(struct spy_json *json, const char *key, struct bytes text);
/** The bytes in base64, as a text. */
void spy_json_base64(struct spy_json *json, const char *key, struct bytes bytes);

#endif
