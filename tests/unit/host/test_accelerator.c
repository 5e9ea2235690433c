#include "test.h"

#include "host/accelerator.h"

static void forgets_the_verdict_of_another_boot(void **state)
{
    struct accelerator verdict = {0};
    assert_false(accelerator_verdict_parse(BYTES_LITERAL("boot-1 kvm \n"), "boot-2", &verdict));
    assert_false(accelerator_verdict_parse(BYTES_LITERAL(""), "boot-2", &verdict));
    assert_false(accelerator_verdict_parse(BYTES_LITERAL("boot-2"), "boot-2", &verdict));
    assert_false(accelerator_verdict_parse(BYTES_LITERAL("boot-2 xen \n"), "boot-2", &verdict));
}

static void reads_the_verdict_and_its_reason(void **state)
{
    struct accelerator verdict = {0};
    assert_true(
        accelerator_verdict_parse(BYTES_LITERAL("boot-2 tcg does not boot\n"), "boot-2", &verdict));
    assert_int_equal(verdict.kind, VM_ACCELERATOR_TCG);
    assert_string_equal(verdict.reason, "does not boot");
    assert_true(accelerator_verdict_parse(BYTES_LITERAL("boot-2 kvm \n"), "boot-2", &verdict));
    assert_int_equal(verdict.kind, VM_ACCELERATOR_KVM);
    assert_string_equal(verdict.reason, "");
}

RUN_TESTS(cmocka_unit_test(forgets_the_verdict_of_another_boot),
          cmocka_unit_test(reads_the_verdict_and_its_reason))
