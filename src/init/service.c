#include "init/service.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/child.h"
#include "system/wall_clock.h"

enum {
    FIRST_DELAY_MS = 100,
    LAST_DELAY_MS = 5000,
    GOOD_RUN_MS = 10000, /* after so long a run the delay starts over */
    STOP_POLL_MS = 10,
};

void service_init(struct service *service, const char *name, const struct argument_list *arguments,
                  int kept_fd)
{
    *service = (struct service){
        .name = name, .arguments = arguments, .kept_fd = kept_fd, .delay_ms = FIRST_DELAY_MS};
}

void service_prepare_child(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
}

_Noreturn static void run_program(const struct service *service)
{
    service_prepare_child();
    if (service->kept_fd >= 0)
        fcntl(service->kept_fd, F_SETFD, 0);
    execv(service->arguments->texts[0], service->arguments->texts);
    perror(service->arguments->texts[0]);
    _exit(127);
}

void service_start(struct service *service)
{
    int64_t now_ms = wall_clock_monotonic_ms();
    if (service->child != 0 || now_ms < service->start_ms)
        return;
    service->start_ms = now_ms;
    pid_t child = fork();
    if (child == 0)
        run_program(service);
    if (child > 0)
        service->child = child;
    else
        service->start_ms = now_ms + service->delay_ms;
}

int service_wait_ms(const struct service *service)
{
    if (service->child != 0)
        return -1;
    int64_t wait_ms = service->start_ms - wall_clock_monotonic_ms();
    return wait_ms > 0 ? (int)wait_ms : 0;
}

void service_forget(struct service *service, pid_t child, int wait_status)
{
    if (service->child != child)
        return;
    int64_t now_ms = wall_clock_monotonic_ms();
    if (now_ms - service->start_ms >= GOOD_RUN_MS)
        service->delay_ms = FIRST_DELAY_MS;
    fprintf(stderr, "rootcell-init: %s ended with status %d, starting it again in %lld ms\n",
            service->name, child_exit_status(wait_status), (long long)service->delay_ms);
    service->child = 0;
    service->start_ms = now_ms + service->delay_ms;
    service->delay_ms =
        service->delay_ms * 2 < LAST_DELAY_MS ? service->delay_ms * 2 : LAST_DELAY_MS;
}

void service_stop(struct service *service, int timeout_ms)
{
    if (service->child == 0)
        return;
    int64_t end_ms = wall_clock_monotonic_ms() + timeout_ms;
    kill(service->child, SIGTERM);
    while (waitpid(service->child, NULL, WNOHANG) == 0) {
        if (wall_clock_monotonic_ms() >= end_ms)
            kill(service->child, SIGKILL);
        wall_clock_sleep_ms(STOP_POLL_MS);
    }
    service->child = 0;
}
