#ifndef INIT_SERVICE_H
#define INIT_SERVICE_H

#include <stdint.h>
#include <sys/types.h>

#include "system/argument_list.h"

/** A program that is started again whenever it ends, at once at first and then ever slower. */
struct service {
    const char *name;                      /* borrowed */
    const struct argument_list *arguments; /* borrowed */
    int kept_fd;                           /* borrowed: stays open in the program; -1 for none */
    pid_t child;                           /* 0 while it does not run */
    int64_t start_ms;                      /* monotonic: when it was or will be started */
    int64_t delay_ms;                      /* before the next start */
};

void service_init(struct service *service, const char *name, const struct argument_list *arguments,
                  int kept_fd);

/** Start it when it does not run and its time has come. */
void service_start(struct service *service);

/** Milliseconds until service_start has something to do; -1 while the program runs. */
int service_wait_ms(const struct service *service);

/** A child ended: when it was this one, say so and plan the next start. */
void service_forget(struct service *service, pid_t child, int wait_status);

/** Ask the program to end and wait for it, at most `timeout_ms`; then it is killed. */
void service_stop(struct service *service, int timeout_ms);

/** In a forked child: an own session and signals as a program expects them. */
void service_prepare_child(void);

#endif
