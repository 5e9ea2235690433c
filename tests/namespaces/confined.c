/*
 * Enters a role's confinement, the very one of the firewall, and tries one thing after the other
 * that a hostile role would want, each in a process of its own:
 *
 *     confined proxy|recorder            everything that role_confine() sets up
 *     confined proxy|recorder unfiltered the same without the system-call filter: the walls behind
 *
 * Prints a line for each: its name, and `killed` (SIGSYS), `done`, `signal N` or the errno's name.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "firewall/role_confine.h"
#include "system/linux_landlock.h"
#include "system/linux_privilege.h"

enum { EXIT_NOT_CONFINED = 250 };

static pid_t parent;
static int one_file; /* open before the confinement, as a role's records are */

/* --- programs and processes ----------------------------------------------------------------- */

static long try_exec(void)
{
    char *const arguments[] = {"true", NULL};
    return execve("/bin/true", arguments, arguments + 1);
}

static long try_exec_of_descriptor(void)
{
    char *const arguments[] = {"true", NULL};
    return syscall(SYS_execveat, one_file, "", arguments, arguments + 1, AT_EMPTY_PATH);
}

static long try_fork(void)
{
    long process = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (process == 0)
        _exit(0);
    return process;
}

static long try_thread(void)
{
    return syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0);
}

static long try_clone3(void)
{
    return syscall(SYS_clone3, NULL, 0);
}

static long try_kill_supervisor(void)
{
    return kill(parent, SIGKILL);
}

static long try_kill_all(void)
{
    return kill(-1, SIGKILL);
}

static long try_thread_kill_of_supervisor(void)
{
    return syscall(SYS_tgkill, parent, parent, SIGKILL);
}

static long try_trace_supervisor(void)
{
    return ptrace(PTRACE_SEIZE, parent, NULL, NULL);
}

static long try_be_traced(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long try_read_supervisor(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {&parent, 1};
    return process_vm_readv(parent, &here, 1, &there, 1, 0);
}

static long try_write_supervisor(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {&parent, 1};
    return process_vm_writev(parent, &here, 1, &there, 1, 0);
}

static long try_pidfd(void)
{
    return syscall(SYS_pidfd_open, parent, 0);
}

static long try_limits(void)
{
    struct rlimit limit = {100, 100};
    return setrlimit(RLIMIT_NPROC, &limit);
}

static long try_limits_of_supervisor(void)
{
    struct rlimit limit = {1, 1};
    return syscall(SYS_prlimit64, parent, RLIMIT_NOFILE, &limit, NULL);
}

/* --- files ---------------------------------------------------------------------------------- */

static long try_open(void)
{
    return open("/etc/passwd", O_RDONLY);
}

static long try_open_own_memory(void)
{
    return open("/proc/self/mem", O_RDWR);
}

static long try_create(void)
{
    return open("made", O_CREAT | O_WRONLY, 0600);
}

static long try_open_above(void)
{
    return open("..", O_RDONLY | O_DIRECTORY);
}

static long try_make_folder(void)
{
    return mkdirat(AT_FDCWD, "made", 0700);
}

static long try_delete(void)
{
    return unlinkat(AT_FDCWD, "/etc/passwd", 0);
}

static long try_look_at_path(void)
{
    struct stat status;
    return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &status, 0);
}

static long try_truncate(void)
{
    return ftruncate(one_file, 0);
}

static long try_chroot(void)
{
    return chroot("/proc/1/root");
}

static long try_mount(void)
{
    return syscall(SYS_mount, "none", "/", "tmpfs", 0, NULL);
}

/* --- the kernel's large doors --------------------------------------------------------------- */

static long try_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL);
}

static long try_userfaultfd(void)
{
    return syscall(SYS_userfaultfd, 0);
}

static long try_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}

static long try_perf_event(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_keyctl(void)
{
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

static long try_memory_file(void)
{
    return memfd_create("code", 0);
}

static long try_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static long try_enter_network(void)
{
    return setns(one_file, CLONE_NEWNET);
}

static long try_seccomp(void)
{
    return syscall(SYS_seccomp, 0, 0, NULL);
}

static long try_identity(void)
{
    return syscall(SYS_setresuid, 0, 0, 0);
}

static long try_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long try_personality(void)
{
    return syscall(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */);
}

/* --- code ----------------------------------------------------------------------------------- */

static long try_map_code(void)
{
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : 0;
}

static long try_make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? -1 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

/* The number of a harmless call, with bits that a careless filter leaves out of its comparison. */
static long try_foreign_call(void)
{
#ifdef __x86_64__
    return syscall(0x40000000 | SYS_getpid); /* x32 */
#else
    return syscall(0x40000000);
#endif
}

/* 32-bit getpid, whose number is another call's in 64 bits. */
static long try_other_architecture(void)
{
#ifdef __x86_64__
    long result = 20;
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    return syscall(0x40000001);
#endif
}

/* --- sockets -------------------------------------------------------------------------------- */

static long try_tcp(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_udp_over_ipv6(void)
{
    return socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
}

static long try_unix(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long try_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long try_packet(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0);
}

static long try_raw(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static long try_ping(void)
{
    return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}

static long try_sctp(void)
{
    return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
}

static long try_vsock(void)
{
    return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long try_alg(void)
{
    return socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static long try_socket_pair(void)
{
    int ends[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static long try_bind(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4444)};
    return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof(address));
}

static long try_listen(void)
{
    return listen(socket(AF_INET, SOCK_STREAM, 0), 1);
}

static long try_bind_to_device(void)
{
    return setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}

static long try_mark(void)
{
    int mark = 1;
    return setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

static long try_interface_list(void)
{
    char space[128] = {0};
    return ioctl(socket(AF_INET, SOCK_DGRAM, 0), 0x8912 /* SIOCGIFCONF */, space);
}

static long try_terminal_input(void)
{
    return ioctl(STDERR_FILENO, 0x5412 /* TIOCSTI */, "x");
}

static long try_file_owner(void)
{
    return fcntl(one_file, F_SETOWN, parent);
}

/* --- what must work ------------------------------------------------------------------------- */

static long try_write(void)
{
    return write(one_file, "x", 1);
}

static long try_memory(void)
{
    void *memory = malloc(8 << 20);
    memset(memory, 1, 8 << 20);
    memory = realloc(memory, 64 << 20);
    free(memory);
    return 0;
}

static long try_abort(void)
{
    abort();
}

static const struct attempt {
    const char *name;
    long (*run)(void);
} attempts[] = {
    {"exec", try_exec},
    {"exec-of-descriptor", try_exec_of_descriptor},
    {"fork", try_fork},
    {"thread", try_thread},
    {"clone3", try_clone3},
    {"kill-supervisor", try_kill_supervisor},
    {"kill-all", try_kill_all},
    {"thread-kill-of-supervisor", try_thread_kill_of_supervisor},
    {"trace-supervisor", try_trace_supervisor},
    {"be-traced", try_be_traced},
    {"read-supervisor", try_read_supervisor},
    {"write-supervisor", try_write_supervisor},
    {"pidfd", try_pidfd},
    {"limits", try_limits},
    {"limits-of-supervisor", try_limits_of_supervisor},
    {"open", try_open},
    {"open-own-memory", try_open_own_memory},
    {"create", try_create},
    {"open-above", try_open_above},
    {"make-folder", try_make_folder},
    {"delete", try_delete},
    {"look-at-path", try_look_at_path},
    {"truncate", try_truncate},
    {"chroot", try_chroot},
    {"mount", try_mount},
    {"io-uring", try_io_uring},
    {"userfaultfd", try_userfaultfd},
    {"bpf", try_bpf},
    {"perf-event", try_perf_event},
    {"keyctl", try_keyctl},
    {"memory-file", try_memory_file},
    {"unshare", try_unshare},
    {"enter-network", try_enter_network},
    {"seccomp", try_seccomp},
    {"identity", try_identity},
    {"dumpable", try_dumpable},
    {"personality", try_personality},
    {"map-code", try_map_code},
    {"make-code", try_make_code},
    {"foreign-call", try_foreign_call},
    {"other-architecture", try_other_architecture},
    {"tcp", try_tcp},
    {"udp-over-ipv6", try_udp_over_ipv6},
    {"unix", try_unix},
    {"netlink", try_netlink},
    {"packet", try_packet},
    {"raw", try_raw},
    {"ping", try_ping},
    {"sctp", try_sctp},
    {"vsock", try_vsock},
    {"alg", try_alg},
    {"socket-pair", try_socket_pair},
    {"bind", try_bind},
    {"listen", try_listen},
    {"bind-to-device", try_bind_to_device},
    {"mark", try_mark},
    {"interface-list", try_interface_list},
    {"terminal-input", try_terminal_input},
    {"file-owner", try_file_owner},
    {"write", try_write},
    {"memory", try_memory},
    {"abort", try_abort},
};

/* role_confine() without its last step. */
static bool enter_unfiltered(enum role_kind kind, struct error *error)
{
    bool is_recorder = kind == ROLE_RECORDER;
    return (!is_recorder || linux_privilege_leave_network(error)) &&
           linux_privilege_drop(is_recorder ? ROLE_RECORDER_USER : ROLE_PROXY_USER, parent,
                                error) &&
           linux_landlock_enter(
               is_recorder ? LINUX_LANDLOCK_NO_NETWORK : LINUX_LANDLOCK_CONNECT_ONLY, error);
}

static void run_confined(enum role_kind kind, bool is_filtered, const struct attempt *attempt)
{
    struct error error;
    if (!(is_filtered ? role_confine(kind, parent, &error) : enter_unfiltered(kind, &error))) {
        fprintf(stderr, "confined: %s\n", error.text);
        _exit(EXIT_NOT_CONFINED);
    }
    errno = 0;
    _exit(attempt->run() < 0 ? errno : 0);
}

static void report(const char *name, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        printf("%s killed\n", name);
    else if (WIFSIGNALED(status))
        printf("%s signal %d\n", name, WTERMSIG(status));
    else if (WEXITSTATUS(status) == EXIT_NOT_CONFINED)
        printf("%s not confined\n", name);
    else
        printf("%s %s\n", name,
               WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "done");
}

int main(int count, char **arguments)
{
    if (count < 2)
        return 2;
    enum role_kind kind = strcmp(arguments[1], "proxy") ? ROLE_RECORDER : ROLE_PROXY;
    bool is_filtered = count == 2;
    parent = getpid();
    one_file = memfd_create("records", MFD_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        /* Without the filter this would meet the roles of a firewall that runs beside us. */
        if (!is_filtered && attempts[i].run == try_kill_all)
            continue;
        pid_t process = fork();
        if (process == 0)
            run_confined(kind, is_filtered, &attempts[i]);
        int status = 0;
        if (process < 0 || waitpid(process, &status, 0) != process)
            return 1;
        report(attempts[i].name, status);
    }
    return 0;
}
