#include "test.h"

#include "base/body_budget.h"

static void is_full_at_its_limit_and_not_before(void **state)
{
    struct body_budget budget;
    body_budget_init(&budget, 100);
    struct body_share share = {&budget, 0};
    body_share_set(&share, 99);
    assert_false(body_budget_is_full(&budget));
    body_share_set(&share, 100);
    assert_true(body_budget_is_full(&budget));
    body_share_set(&share, 0);
    assert_false(body_budget_is_full(&budget));
}

static void sums_all_shares(void **state)
{
    struct body_budget budget;
    body_budget_init(&budget, 100);
    struct body_share one = {&budget, 0}, other = {&budget, 0};
    body_share_set(&one, 60);
    body_share_set(&other, 30);
    assert_int_equal(budget.used, 90);
    body_share_set(&one, 10);
    body_share_set(&other, 0);
    assert_int_equal(budget.used, 10);
    assert_int_equal(budget.most, 90);
}

static void a_share_of_no_budget_counts_nothing(void **state)
{
    struct body_share share = {NULL, 0};
    body_share_set(&share, 1000);
    assert_int_equal(share.held, 0);
}

static void opens_narrow_windows_once_half_is_used(void **state)
{
    struct body_budget budget;
    body_budget_init(&budget, 100);
    struct body_share share = {&budget, 0};
    body_share_set(&share, 49);
    assert_int_equal(body_budget_window(&budget), BODY_BUDGET_FULL_WINDOW);
    body_share_set(&share, 50);
    assert_int_equal(body_budget_window(&budget), BODY_BUDGET_TIGHT_WINDOW);
}

static void grows_with_memory_between_two_bounds(void **state)
{
    assert_int_equal(body_budget_limit(0), BODY_BUDGET_BYTES_MIN);
    assert_int_equal(body_budget_limit((size_t)96 << 20), 16 << 20);
    assert_int_equal(body_budget_limit((size_t)192 << 20), 32 << 20);
    assert_int_equal(body_budget_limit((size_t)64 << 30), BODY_BUDGET_BYTES_MAX);
}

RUN_TESTS(cmocka_unit_test(is_full_at_its_limit_and_not_before), cmocka_unit_test(sums_all_shares),
          cmocka_unit_test(a_share_of_no_budget_counts_nothing),
          cmocka_unit_test(opens_narrow_windows_once_half_is_used),
          cmocka_unit_test(grows_with_memory_between_two_bounds))
