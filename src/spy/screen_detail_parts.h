#ifndef SPY_SCREEN_DETAIL_PARTS_H
#define SPY_SCREEN_DETAIL_PARTS_H

#include "spy/screen_detail.h"

/* What the files screen_detail*.c share. */

/** Keys of sections that every call has: their folds outlive it. */
enum screen_detail_key {
    SCREEN_DETAIL_KEY_CALL = 1,
    SCREEN_DETAIL_KEY_USAGE,
    SCREEN_DETAIL_KEY_REQUEST_HEADERS,
    SCREEN_DETAIL_KEY_PARAMETERS,
    SCREEN_DETAIL_KEY_SYSTEM,
    SCREEN_DETAIL_KEY_TOOLS,
    SCREEN_DETAIL_KEY_BEFORE,
    SCREEN_DETAIL_KEY_RESPONSE,
    SCREEN_DETAIL_KEY_RESPONSE_HEADERS,
    SCREEN_DETAIL_KEY_NATIVE,
    SCREEN_DETAIL_KEY_REQUEST_BODY,
    SCREEN_DETAIL_KEY_RESPONSE_BODY,
    SCREEN_DETAIL_KEY_ERROR = 1000 /* and so on */
};

/** Parts of a block that have a section of their own. */
enum screen_detail_part {
    SCREEN_DETAIL_PART_BLOCK,
    SCREEN_DETAIL_PART_SCHEMA,
    SCREEN_DETAIL_PART_RESULT,
    SCREEN_DETAIL_PART_ROLE
};

uint64_t screen_detail_block_key(enum llm_side side, const struct llm_block *block,
                                 enum screen_detail_part part);

/** Set a section's text in a form, or in hexadecimal where the user wants that. */
void screen_detail_text(const struct screen_detail *detail, struct screen_section *section,
                        enum screen_form form, struct bytes text, uint64_t stamp);

/** Add a block: title, note and text by its kind. */
struct screen_section *screen_detail_add_block(const struct screen_detail *detail,
                                               struct screen_sections *sections, enum llm_side side,
                                               const struct llm_block *block, int depth,
                                               enum screen_fold fold);

/** Sections of the other forms. */
void screen_detail_make_diff(struct screen_detail *detail, struct screen_sections *sections);
void screen_detail_make_raw(struct screen_detail *detail, struct screen_sections *sections);

void screen_detail_add_headers(const struct screen_detail *detail, struct screen_sections *sections,
                               enum llm_side side, enum screen_fold fold);

#endif
