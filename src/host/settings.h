#ifndef HOST_SETTINGS_H
#define HOST_SETTINGS_H

#include "base/bytes.h"
#include "base/error.h"

/** How the VMs are run: by the processor, or in software. */
enum settings_accelerator {
    SETTINGS_ACCELERATOR_AUTO,
    SETTINGS_ACCELERATOR_KVM,
    SETTINGS_ACCELERATOR_HVF,
    SETTINGS_ACCELERATOR_TCG
};

enum { SETTINGS_TEXT_SIZE = 1024 };

/** The settings of an instance. Empty texts and zero numbers are not set. rootcell-env(5). */
struct settings {
    char aws_region[64];
    uint32_t pool_start, pool_end;  /* first addresses of the first and last /24; host order */
    uint32_t firewall_ip, agent_ip; /* 0: from the pool */
    uint32_t network_prefix;        /* bits */
    char image_directory[SETTINGS_TEXT_SIZE];
    char image_manifest_url[SETTINGS_TEXT_SIZE];
    uint32_t agent_cpus; /* 0: as many as the host has, at most 4 */
    uint64_t agent_memory_bytes;
    uint64_t agent_disk_bytes;
    uint64_t firewall_memory_bytes;
    bool is_recording; /* the firewall captures calls to models though nobody watches */
    enum settings_accelerator accelerator;
    uint32_t upstream_dns; /* 0: the host's resolver, as user-mode networking gives it */
    uint16_t upstream_dns_port;
    char upstream_ca[SETTINGS_TEXT_SIZE];
    char agent_packages[SETTINGS_TEXT_SIZE]; /* names separated by single spaces */
    char qemu[SETTINGS_TEXT_SIZE], qemu_img[SETTINGS_TEXT_SIZE], ssh[SETTINGS_TEXT_SIZE];
};

void settings_set_defaults(struct settings *settings);

/**
 * Read the text of an .env file over what is in `settings`: NAME=VALUE lines, `export` before them,
 * quotes around values, `#` comments. Names that are not ours are left alone, but for unknown ones
 * that begin with ROOTCELL_. On failure the error is `FILE:LINE: what was read; what is allowed`
 * and `settings` is unchanged.
 */
bool settings_parse(struct bytes text, const char *file, struct settings *settings,
                    struct error *error);

/**
 * Set one by its name; the error says what was read and what is allowed. `*is_known` is false,
 * with success, when there is no such setting.
 */
bool settings_set(struct settings *settings, const char *name, struct bytes value, bool *is_known,
                  struct error *error);

/** What must hold between settings, once all are read. */
bool settings_check(const struct settings *settings, struct error *error);

/** Names in the order of the manual page, for the environment; NULL after the last. */
const char *settings_name(size_t index);

#endif
