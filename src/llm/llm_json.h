#ifndef LLM_LLM_JSON_H
#define LLM_LLM_JSON_H

#include "base/buffer.h"

/*
 * JSON as peers send it, without loss. A document is read into a flat list of nodes over its own
 * bytes, so numbers keep their digits, objects the order of their keys, and what is shown of a
 * part of it is that part. A document that broke off is readable up to there.
 *
 * Texts are UTF-8 afterwards, whatever was sent, and nothing is dropped: escapes are decoded, NUL
 * included; half of a surrogate pair stays the six characters of its escape (`\ud83d`), and a byte
 * that is no UTF-8 becomes the four characters `\xHH`.
 */

enum {
    LLM_JSON_DEPTH_MAX = 192,
    LLM_JSON_NODES_MAX = 256 * 1024, /* values and keys in a document; 24 bytes each */
};

enum llm_json_kind {
    LLM_JSON_NONE, /* there is no such value */
    LLM_JSON_NULL,
    LLM_JSON_FALSE,
    LLM_JSON_TRUE,
    LLM_JSON_NUMBER,
    LLM_JSON_STRING,
    LLM_JSON_ARRAY,
    LLM_JSON_OBJECT,
};

enum llm_json_status {
    LLM_JSON_WHOLE,
    LLM_JSON_CUT, /* the text ended within it: what is there can be read */
    LLM_JSON_BAD, /* no JSON, or past a limit: nothing can be read; see `problem` */
};

struct llm_json {
    struct bytes text;           /* borrowed */
    struct llm_json_node *nodes; /* owned */
    uint32_t count, allocated;
    struct llm_json_piece *decoded; /* owned: texts that had escapes */
    size_t decoded_bytes;
    const char *problem; /* static */
};

/** A value in a document, borrowed from it; zeroed it is none, and all questions may be asked. */
struct llm_value {
    struct llm_json *json; /* NULL: none */
    uint32_t node;
};

/** Read `text`, which must outlive `json`. Release with llm_json_done, whatever came back. */
enum llm_json_status llm_json_parse(struct llm_json *json, struct bytes text);
void llm_json_done(struct llm_json *json);
/** Memory that it holds beside the text, in bytes. */
size_t llm_json_held(const struct llm_json *json);

/** The document's value; none when it is bad. */
struct llm_value llm_json_root(struct llm_json *json);

enum llm_json_kind llm_value_kind(struct llm_value value);
bool llm_value_is(struct llm_value value, enum llm_json_kind kind);
/** The member with that key (the last of several); none for anything else. */
struct llm_value llm_value_get(struct llm_value object, const char *key);
/** Its decoded text; empty for what is no text. Borrowed from the document. */
struct bytes llm_value_text(struct llm_value value);
/** llm_value_text of a member. */
struct bytes llm_value_get_text(struct llm_value object, const char *key);
/** A whole number of at least 0 (fractions are cut off), or -1. */
int64_t llm_value_number(struct llm_value value);
int64_t llm_value_get_number(struct llm_value object, const char *key);
bool llm_value_is_true(struct llm_value value);
/** It is a text and equals that one. */
bool llm_value_equals(struct llm_value value, const char *text);
bool llm_value_get_equals(struct llm_value object, const char *key, const char *text);
/** How many values or members stand in it. */
size_t llm_value_count(struct llm_value value);
/** As it stands in the document. */
struct bytes llm_value_raw(struct llm_value value);

/** Append the value without needless spaces. False, with `out` changed, when there is no room. */
bool llm_value_compact(struct llm_value value, struct buffer *out)
    __attribute__((warn_unused_result));

/** Over an array or object: `while (llm_members_next(&members))`. Nothing for other values. */
struct llm_members {
    struct llm_value value;
    struct llm_value key; /* none in an array */
    struct llm_value whole;
    uint32_t next;
};
struct llm_members llm_members_of(struct llm_value whole);
bool llm_members_next(struct llm_members *members);

/** Append as UTF-8, by the rule above; all or nothing. */
bool llm_json_append_utf8(struct buffer *out, struct bytes text)
    __attribute__((warn_unused_result));
/** Append as a JSON text with its quotes. False, with `out` changed, when there is no room. */
bool llm_json_append_quoted(struct buffer *out, struct bytes text)
    __attribute__((warn_unused_result));
/** How many bytes at the front are UTF-8. */
size_t llm_json_utf8_length(struct bytes text);

#endif
