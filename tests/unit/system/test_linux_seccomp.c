#include "test.h"

#include "system/linux_seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

#ifdef __x86_64__
enum { OWN = (int)AUDIT_ARCH_X86_64, FOREIGN = AUDIT_ARCH_I386 };
#else
enum { OWN = (int)AUDIT_ARCH_AARCH64, FOREIGN = AUDIT_ARCH_ARM };
#endif

static const struct linux_seccomp_rule rules[] = {
    {.call = 10},
    {.call = 20, .conditions = {{0, UINT32_MAX, 2}, {1, ~0x800u, 1}, {2, UINT32_MAX, 0}}},
    {.call = 20, .conditions = {{0, UINT32_MAX, 10}}},
    {.call = 30, .conditions = {{2, 4, 0}}},
    {.call = 11},
};

static struct sock_filter program[LINUX_SECCOMP_PROGRAM_MAX];
static size_t length;

/* The few instructions that the compiler uses, as the kernel runs them. */
static uint32_t run(const struct seccomp_data *data)
{
    uint32_t accumulator = 0;
    for (size_t at = 0; at < length; at++) {
        const struct sock_filter *step = &program[at];
        switch (step->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            assert_true(step->k + 4 <= sizeof(*data));
            memcpy(&accumulator, (const uint8_t *)data + step->k, 4);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            accumulator &= step->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += accumulator == step->k ? step->jt : step->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += accumulator >= step->k ? step->jt : step->jf;
            break;
        case BPF_RET | BPF_K:
            return step->k;
        default:
            fail_msg("instruction %x", step->code);
        }
    }
    fail_msg("ran over the end");
    return 0;
}

static uint32_t verdict(uint32_t architecture, int call, uint64_t a, uint64_t b, uint64_t c)
{
    struct seccomp_data data = {.nr = call, .arch = architecture, .args = {a, b, c}};
    return run(&data);
}

static void compile(enum linux_seccomp_kind kind)
{
    length = linux_seccomp_compile(kind, rules, sizeof(rules) / sizeof(rules[0]), program,
                                   LINUX_SECCOMP_PROGRAM_MAX);
    assert_true(length > 0);
}

static void an_allowlist_kills_what_no_rule_matches(void **state)
{
    compile(LINUX_SECCOMP_ALLOWLIST);
    for (int call = 0; call < 500; call++)
        if (call != 10 && call != 11 && call != 20 && call != 30)
            assert_int_equal(verdict((uint32_t)OWN, call, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(verdict((uint32_t)OWN, 20, 3, 1, 0), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(verdict((uint32_t)OWN, 20, 2, 3, 0), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(verdict((uint32_t)OWN, 20, 2, 1, 6), SECCOMP_RET_KILL_PROCESS);
    assert_int_equal(verdict((uint32_t)OWN, 30, 0, 0, 7), SECCOMP_RET_KILL_PROCESS);
}

static void calls_of_another_architecture_are_killed_by_every_list(void **state)
{
    for (int kind = LINUX_SECCOMP_ALLOWLIST; kind <= LINUX_SECCOMP_DENYLIST; kind++) {
        compile((enum linux_seccomp_kind)kind);
        for (int call = 0; call < 40; call++) {
            assert_int_equal(verdict(FOREIGN, call, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
            assert_int_equal(verdict((uint32_t)OWN, call | 0x40000000, 0, 0, 0),
                             SECCOMP_RET_KILL_PROCESS);
        }
        assert_int_equal(verdict((uint32_t)OWN, -1, 0, 0, 0), SECCOMP_RET_KILL_PROCESS);
    }
}

static void an_allowlist_allows_what_all_conditions_of_one_rule_fit(void **state)
{
    compile(LINUX_SECCOMP_ALLOWLIST);
    assert_int_equal(verdict((uint32_t)OWN, 10, 9, 9, 9), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 11, 9, 9, 9), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 20, 2, 1, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 20, 2, 0x801, 0), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 20, 10, 77, 77), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 30, 0, 0, 3), SECCOMP_RET_ALLOW);
}

static void a_denylist_refuses_what_matches_and_passes_the_rest(void **state)
{
    compile(LINUX_SECCOMP_DENYLIST);
    assert_int_equal(verdict((uint32_t)OWN, 10, 0, 0, 0), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(verdict((uint32_t)OWN, 30, 0, 0, 3), SECCOMP_RET_ERRNO | EPERM);
    assert_int_equal(verdict((uint32_t)OWN, 30, 0, 0, 4), SECCOMP_RET_ALLOW);
    assert_int_equal(verdict((uint32_t)OWN, 12, 0, 0, 0), SECCOMP_RET_ALLOW);
}

static void says_when_the_room_is_too_small(void **state)
{
    assert_int_equal(linux_seccomp_compile(LINUX_SECCOMP_ALLOWLIST, rules, 5, program, 10), 0);
}

RUN_TESTS(cmocka_unit_test(an_allowlist_kills_what_no_rule_matches),
          cmocka_unit_test(calls_of_another_architecture_are_killed_by_every_list),
          cmocka_unit_test(an_allowlist_allows_what_all_conditions_of_one_rule_fit),
          cmocka_unit_test(a_denylist_refuses_what_matches_and_passes_the_rest),
          cmocka_unit_test(says_when_the_room_is_too_small))
