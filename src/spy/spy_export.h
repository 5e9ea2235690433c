#ifndef SPY_SPY_EXPORT_H
#define SPY_SPY_EXPORT_H

#include "spy/spy_options.h"
#include "spy/spy_choice.h"
#include "spy/spy_output.h"

/** Write what is chosen of a store in a form that other programs read. */
void spy_export_write(enum spy_export form, struct spy_store *store,
                      const struct spy_choice *choice, struct spy_output *output);

/** Give each chosen call, loaded, in the order of their begin. */
typedef void spy_export_call_fn(void *context, uint64_t position, const struct llm_call *call);
void spy_export_each(struct spy_store *store, const struct spy_choice *choice,
                     spy_export_call_fn *give, void *context);

void spy_export_har(struct spy_store *store, const struct spy_choice *choice,
                    struct spy_output *output);
void spy_export_otel(struct spy_store *store, const struct spy_choice *choice,
                     struct spy_output *output);
void spy_export_html(struct spy_store *store, const struct spy_choice *choice,
                     struct spy_output *output);

#endif
