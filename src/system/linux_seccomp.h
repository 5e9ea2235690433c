#ifndef SYSTEM_LINUX_SECCOMP_H
#define SYSTEM_LINUX_SECCOMP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sock_filter;

/*
 * System-call filters as tables. A table is compiled to BPF and given to the kernel; there is no
 * way back. The kernel remembers which calls need no look at arguments, so rules without
 * conditions cost nothing at run time.
 */

enum {
    LINUX_SECCOMP_CONDITIONS_MAX = 3,
    LINUX_SECCOMP_PROGRAM_MAX = 1024, /* instructions; the kernel takes 4096 */
};

/**
 * (argument & mask) == value, on the lower 32 bits: what is tested are ints and flag words, whose
 * upper half the kernel ignores. Never tested are pointers: what they point to can change.
 */
struct linux_seccomp_condition {
    unsigned argument; /* 0..5 */
    uint32_t mask;     /* 0: this and the following conditions are unused */
    uint32_t value;
};

/** Matches when the number is `call` and every condition holds. Several rows of a call: any. */
struct linux_seccomp_rule {
    int call; /* __NR_... */
    struct linux_seccomp_condition conditions[LINUX_SECCOMP_CONDITIONS_MAX];
};

enum linux_seccomp_kind {
    LINUX_SECCOMP_ALLOWLIST, /* what no rule matches kills the process (SIGSYS) */
    LINUX_SECCOMP_DENYLIST,  /* what a rule matches fails with EPERM, all else passes */
};

/**
 * The program for a table; its length, or 0 when `room` instructions are too few. Calls of another
 * architecture (and of x32) kill the process.
 */
size_t linux_seccomp_compile(enum linux_seccomp_kind kind, const struct linux_seccomp_rule *rules,
                             size_t count, struct sock_filter *program, size_t room);

/** Put a table in force for this process and all that it starts. Sets no_new_privs. */
bool linux_seccomp_install(enum linux_seccomp_kind kind, const struct linux_seccomp_rule *rules,
                           size_t count, struct error *error);

#endif
