#include "spy/spy_export.h"

#include "spy/spy_call_json.h"

void spy_export_each(struct spy_store *store, const struct spy_choice *choice,
                     spy_export_call_fn *give, void *context)
{
    for (uint64_t position = spy_store_first(store); position < spy_store_end(store); position++) {
        struct error ignored;
        if (!spy_choice_has(choice, store, position))
            continue;
        struct llm_call *call = spy_store_load(store, position, &ignored);
        if (call)
            give(context, position, call);
        llm_call_free(call);
    }
}

void spy_export_write(enum spy_export form, struct spy_store *store,
                      const struct spy_choice *choice, struct spy_output *output)
{
    struct spy_lines lines = {.store = store, .output = output, .choice = *choice};
    switch (form) {
    case SPY_EXPORT_HAR:
        spy_export_har(store, choice, output);
        break;
    case SPY_EXPORT_JSONL:
        spy_lines_write_all(&lines);
        break;
    case SPY_EXPORT_OTEL:
        spy_export_otel(store, choice, output);
        break;
    case SPY_EXPORT_HTML:
        spy_export_html(store, choice, output);
        break;
    }
}
