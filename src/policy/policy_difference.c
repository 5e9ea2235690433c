#include "policy/policy.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Texts of all rules, sorted, repeats removed. */
struct listing {
    char **texts; /* owned, each owned */
    size_t count;
};

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing_init(struct listing *listing, const struct policy *policy)
{
    size_t count = policy_rule_count(policy);
    listing->texts = memory_new_array(count, sizeof(char *));
    listing->count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct policy_rule *rule = policy_rule_at(policy, i);
        listing->texts[i] = memory_format("%s %s", policy_kind_text(rule->kind), rule->text);
    }
    if (count)
        qsort(listing->texts, count, sizeof(char *), compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (listing->count && strcmp(listing->texts[listing->count - 1], listing->texts[i]) == 0)
            free(listing->texts[i]);
        else
            listing->texts[listing->count++] = listing->texts[i];
    }
}

void policy_difference_init(struct policy_difference *difference, const struct policy *before,
                            const struct policy *after)
{
    struct listing old;
    struct listing new;
    listing_init(&old, before);
    listing_init(&new, after);
    size_t i = 0;
    size_t j = 0;
    size_t removed = 0;
    size_t added = 0;
    /* The lists are compacted in place: each ends up as what only it has. */
    while (i < old.count || j < new.count) {
        int order = i == old.count ? 1 : j == new.count ? -1 : strcmp(old.texts[i], new.texts[j]);
        if (order < 0) {
            old.texts[removed++] = old.texts[i++];
        } else if (order > 0) {
            new.texts[added++] = new.texts[j++];
        } else {
            free(old.texts[i++]);
            free(new.texts[j++]);
        }
    }
    *difference = (struct policy_difference){
        .added = new.texts, .added_count = added, .removed = old.texts, .removed_count = removed};
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

void policy_difference_done(struct policy_difference *difference)
{
    free_texts(difference->added, difference->added_count);
    free_texts(difference->removed, difference->removed_count);
    *difference = (struct policy_difference){0};
}
