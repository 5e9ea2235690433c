#ifndef SPY_SPY_SECTION_H
#define SPY_SPY_SECTION_H

#include "spy/spy_paper.h"
#include "spy/spy_pretty.h"
#include "spy/spy_store.h"
#include "spy/spy_table.h"

struct spy_text_options;

/*
 * The text of one call, from its events: what a section of the text view (spy_text.h) says.
 */

enum { SPY_SECTION_TOOL_NAMES = 512, SPY_SECTION_TOOL_NAME_SIZE = 48, SPY_SECTION_SKIPPED = 16 };

/** What the sections of a view share. */
struct spy_section_world {
    struct spy_store *store;                /* borrowed */
    const struct spy_text_options *options; /* borrowed */
    struct spy_table *parameters;           /* owned: those that were shown, by their hash */
    struct spy_table *tool_calls;           /* owned: place in `tool_names` by the call's id */
    char (*tool_names)[SPY_SECTION_TOOL_NAME_SIZE]; /* owned: the last ones, round and round */
    uint64_t tool_count;
};

void spy_section_world_init(struct spy_section_world *world, struct spy_store *store,
                            const struct spy_text_options *options);
void spy_section_world_done(struct spy_section_world *world);

struct spy_section {
    struct spy_section_world *world; /* borrowed */
    uint64_t position;               /* of the call, SPY_STORE_NONE for notes */
    uint64_t number;                 /* in events */
    struct spy_paper paper;
    struct spy_pretty pretty;
    bool has_head, is_over;
    uint32_t counted[SPY_SECTION_COUNT]; /* blocks of the request so far */
    uint32_t untold[SPY_SECTION_COUNT];  /* of these: seen before, and not yet said so */
    bool is_in_tools;                    /* a list of tools has begun */
    bool has_heading;                    /* and whose: */
    enum llm_side side;
    enum llm_role role;
    enum llm_block_kind kind;
    bool is_streaming; /* a block that is shown as it comes */
    uint32_t streamed_block;
    uint64_t streamed_bytes;
    uint32_t skipped[SPY_SECTION_SKIPPED]; /* blocks that began meanwhile */
    size_t skipped_count;
    struct buffer native; /* events without a place, until the block is over */
};

/** `write` takes its text. */
void spy_section_start(struct spy_section *section, struct spy_section_world *world,
                       uint64_t position, spy_output_fn *write, void *context);
void spy_section_done(struct spy_section *section);

void spy_section_add(struct spy_section *section, const struct llm_event *event);
void spy_section_add_note(struct spy_section *section, const struct spy_note *note,
                          const struct llm_event *event);
/** Write what is held of a word: nothing comes at the moment. */
void spy_section_rest(struct spy_section *section);
/** Others speak now: end the line. */
void spy_section_pause(struct spy_section *section);
/** This one speaks again: say which it is. */
void spy_section_go_on(struct spy_section *section);
/** In the middle of a block that streams. */
bool spy_section_is_in_block(const struct spy_section *section);

#endif
