#include "base/body_budget.h"

#include "base/check.h"

void body_budget_init(struct body_budget *budget, size_t limit)
{
    *budget = (struct body_budget){.limit = limit};
}

size_t body_budget_limit(size_t memory_bytes)
{
    size_t part = memory_bytes / BODY_BUDGET_MEMORY_PART;
    if (part < BODY_BUDGET_BYTES_MIN)
        return BODY_BUDGET_BYTES_MIN;
    return part < BODY_BUDGET_BYTES_MAX ? part : BODY_BUDGET_BYTES_MAX;
}

bool body_budget_is_full(const struct body_budget *budget)
{
    return budget->used >= budget->limit;
}

size_t body_budget_window(const struct body_budget *budget)
{
    return budget->used < budget->limit / 2 ? BODY_BUDGET_FULL_WINDOW : BODY_BUDGET_TIGHT_WINDOW;
}

bool body_budget_lend(struct body_budget *budget, size_t bytes)
{
    if (budget->used >= budget->limit / 2 ||
        budget->lent + bytes > budget->limit / BODY_BUDGET_WIDE_PART)
        return false;
    budget->lent += bytes;
    return true;
}

void body_budget_return(struct body_budget *budget, size_t bytes)
{
    CHECK(budget->lent >= bytes);
    budget->lent -= bytes;
}

void body_share_set(struct body_share *share, size_t length)
{
    struct body_budget *budget = share->budget;
    if (budget == NULL || share->held == length)
        return;
    CHECK(budget->used >= share->held);
    budget->used = budget->used - share->held + length;
    share->held = length;
    if (budget->used > budget->most)
        budget->most = budget->used;
}
