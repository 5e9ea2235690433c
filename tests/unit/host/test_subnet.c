#include "test.h"

#include "host/subnet.h"

enum { POOL_START = 0xc0a86400, POOL_END = 0xc0a8fe00 };

static void refuses_when_all_are_taken(void **state)
{
    struct subnet_list taken = {0};
    struct subnet chosen;
    struct error error;
    subnet_list_add(&taken, (struct subnet){0xc0a80000, 16});
    assert_false(subnet_choose(POOL_START, POOL_END, &taken, &chosen, &error));
    assert_non_null(strstr(error.text, "no free network from 192.168.100.0 to 192.168.254.0"));
    subnet_list_done(&taken);
}

static void takes_the_first_that_overlaps_nothing(void **state)
{
    struct subnet_list taken = {0};
    struct subnet chosen;
    struct error error;
    subnet_list_add(&taken, (struct subnet){0, 0});
    assert_true(subnet_choose(POOL_START, POOL_END, &taken, &chosen, &error));
    assert_int_equal(chosen.network, 0xc0a86400);
    subnet_list_add(&taken, (struct subnet){0xc0a86400, 24});
    subnet_list_add(&taken, (struct subnet){0xc0a86580, 25});
    subnet_list_add(&taken, (struct subnet){0xc0a86605, 32});
    assert_true(subnet_choose(POOL_START, POOL_END, &taken, &chosen, &error));
    assert_int_equal(chosen.network, 0xc0a86700);
    assert_int_equal(chosen.prefix, 24);
    subnet_list_done(&taken);
}

static void ends_at_the_top_of_the_address_space(void **state)
{
    struct subnet_list taken = {0};
    struct subnet chosen;
    struct error error;
    subnet_list_add(&taken, (struct subnet){0xffffff00, 24});
    assert_false(subnet_choose(0xffffff00, 0xffffff00, &taken, &chosen, &error));
    subnet_list_done(&taken);
}

RUN_TESTS(cmocka_unit_test(refuses_when_all_are_taken),
          cmocka_unit_test(takes_the_first_that_overlaps_nothing),
          cmocka_unit_test(ends_at_the_top_of_the_address_space))
