#ifndef LLM_LLM_PRICE_H
#define LLM_LLM_PRICE_H

#include "base/error.h"
#include "llm/llm_event.h"

/*
 * What calls cost, by a table of prices that people edit (data/prices.txt):
 *
 *     price PATTERN INPUT CACHE_READ CACHE_WRITE OUTPUT    dollars for a million tokens
 *     times PATTERN FACTOR                                 for models that match, price times this
 *
 * One statement a line, words apart by spaces or tabs; `#` at the start of a word starts a comment.
 * PATTERN is matched with the model's whole name, where `*` stands for any text. Of each statement
 * the first that matches counts. INPUT is for what is neither read from the cache nor written to
 * it. An estimate: long prompts, batches, tools of the provider and discounts are left out.
 */
enum {
    LLM_PRICE_LINES_MAX = 4096,
    LLM_PRICE_PATTERN_MAX = 256,       /* bytes */
    LLM_PRICE_DOLLARS_MAX = 10000,     /* for a million tokens */
    LLM_PRICE_FACTOR_MAX = 100,        /* of `times` */
    LLM_PRICE_TOKENS_MAX = 1000000000, /* of one kind in one call; more has no price */
};

struct llm_price_table;

struct llm_price_table *llm_price_table_new(void);
/** The lines of data/prices.txt, as they were when the program was built. */
void llm_price_table_add_built_in(struct llm_price_table *table);
void llm_price_table_free(struct llm_price_table *table);

/**
 * Add the lines of a file behind those that are there. `shown` is its name in errors, `FILE:LINE:
 * reason`; the text is copied. False when a line is refused: the table is then as before.
 */
bool llm_price_table_add(struct llm_price_table *table, const char *shown, struct bytes text,
                         struct error *error);

/**
 * What so many tokens of a model cost, in US dollars times 10^9; -1 when the model has no price or
 * no tokens were told. Counts that are not told (-1) are taken for 0.
 */
int64_t llm_price_cost_nano(const struct llm_price_table *table, struct bytes model,
                            const struct llm_usage *usage);

#endif
