#include "firewall/role_filter.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/check.h"
#include "system/linux_seccomp.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_SANITIZER
#endif

enum { RULES_MAX = 128 };

#define EVERY UINT32_MAX
#define CALL(name)                                                                                 \
    {                                                                                              \
        .call = __NR_##name                                                                        \
    }
#define CALL_IF(name, ...)                                                                         \
    {                                                                                              \
        .call = __NR_##name, .conditions = { __VA_ARGS__ }                                         \
    }
/* One argument has one value. */
#define IS(index, number)                                                                          \
    {                                                                                              \
        .argument = (index), .mask = EVERY, .value = (uint32_t)(number)                            \
    }
/* These bits of an argument are not set. */
#define LACKS(index, bits)                                                                         \
    {                                                                                              \
        .argument = (index), .mask = (uint32_t)(bits), .value = 0                                  \
    }
/* An argument has one value but for these bits. */
#define IS_BUT_FOR(index, number, bits)                                                            \
    {                                                                                              \
        .argument = (index), .mask = ~(uint32_t)(bits), .value = (uint32_t)(number)                \
    }

/* The order is of no account: the kernel keeps the answer for calls without conditions. */
static const struct linux_seccomp_rule rules_of_both[] = {
    /* memory: never executable, never shared with a file or the rings of a socket */
    CALL(brk),
    CALL_IF(mmap, LACKS(2, PROT_EXEC), LACKS(3, MAP_SHARED)),
    CALL_IF(mprotect, LACKS(2, PROT_EXEC)),
    CALL(munmap),
    CALL(mremap),
    CALL(madvise),
    /* what is open already */
    CALL(read),
    CALL(write),
    CALL(recvfrom),
    CALL(close),
    CALL(ppoll),
#ifdef __NR_poll
    CALL(poll),
#endif
    /* time, where the processor has no clock that programs can read by themselves */
    CALL(clock_gettime),
    CALL(clock_getres),
    CALL(gettimeofday),
#ifdef __NR_time
    CALL(time),
#endif
    CALL(restart_syscall),
    /* locks, signals to oneself, abort() and the end */
    CALL(futex),
    CALL(sysinfo), /* qsort() asks how much memory there is */
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigreturn),
    CALL(getpid),
    CALL(gettid),
    CALL(exit),
    CALL(exit_group),
#ifdef HAS_SANITIZER
    /* AddressSanitizer's own; the compiler says whether it is there, no option does. */
    CALL(sigaltstack),
    CALL(sched_yield),
    CALL(prctl),
#endif
};

#define SOCKET(family, type, protocol)                                                             \
    CALL_IF(socket, IS(0, family), IS_BUT_FOR(1, type, SOCK_CLOEXEC | SOCK_NONBLOCK),              \
            IS(2, protocol))
#define OPTION(level, name) CALL_IF(setsockopt, IS(1, level), IS(2, name))

static const struct linux_seccomp_rule rules_of_proxy[] = {
    /* the loop; epoll_wait and epoll_pwait differ by processor */
    CALL(epoll_ctl),
    CALL(epoll_pwait),
#ifdef __NR_epoll_wait
    CALL(epoll_wait),
#endif
    CALL(getrandom),
    /* TCP and UDP to servers and the resolver; packet rules say which UDP */
    SOCKET(AF_INET, SOCK_STREAM, 0),
    SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
    SOCKET(AF_INET6, SOCK_STREAM, 0),
    SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
    SOCKET(AF_INET, SOCK_DGRAM, 0),
    SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
    SOCKET(AF_INET6, SOCK_DGRAM, 0),
    SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
    CALL(connect),
    CALL(accept4),
    CALL(shutdown),
    CALL(getsockname),
    CALL(getpeername),
    CALL(sendto),
    CALL(sendmsg),
    CALL(recvmsg),
    CALL(sendmmsg),
    CALL(recvmmsg),
    CALL(writev), /* c-ares over TCP */
    CALL(pread64),
    CALL_IF(getsockopt, IS(1, SOL_SOCKET), IS(2, SO_ERROR)),
    OPTION(SOL_SOCKET, SO_KEEPALIVE),
    OPTION(SOL_SOCKET, SO_LINGER),
    OPTION(SOL_SOCKET, SO_RCVLOWAT),
    OPTION(IPPROTO_TCP, TCP_NODELAY),
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE),
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL),
    OPTION(IPPROTO_TCP, TCP_KEEPCNT),
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT),
    /* libuv and c-ares make sockets non-blocking and close-on-exec */
    CALL_IF(ioctl, IS(1, FIONBIO)),
    CALL_IF(ioctl, IS(1, SIOCOUTQNSD)), /* what the kernel has not sent, before a reload's cuts */
    CALL_IF(fcntl, IS(1, F_GETFL)),
    CALL_IF(fcntl, IS(1, F_SETFL)),
    CALL_IF(fcntl, IS(1, F_GETFD)),
    CALL_IF(fcntl, IS(1, F_SETFD)),
/* fstat() of the policy's memory file; with a path it would see the empty root at most */
#ifdef __NR_newfstatat
    CALL_IF(newfstatat, {.argument = 3, .mask = AT_EMPTY_PATH, .value = AT_EMPTY_PATH}),
#endif
    CALL(fstat),
};

static const struct linux_seccomp_rule rules_of_recorder[] = {
    CALL(recvmsg), /* the supervisor's channel, with the sockets of viewers */
};

/* Calls that neither the supervisor nor nft makes, and that would give root more. */
static const struct linux_seccomp_rule denied_to_supervisor[] = {
    CALL(mount),
    CALL(umount2),
    CALL(pivot_root),
    CALL(open_tree),
    CALL(move_mount),
    CALL(fsopen),
    CALL(fsconfig),
    CALL(fsmount),
    CALL(fspick),
    CALL(mount_setattr),
    CALL(swapon),
    CALL(swapoff),
    CALL(setns),
    CALL(open_by_handle_at),
    CALL(ptrace),
    CALL(process_vm_readv),
    CALL(process_vm_writev),
    CALL(process_madvise),
    CALL(pidfd_getfd),
    CALL(kcmp),
    CALL(bpf),
    CALL(perf_event_open),
    CALL(userfaultfd),
    CALL(io_uring_setup),
    CALL(io_uring_enter),
    CALL(io_uring_register),
    CALL(fanotify_init),
    CALL(add_key),
    CALL(request_key),
    CALL(keyctl),
    CALL(init_module),
    CALL(finit_module),
    CALL(delete_module),
    CALL(kexec_load),
#ifdef __NR_kexec_file_load
    CALL(kexec_file_load),
#endif
    CALL(reboot),
    CALL(acct),
    CALL(syslog),
    CALL(quotactl),
    CALL(settimeofday),
    CALL(clock_settime),
    CALL(adjtimex),
    CALL(clock_adjtime),
    CALL(sethostname),
    CALL(setdomainname),
    CALL(vhangup),
#ifdef __NR_iopl
    CALL(iopl),
    CALL(ioperm),
    CALL(modify_ldt),
#endif
};

static size_t append(struct linux_seccomp_rule *rules, size_t count,
                     const struct linux_seccomp_rule *more, size_t more_count)
{
    CHECK(count + more_count <= RULES_MAX);
    memcpy(rules + count, more, more_count * sizeof(*more));
    return count + more_count;
}

bool role_filter_install(enum role_kind kind, pid_t own, struct error *error)
{
    const struct linux_seccomp_rule to_oneself = CALL_IF(tgkill, IS(0, own));
    struct linux_seccomp_rule rules[RULES_MAX];
    size_t count = 0;
    if (kind == ROLE_PROXY)
        count = append(rules, count, rules_of_proxy,
                       sizeof(rules_of_proxy) / sizeof(rules_of_proxy[0]));
    else
        count = append(rules, count, rules_of_recorder,
                       sizeof(rules_of_recorder) / sizeof(rules_of_recorder[0]));
    count = append(rules, count, rules_of_both, sizeof(rules_of_both) / sizeof(rules_of_both[0]));
    count = append(rules, count, &to_oneself, 1);
    return linux_seccomp_install(LINUX_SECCOMP_ALLOWLIST, rules, count, error);
}

bool role_filter_install_supervisor(struct error *error)
{
    return linux_seccomp_install(LINUX_SECCOMP_DENYLIST, denied_to_supervisor,
                                 sizeof(denied_to_supervisor) / sizeof(denied_to_supervisor[0]),
                                 error);
}
