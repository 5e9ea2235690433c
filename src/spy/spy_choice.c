#include "spy/spy_choice.h"

#include <string.h>

enum spy_filter_need spy_choice_needs(const struct spy_choice *choice)
{
    return spy_filter_needs(choice->filter);
}

bool spy_choice_has(const struct spy_choice *choice, struct spy_store *store, uint64_t position)
{
    const struct spy_summary *summary = spy_store_summary(store, position);
    if (choice->session && strncmp(summary->session, choice->session, strlen(choice->session)) != 0)
        return false;
    if (choice->provider && strcmp(summary->provider, choice->provider) != 0)
        return false;
    if (summary->start_ms < choice->since_ms)
        return false;
    if (spy_choice_needs(choice) < SPY_FILTER_CALL)
        return spy_filter_matches(choice->filter, summary, NULL);
    struct error ignored;
    struct llm_call *call = spy_store_load(store, position, &ignored);
    bool is_met = call && spy_filter_matches(choice->filter, summary, call);
    llm_call_free(call);
    return is_met;
}
