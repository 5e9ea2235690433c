#ifndef FIREWALL_PROXY_ROLE_H
#define FIREWALL_PROXY_ROLE_H

#include <stdint.h>
#include <sys/types.h>

struct linux_secret;
struct options;
struct provider_set;
struct proxy_files;

/** What the proxy has from the supervisor at its start; the rest comes over the channel. */
struct proxy_start {
    const struct options *options;
    const struct proxy_files *files;
    struct linux_secret *ca_key; /* what `files` shows; given back when it was read */
    int record_socket;
    int capture_socket;
    const struct provider_set *providers;
    pid_t parent;     /* the supervisor */
    uint32_t address; /* ours on the link, host byte order */
    uint32_t netmask;
};

enum {
    PROXY_EXIT_FAILED = 1,
    PROXY_EXIT_REFUSED = 2, /* a file of the user's is unusable; the line that says so is out */
};

/** role_main_fn; `context` is a struct proxy_start. */
int proxy_role_main(void *context, int channel);

#endif
