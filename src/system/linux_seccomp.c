#include "system/linux_seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no system-call filter for this architecture"
#endif

/* Bit of the calls of x32, which have the architecture of x86-64. */
enum { X32_BIT = 0x40000000 };

struct assembler {
    struct sock_filter *program; /* borrowed */
    size_t length;
    size_t room;
};

static void emit(struct assembler *out, struct sock_filter instruction)
{
    if (out->length < out->room)
        out->program[out->length] = instruction;
    out->length++;
}

static void emit_load(struct assembler *out, size_t offset)
{
    emit(out, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void emit_return(struct assembler *out, uint32_t action)
{
    emit(out, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Go on with the next instruction when equal, else skip `skipped`. */
static void emit_equal(struct assembler *out, uint32_t value, size_t skipped)
{
    CHECK(skipped <= UINT8_MAX);
    emit(out, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, (uint8_t)skipped));
}

static size_t condition_count(const struct linux_seccomp_rule *rule)
{
    size_t count = 0;
    while (count < LINUX_SECCOMP_CONDITIONS_MAX && rule->conditions[count].mask != 0)
        count++;
    return count;
}

static size_t low_half(unsigned argument)
{
    CHECK(argument < 6 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    return offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
}

/* The call's number is loaded before and after. */
static void emit_rule(struct assembler *out, const struct linux_seccomp_rule *rule, uint32_t action)
{
    size_t count = condition_count(rule);
    /* Each condition is load, and, compare; then return and, behind it, the number again. */
    size_t left = count * 3 + 1;
    emit_equal(out, (uint32_t)rule->call, count ? left + 1 : left);
    for (size_t i = 0; i < count; i++) {
        const struct linux_seccomp_condition *condition = &rule->conditions[i];
        emit_load(out, low_half(condition->argument));
        emit(out, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, condition->mask));
        left -= 3;
        emit_equal(out, condition->value, left);
    }
    emit_return(out, action);
    if (count)
        emit_load(out, offsetof(struct seccomp_data, nr));
}

size_t linux_seccomp_compile(enum linux_seccomp_kind kind, const struct linux_seccomp_rule *rules,
                             size_t count, struct sock_filter *program, size_t room)
{
    bool is_allowlist = kind == LINUX_SECCOMP_ALLOWLIST;
    uint32_t matched = is_allowlist ? SECCOMP_RET_ALLOW : SECCOMP_RET_ERRNO | EPERM;
    uint32_t unmatched = is_allowlist ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ALLOW;
    struct assembler out = {program, 0, room};
    emit_load(&out, offsetof(struct seccomp_data, arch));
    emit_equal(&out, OWN_ARCHITECTURE, 2);
    emit_load(&out, offsetof(struct seccomp_data, nr));
    emit(&out, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    emit_return(&out, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < count; i++)
        emit_rule(&out, &rules[i], matched);
    emit_return(&out, unmatched);
    return out.length <= room ? out.length : 0;
}

bool linux_seccomp_install(enum linux_seccomp_kind kind, const struct linux_seccomp_rule *rules,
                           size_t count, struct error *error)
{
    struct sock_filter instructions[LINUX_SECCOMP_PROGRAM_MAX];
    size_t length =
        linux_seccomp_compile(kind, rules, count, instructions, LINUX_SECCOMP_PROGRAM_MAX);
    CHECK(length > 0);
    struct sock_fprog program = {(unsigned short)length, instructions};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(error, errno, "no_new_privs");
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
        return true;
    if (errno == ENOSYS || errno == EINVAL)
        return error_set(error, "this kernel filters no system calls (seccomp): nothing runs "
                                "without that");
    return error_set_errno(error, errno, "seccomp");
}
