#ifndef SPY_SPY_CALL_JSON_H
#define SPY_SPY_CALL_JSON_H

#include "spy/spy_choice.h"
#include "spy/spy_json.h"

/** Version of the objects below: rootcell-spy(5) describes them. */
enum { SPY_CALL_JSON_VERSION = 1 };

/** One object for a call. */
void spy_call_json_add(struct spy_json *json, const struct spy_store *store, uint64_t position,
                       const struct llm_call *call);

/** Blocks of a list and section, as an array. */
void spy_call_json_add_blocks(struct spy_json *json, const char *key,
                              const struct llm_block_list *list, enum llm_section section);

/** The same of all sections: a response has but one. */
void spy_call_json_add_all_blocks(struct spy_json *json, const char *key,
                                  const struct llm_block_list *list);

/** The view of --json: an object a line for each call that is over, and for what was denied. */
struct spy_lines {
    struct spy_store *store;   /* borrowed */
    struct spy_output *output; /* borrowed */
    struct spy_choice choice;
    bool is_denied_hidden;
};

/** A spy_store_observer; `context` is a struct spy_lines. */
void spy_lines_take(void *context, const struct spy_added *added);
/** Calls that are not over, at the end. */
void spy_lines_finish(struct spy_lines *lines);
/** All at once: what an export has. */
void spy_lines_write_all(struct spy_lines *lines);

#endif
